"""What vision tells `aim`: sizes and angles of known poses, and a mounting found again from them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.commands.aim.mounting import mounting_of, off_place_mm
from watchkeeper.measure import rotations
from watchkeeper.measure.aim import eye_in_picture, off_axis, pose_in_picture, to_vector
from watchkeeper.measure.head_pose import HeadPose
from watchkeeper.measure.points import LANDMARK_COUNT, LEFT_EYE, Vector
from watchkeeper.types import AimPose, CameraGeometry

_FACING = np.diag([1.0, -1.0, -1.0])  # a head that looks into the lens
_CAMERA = CameraGeometry(
    640, 480, 700.0, 700.0, 320.0, 240.0, (0.0,) * 5, ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),
    (0.0, 0.0, 650.0), True,
)  # fmt: skip
_parts = st.floats(-3.0, 3.0)


@given(_parts, _parts, _parts)
def test_rotations_come_back_from_their_vectors(x: float, y: float, z: float) -> None:
    rotation = rotations.from_vector(np.array([x, y, z]))
    assert np.allclose(rotations.from_vector(np.array(to_vector(rotation))), rotation, atol=1e-9)


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, 0.8, 0.0), (-0.6, 0.0, 0.8)])
def test_half_a_turn_about_any_axis_comes_back(axis: tuple[float, float, float]) -> None:
    rotation = rotations.from_vector(math.pi * np.array(axis, np.float64))
    assert np.allclose(rotations.from_vector(np.array(to_vector(rotation))), rotation, atol=1e-9)


def test_an_eye_is_measured_across_its_corners_however_it_is_turned() -> None:
    points = np.zeros((LANDMARK_COUNT, 3), np.float32)
    c, s = math.cos(0.4), math.sin(0.4)
    turn = np.array([[c, -s], [s, c]])

    def put(index: int, x: float, y: float) -> None:
        points[index, :2] = turn @ (x, y) + (300, 200)

    put(LEFT_EYE.outer, 30, 0)
    put(LEFT_EYE.inner, 0, 0)
    for k, (upper, lower) in enumerate(zip(LEFT_EYE.upper, LEFT_EYE.lower, strict=True)):
        put(upper, 10 + 5 * k, -4)
        put(lower, 12 + 5 * k, 4)  # shifted along the corners' line: no part of the gap
    eye = eye_in_picture(points, LEFT_EYE, 0.7)
    assert (eye.width_px, eye.opening_px, eye.seen) == pytest.approx((30, 8, 0.7), abs=1e-3)


def test_right_and_down_are_the_pictures() -> None:
    right, down = off_axis(320 + 700 * math.tan(math.radians(8)), 240 - 700 * math.tan(math.radians(3)), _CAMERA)
    assert (right, down) == pytest.approx((8, -3))


def test_angles_of_the_camera_as_the_face_sees_it() -> None:
    straight = pose_in_picture(HeadPose(_FACING, np.array([0.0, 0.0, 600.0]), 1.0))
    assert (straight.left_deg, straight.above_deg, straight.tilt_deg) == pytest.approx((0.0, 0.0, 0.0))
    # a face 100 mm below the lens's axis sees the camera above itself
    below = pose_in_picture(HeadPose(_FACING, np.array([0.0, 100.0, 600.0]), 1.0))
    assert below.above_deg == pytest.approx(math.degrees(math.atan2(100, 600)))
    # a head that turns to its left has the camera at its right
    turned = pose_in_picture(HeadPose(_FACING @ rotations.from_angles(20, 0), np.array([0.0, 0.0, 600.0]), 1.0))
    assert turned.left_deg == pytest.approx(-20.0)
    # a camera turned counter-clockwise about its lens sees the face turned clockwise
    c, s = math.cos(math.radians(12)), math.sin(math.radians(12))
    rolled = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ _FACING
    assert pose_in_picture(HeadPose(rolled, np.array([0.0, 0.0, 600.0]), 1.0)).tilt_deg == pytest.approx(12.0)


def _seen(rotation: Vector, position_mm: tuple[float, float, float], jitter_deg: float) -> list[AimPose]:
    """Poses of a head at the vehicle frame's origin that looks ahead, seen by a camera at a known place."""
    rng = np.random.default_rng(3)
    made = []
    for _ in range(40):
        head = rotations.from_angles(*(rng.normal(0, jitter_deg, 3)))
        place = rng.normal(0, jitter_deg, 3)
        made.append(pose_in_picture(HeadPose(rotation @ head, rotation @ (place - position_mm), 1.0)))
    return made


@pytest.mark.parametrize("position", [(33.0, -135.0, 635.0), (-380.0, 150.0, 500.0), (250.0, -100.0, 450.0)])
def test_the_mounting_comes_back_from_a_head_that_looks_ahead(position: tuple[float, float, float]) -> None:
    towards = -np.array(position) / np.linalg.norm(position)  # the camera looks at the head
    right = np.cross(towards, (0.0, -1.0, 0.0))
    right = -right / np.linalg.norm(right) if right[0] < 0 else right / np.linalg.norm(right)
    rotation = np.stack([right, np.cross(towards, right), towards])
    found = mounting_of(_seen(rotation, position, 0.5))
    assert found is not None
    assert found.steady
    assert found.position_mm == pytest.approx(position, abs=6.0)
    error = math.degrees(math.acos((np.trace(found.rotation.T @ rotation) - 1) / 2))
    assert error < 0.7
    restless = mounting_of(_seen(rotation, position, 6.0))
    assert restless is not None
    assert not restless.steady


def test_how_far_a_face_is_from_its_nominal_place() -> None:
    pose = pose_in_picture(HeadPose(_FACING, np.array([50.0, -30.0, 600.0]), 1.0))
    assert off_place_mm([pose], _CAMERA) == pytest.approx((50.0, 30.0, 50.0))
    assert off_place_mm([], _CAMERA) is None
    assert mounting_of([]) is None
