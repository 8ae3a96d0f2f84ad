"""How the quick landmark network's head pose differs from the full one's, for this driver.

Each network has its own idea of where a face's points are, so the same rigid model laid over them gives two poses, a
few degrees apart and steadily so. The difference is a rotation of the head frame, learnt as a running mean.
"""

from __future__ import annotations

import numpy as np

from watchkeeper.measure.points import Vector

_NEEDED = 3  # comparisons until it is used
_SHARE = 0.15  # of a new comparison in the mean, once the first are in


class PoseOffset:
    """Running mean of full = quick @ offset."""

    def __init__(self) -> None:
        self._sum: Vector = np.eye(3)
        self._seen = 0

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

    def corrected(self, quick: Vector) -> Vector:
        """The full network's pose, going by the quick one's."""
        turned: Vector = quick @ self._sum
        return turned
