"""The steady difference between two networks' head poses."""

from __future__ import annotations

import numpy as np
import pytest

from watchkeeper.measure import rotations
from watchkeeper.measure.pose_offset import PoseOffset


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
