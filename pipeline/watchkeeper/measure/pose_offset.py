"""How the quick landmark network differs from the full one, for this driver: head pose, and where it puts the eyes.

Each network has its own idea of where a face's points are, so the same rigid model laid over them gives two poses, a
few degrees apart and steadily so, and eye patches cut by them are shifted and scaled against each other. Both
differences are learnt as running means over frames that both networks saw. On a turned head they are others and change
with its angle: there the last frame's are used.
"""

from __future__ import annotations

import math

import numpy as np

from watchkeeper.measure.points import Vector
from watchkeeper.types import Region

_NEEDED = 3  # comparisons until it is used
_SHARE = 0.15  # of a new comparison in the mean, once the first are in


class PoseOffset:
    """full = quick @ offset, as a running mean over a head near the camera's direction, and as it was last."""

    def __init__(self) -> None:
        self._sum: Vector = np.eye(3)
        self._last: Vector = np.eye(3)
        self._seen = 0

    @property
    def known(self) -> bool:
        """Enough frames were compared."""
        return self._seen >= _NEEDED

    def step(self, full: Vector, quick: Vector, *, turned: bool = False) -> None:
        """Rotations head to camera that both networks give one frame. turned: the head is, so that the difference is
        another one than the steady one."""
        self._last = quick.T @ full
        if turned:
            return
        self._seen += 1
        share = max(1.0 / self._seen, _SHARE)
        u, _, vt = np.linalg.svd(self._sum + share * (self._last - self._sum))  # the rotation nearest to the mean
        self._sum = u @ np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))]) @ vt

    def corrected(self, quick: Vector, *, turned: bool = False) -> Vector:
        """The full network's pose, going by the quick one's."""
        full: Vector = quick @ (self._last if turned else self._sum)
        return full


class RegionOffset:
    """Where the full network's square lies in the quick one's, as it was last."""

    def __init__(self) -> None:
        self._last: Vector = np.array([0.0, 0.0, 1.0, 0.0])  # right, down (of the side), size, turn in radians

    def note(self, full: Region, quick: Region) -> None:
        """The squares that both networks' landmarks give in one frame."""
        c, s = math.cos(quick.rotation_rad), math.sin(quick.rotation_rad)
        dx, dy = full.cx - quick.cx, full.cy - quick.cy
        self._last = np.array([
            (c * dx + s * dy) / quick.w, (c * dy - s * dx) / quick.w, full.w / quick.w,
            full.rotation_rad - quick.rotation_rad,
        ])  # fmt: skip

    def placed(self, quick: Region) -> Region:
        """Where the full network would have put it."""
        return _moved(quick, self._last)


class PatchOffset(RegionOffset):
    """The same of one eye's patch, and as a running mean over a head near the camera's direction."""

    def __init__(self) -> None:
        super().__init__()
        self._mean = self._last
        self._seen = 0

    def step(self, full: Region, quick: Region, *, turned: bool = False) -> None:
        """The patches that both networks' landmarks give in one frame. turned: as PoseOffset.step's."""
        self.note(full, quick)
        if turned:
            return
        self._seen += 1
        self._mean = self._mean + max(1.0 / self._seen, _SHARE) * (self._last - self._mean)

    def corrected(self, quick: Region, *, turned: bool = False) -> Region:
        """Where the full network would have cut."""
        return self.placed(quick) if turned else _moved(quick, self._mean)


def _moved(quick: Region, by: Vector) -> Region:
    right, down, size, turn = by.tolist()
    x, y = quick.to_image(0.5 + right, 0.5 + down)
    return Region(x, y, quick.w * size, quick.h * size, quick.rotation_rad + turn)
