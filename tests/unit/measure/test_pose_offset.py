"""The steady difference between two networks' head poses."""

from __future__ import annotations

import numpy as np
import pytest

from watchkeeper.measure import rotations
from watchkeeper.measure.pose_offset import PatchOffset, PoseOffset
from watchkeeper.types import Region


def test_it_is_known_after_some_comparisons_and_gives_the_full_pose() -> None:
    offset, difference = PoseOffset(), rotations.from_angles(2.0, -3.0, 1.0)
    random = np.random.default_rng(4)
    for k in range(8):
        assert offset.known == (k >= 3)
        quick = rotations.from_angles(*random.uniform(-25, 25, 3))
        noise = rotations.from_vector(random.normal(0, 0.002, 3))
        offset.step(quick @ difference @ noise, quick)
    quick = rotations.from_angles(20.0, 5.0, -4.0)
    found = rotations.to_angles(offset.corrected(quick))
    assert found == pytest.approx(rotations.to_angles(quick @ difference), abs=0.3)


def test_the_mean_is_a_rotation() -> None:
    offset = PoseOffset()
    for angle in (-30.0, 30.0, 5.0):
        offset.step(rotations.from_angles(angle, 0.0, 0.0), np.eye(3))
    turned = offset.corrected(np.eye(3))
    assert np.allclose(turned @ turned.T, np.eye(3))
    assert np.linalg.det(turned) == pytest.approx(1.0)


@pytest.mark.parametrize(("turned_deg", "late_ns", "learns"), [(0.1, 0, True), (2.0, 0, False), (0.1, 10**9, False)])
def test_a_resting_head_between_frames_teaches(turned_deg: float, late_ns: int, learns: bool) -> None:
    offset, frame_ns = PoseOffset(), 33_000_000
    for _ in range(4):
        offset.step(np.eye(3), np.eye(3))
    first, second = rotations.from_angles(0.0, 0.0, 0.0), rotations.from_angles(turned_deg, 0.0, 0.0)
    offset.seen_quick(first, 0)
    offset.seen_quick(second, frame_ns)
    offset.seen_full(second @ rotations.from_angles(4.0, 0.0, 0.0), 2 * frame_ns + late_ns)
    yaw_deg = rotations.to_angles(offset.corrected(np.eye(3)))[0]
    assert (yaw_deg > 0.5) == learns


def test_patches_are_put_where_the_full_network_would_cut() -> None:
    offset = PatchOffset()
    quick, full = Region(100.0, 80.0, 40.0, 40.0, 0.1), Region(103.0, 78.0, 44.0, 44.0, 0.13)
    for _ in range(3):
        offset.step(full, quick)
    same = offset.corrected(quick)
    assert (same.cx, same.cy, same.w, same.h) == pytest.approx((103.0, 78.0, 44.0, 44.0))
    assert same.rotation_rad == pytest.approx(0.13)
    far = offset.corrected(Region(300.0, 200.0, 20.0, 20.0, 0.1))  # half as large: half the shift
    assert (far.cx, far.cy, far.w) == pytest.approx((301.5, 199.0, 22.0))
