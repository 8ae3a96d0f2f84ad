"""The eye network's patch: where it lies and how its answer is read."""

from __future__ import annotations

import math

import numpy as np
import pytest

from watchkeeper.measure.eye_patch import PATCH_MM, patch_region, read
from watchkeeper.measure.head_pose import HeadPose
from watchkeeper.measure.points import LEFT_EYE, RIGHT_EYE
from watchkeeper.types import CameraGeometry

CAMERA = CameraGeometry(
    640, 480, 700.0, 700.0, 320.0, 240.0, (0.0,) * 5, ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),
    (0.0, 0.0, 0.0), True,
)  # fmt: skip


def _points() -> np.ndarray:
    points = np.zeros((478, 3), np.float32)
    for eye, outer, inner in ((RIGHT_EYE, (250.0, 190.0), (280.0, 198.0)), (LEFT_EYE, (370.0, 214.0), (340.0, 206.0))):
        points[eye.outer, :2], points[eye.inner, :2] = outer, inner
    return points


@pytest.mark.parametrize("distance_mm", [400.0, 900.0])
def test_a_patch_covers_the_same_millimetres_at_every_distance(distance_mm: float) -> None:
    pose = HeadPose(np.eye(3), np.array([0.0, 0.0, distance_mm]), 1.0)
    region = patch_region(_points(), pose, RIGHT_EYE, CAMERA)
    assert region.w == region.h == pytest.approx(PATCH_MM * 700.0 / distance_mm)
    assert (region.cx, region.cy) == (265.0, 194.0)
    assert math.tan(region.rotation_rad) == pytest.approx(24.0 / 120.0)


def test_a_row_is_read_in_its_own_units() -> None:
    seen = read(np.array([0.0, 3.0, 0.75, -0.1, 0.05], np.float32))
    assert seen.p_closed == pytest.approx(0.5)
    assert seen.p_visible == pytest.approx(1 / (1 + math.exp(-3.0)))
    assert seen.gap_mm == pytest.approx(7.5)
    assert seen.iris == pytest.approx((-0.1, 0.05))
    assert read(np.array([900.0, -900.0, -0.2, 0.0, 0.0])).gap_mm == 0.0  # no overflow, no negative gap
