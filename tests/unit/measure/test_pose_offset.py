"""The steady difference between two networks' head poses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from watchkeeper.measure import rotations
from watchkeeper.measure.pose_offset import PatchOffset, PoseOffset, RegionOffset
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


def test_on_a_turned_head_the_last_difference_counts_and_the_mean_stays() -> None:
    offset, steady, other = PoseOffset(), rotations.from_angles(2.0, 0.0, 0.0), rotations.from_angles(7.0, 1.0, 0.0)
    for _ in range(4):
        offset.step(steady, np.eye(3))
    quick = rotations.from_angles(35.0, 0.0, 0.0)
    offset.step(quick @ other, quick, turned=True)
    assert np.allclose(offset.corrected(quick, turned=True), quick @ other)
    assert np.allclose(offset.corrected(quick), quick @ steady)
    offset.step(steady, np.eye(3))
    assert np.allclose(offset.corrected(quick, turned=True), quick @ steady)


def test_a_turned_head_alone_does_not_make_the_offset_known() -> None:
    offset = PoseOffset()
    for _ in range(9):
        offset.step(np.eye(3), np.eye(3), turned=True)
    assert not offset.known


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
    offset.step(Region(120.0, 80.0, 40.0, 40.0, 0.1), quick, turned=True)
    assert offset.corrected(quick, turned=True).cx == pytest.approx(120.0)
    assert offset.corrected(quick).cx == pytest.approx(103.0)


def test_a_region_is_moved_by_what_it_was_off_last_in_its_own_frame() -> None:
    offset = RegionOffset()
    quick = Region(50.0, 60.0, 20.0, 20.0, math.pi / 2)
    assert offset.placed(quick) == quick  # nothing known yet
    offset.note(Region(50.0, 64.0, 10.0, 10.0, math.pi / 2), quick)  # along its own right, by a fifth of its side
    moved = offset.placed(Region(100.0, 0.0, 40.0, 40.0, 0.0))
    assert (moved.cx, moved.cy, moved.w, moved.rotation_rad) == pytest.approx((108.0, 0.0, 20.0, 0.0))
