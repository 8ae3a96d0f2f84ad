"""How the quick landmark network differs from the full one, for this driver: head pose, and where it puts the eyes.

Each network has its own idea of where a face's points are, so the same rigid model laid over them gives two poses, a
few degrees apart and steadily so, and eye patches cut by them are shifted and scaled against each other. Both
differences are learnt as running means over frames that both networks saw.
"""

from __future__ import annotations

import math

import numpy as np

from watchkeeper.measure.points import Vector
from watchkeeper.types import Region

_NEEDED = 3  # comparisons until it is used
_SHARE = 0.15  # of a new comparison in the mean, once the first are in
_RESTED_DEG = 0.4  # between two quick frames: then a full frame right after them sees the same head
_AT_ONCE_NS = 70_000_000


class PoseOffset:
    """Running mean of full = quick @ offset."""

    def __init__(self) -> None:
        self._sum: Vector = np.eye(3)
        self._seen = 0
        self._last: tuple[Vector, int] | None = None
        self._rested = False

    @property
    def known(self) -> bool:
        """Enough frames were compared."""
        return self._seen >= _NEEDED

    def step(self, full: Vector, quick: Vector) -> None:
        """Rotations head to camera that both networks give one frame, or two frames between which the head rested."""
        self._seen += 1
        share = max(1.0 / self._seen, _SHARE)
        u, _, vt = np.linalg.svd(self._sum + share * (quick.T @ full - self._sum))  # the rotation nearest to the mean
        self._sum = u @ np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))]) @ vt

    def seen_quick(self, quick: Vector, t_ns: int) -> None:
        """A quick frame's own pose, remembered for a full frame that follows at once."""
        last, self._last = self._last, (quick, t_ns)
        turned_deg = 180.0 if last is None or t_ns - last[1] > _AT_ONCE_NS else _angle_deg(last[0], quick)
        self._rested = turned_deg < _RESTED_DEG

    def seen_full(self, full: Vector, t_ns: int) -> None:
        """A full frame's pose: compared with the quick frame before it, if the head was at rest there."""
        last, self._last = self._last, None
        if last is not None and self._rested and t_ns - last[1] <= _AT_ONCE_NS:
            self.step(full, last[0])

    def corrected(self, quick: Vector) -> Vector:
        """The full network's pose, going by the quick one's."""
        turned: Vector = quick @ self._sum
        return turned


def _angle_deg(a: Vector, b: Vector) -> float:
    """Angle of the rotation between two."""
    return math.degrees(math.acos(max(-1.0, min(1.0, (float((a * b).sum()) - 1.0) / 2.0))))


class PatchOffset:
    """Running mean of where the full network's patch of one eye lies in the quick one's."""

    def __init__(self) -> None:
        self._mean: Vector = np.array([0.0, 0.0, 1.0, 0.0])  # right, down (of the side), size, turn in radians
        self._seen = 0

    def step(self, full: Region, quick: Region) -> None:
        """The patches that both networks' landmarks give for one eye in one frame."""
        self._seen += 1
        c, s = math.cos(quick.rotation_rad), math.sin(quick.rotation_rad)
        dx, dy = full.cx - quick.cx, full.cy - quick.cy
        found = np.array([
            (c * dx + s * dy) / quick.w, (c * dy - s * dx) / quick.w, full.w / quick.w,
            full.rotation_rad - quick.rotation_rad,
        ])  # fmt: skip
        self._mean = self._mean + max(1.0 / self._seen, _SHARE) * (found - self._mean)

    def corrected(self, quick: Region) -> Region:
        """Where the full network would have cut."""
        right, down, size, turn = (float(v) for v in self._mean)
        x, y = quick.to_image(0.5 + right, 0.5 + down)
        return Region(x, y, quick.w * size, quick.h * size, quick.rotation_rad + turn)
