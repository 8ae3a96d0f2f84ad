"""Which landmark is what, and the rigid part of a face in millimetres.

Indices are those of MediaPipe's face mesh (468 points of the face, then five an iris). "Right" is the driver's own
right, which an unmirrored camera sees on the left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]  # (478, 3): x, y in image pixels, z in the same unit, growing away from the camera
Vector = NDArray[np.float64]

LANDMARK_COUNT = 478
QUICK_COUNT = 468  # the face's own: the quick network has no irises, and its lids hardly move


@dataclass(frozen=True, slots=True)
class EyePoints:
    """Landmarks of one eye; upper[i] faces lower[i]. side: +1 the driver's left, -1 his right (the model's x)."""

    side: float
    outer: int
    inner: int
    upper: tuple[int, ...]
    lower: tuple[int, ...]
    iris: int


RIGHT_EYE = EyePoints(-1.0, 33, 133, (160, 159, 158), (144, 145, 153), 468)
LEFT_EYE = EyePoints(1.0, 263, 362, (387, 386, 385), (373, 374, 380), 473)

INNER_LIP_UPPER, INNER_LIP_LOWER = 13, 14

# The rigid part of a face: thin skin over bone, little moved by expression. Millimetres in the head frame (x to the
# driver's left, y up, z out of the face). Fitted by us: half is the mean shape that the landmark network itself gives
# six people, half a bundle adjustment over a rendered head whose pose is known; made symmetric, 99 mm between the outer
# eye corners as the network places them. Last number: weight in the fit, low where points at the edge of the face slide
# along it when the head turns.
_MIDLINE = (
    (168, 14.0, 16.8, 1.0), (6, 5.0, 21.8, 1.0), (197, -2.7, 27.5, 1.0), (195, -9.6, 33.3, 1.0),
    (5, -17.0, 39.5, 1.0), (4, -26.0, 43.3, 1.0), (1, -33.2, 42.0, 1.0), (2, -41.8, 25.9, 1.0),
    (151, 51.0, 14.7, 1.0), (9, 34.1, 18.3, 1.0),
)  # fmt: skip
_RIGHT_AND_LEFT = (
    (33, 263, 49.4, 9.1, -6.8, 1.0), (133, 362, 18.8, 6.8, -0.8, 1.0), (98, 327, 18.2, -39.7, 16.5, 1.0),
    (48, 278, 20.4, -31.9, 24.0, 1.0), (50, 280, 53.4, -28.1, -0.9, 1.0), (101, 330, 37.7, -19.6, 5.5, 1.0),
    (127, 356, 76.6, 4.5, -62.8, 0.25), (234, 454, 76.7, -12.8, -67.3, 0.25), (162, 389, 74.6, 22.4, -51.6, 0.25),
)  # fmt: skip

RIGID_INDICES: NDArray[np.intp] = np.array(
    [index for index, *_ in _MIDLINE]
    + [right for right, *_ in _RIGHT_AND_LEFT]
    + [left for _, left, *_ in _RIGHT_AND_LEFT],
    np.intp,
)
RIGID_MM: Vector = np.array(
    [(0.0, y, z) for _, y, z, _ in _MIDLINE]
    + [(-x, y, z) for _, _, x, y, z, _ in _RIGHT_AND_LEFT]
    + [(x, y, z) for _, _, x, y, z, _ in _RIGHT_AND_LEFT]
)
RIGID_WEIGHTS: Vector = np.array([p[-1] for p in _MIDLINE] + [p[-1] for p in _RIGHT_AND_LEFT] * 2)
