"""Mouth opening from the inner lips."""

from __future__ import annotations

import math

from watchkeeper.measure.head_pose import HeadPose
from watchkeeper.measure.points import INNER_LIP_LOWER, INNER_LIP_UPPER, Vector

_CLOSED_MM = 2.0  # what the network leaves between closed lips
_WIDE_MM = 45.0  # inner lips apart in a full yawn (42-44 mm on the clip of one, 43 mm on the rendered jaw)


def opening(seen: Vector, pose: HeadPose) -> float:
    """0 closed .. 1 as far as the jaw goes; `seen` as for measure_eye."""
    (ux, uy), (lx, ly) = seen[[INNER_LIP_UPPER, INNER_LIP_LOWER]].tolist()
    gap_mm = math.hypot(ux - lx, uy - ly) * float(pose.translation_mm[2])
    return max(0.0, min(1.0, (gap_mm - _CLOSED_MM) / (_WIDE_MM - _CLOSED_MM)))
