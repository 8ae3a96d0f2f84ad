"""The eye network's picture of one eye, and what its answer means in the frame it was cut from.

The patch is a square of fixed size on the driver's face (not of the eye, which head pose foreshortens), so a lid gap in
it is a length: the network was taught gaps in the head frame on renders (models/export).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from watchkeeper.measure.head_pose import HeadPose
from watchkeeper.measure.points import LEFT_EYE, RIGHT_EYE, EyePoints, Points
from watchkeeper.types import CameraGeometry, Region

# 41 mm of the rendered faces that taught the network, whose eyes are 28 mm wide, in the face model's 30.6 mm.
PATCH_MM = 44.8
_SMALLEST_PX = 6.0
_MM_PER_CM = 10.0

# Where the network's numbers stand in a row of its output.
_CLOSED, _VISIBLE, _GAP, _IRIS_X, _IRIS_Y = range(5)


@dataclass(frozen=True, slots=True)
class EyeReading:
    """One eye as the network sees it.

    p_closed, p_visible: 0..1, calibrated. gap_mm: between the lids, in the head frame, as a real length.
    iris: centre as shares of the patch's side from its middle, x to the right and y down in the turned patch.
    """

    p_closed: float
    p_visible: float
    gap_mm: float
    iris: tuple[float, float]


def patch_region(points: Points, pose: HeadPose, eye: EyePoints, camera: CameraGeometry) -> Region:
    """Where to cut this eye's patch: around the middle of its corners, level with the line between the eyes."""
    ox, oy = (float(v) for v in points[eye.outer, :2])
    ix, iy = (float(v) for v in points[eye.inner, :2])
    rx, ry = (float(v) for v in points[RIGHT_EYE.outer, :2])
    lx, ly = (float(v) for v in points[LEFT_EYE.outer, :2])
    side = max(PATCH_MM * camera.fx / float(pose.translation_mm[2]), _SMALLEST_PX)
    return Region((ox + ix) / 2, (oy + iy) / 2, side, side, math.atan2(ly - ry, lx - rx))


def read(row: Any) -> EyeReading:
    """One row of the network's output, (5,) numbers, as a reading."""
    return EyeReading(
        _probability(float(row[_CLOSED])),
        _probability(float(row[_VISIBLE])),
        max(0.0, float(row[_GAP])) * _MM_PER_CM,
        (float(row[_IRIS_X]), float(row[_IRIS_Y])),
    )


def _probability(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))
