"""The native geometry against numpy: the same numbers, and the same refusals."""

from __future__ import annotations

import math

import numpy as np
import pose_reference
import pytest

from watchkeeper import _geometry
from watchkeeper.measure import regions, rotations
from watchkeeper.measure.head_pose import solver
from watchkeeper.measure.points import RIGID_MM, Points, Vector
from watchkeeper.types import Region


def _seen(rng: np.random.Generator, yaw_deg: float, noise_mm: float) -> tuple[Vector, Vector, Vector]:
    """A head 700 mm before the camera, turned: its pose and its points on the plane z = 1, some of them far off."""
    facing = np.diag([1.0, -1.0, -1.0])  # the head's axes to the camera's
    rotation = np.ascontiguousarray(facing @ rotations.from_angles(yaw_deg, rng.uniform(-25, 25), rng.uniform(-20, 20)))
    translation = np.array([rng.uniform(-150, 150), rng.uniform(-150, 150), rng.uniform(400, 1200)])
    placed = RIGID_MM @ rotation.T + translation + rng.normal(0, noise_mm, RIGID_MM.shape)
    placed[rng.integers(0, len(placed), 3)] += rng.normal(0, 5 * noise_mm, (3, 3))
    return rotation, translation, np.ascontiguousarray(placed[:, :2] / placed[:, 2:])


@pytest.mark.parametrize("steps", [1, 4, 25])
@pytest.mark.parametrize("yaw_deg", [0.0, 18.0, -30.0, 45.0, -65.0])
def test_the_search_for_a_pose_gives_what_numpy_gives(yaw_deg: float, steps: int) -> None:
    rng = np.random.default_rng([steps, int(yaw_deg) + 90])
    native = solver()
    found = 0
    for _ in range(20):
        rotation, translation, seen = _seen(rng, yaw_deg, 2.0)
        start = np.ascontiguousarray(rotations.from_vector(rng.normal(0, 0.05, 3)) @ rotation)
        begin = translation + rng.normal(0, 20, 3)
        expected = pose_reference.refine(start, begin, seen, steps)
        new_rotation, new_translation = np.empty((3, 3)), np.empty(3)
        residual_mm = native.refine(start, begin, seen, steps, new_rotation, new_translation)
        assert (residual_mm is None) == (expected is None)
        if expected is not None and residual_mm is not None:
            found += 1
            np.testing.assert_allclose(new_rotation, expected.rotation, atol=1e-9)
            np.testing.assert_allclose(new_translation, expected.translation_mm, atol=1e-6)
            assert residual_mm == pytest.approx(expected.residual_mm, abs=1e-8)
    assert found > 5


def test_a_head_seen_without_noise_is_found_exactly() -> None:
    rotation, translation, _ = _seen(np.random.default_rng(1), 30.0, 0.0)
    placed = RIGID_MM @ rotation.T + translation
    new_rotation, new_translation = np.empty((3, 3)), np.empty(3)
    start = np.ascontiguousarray(rotations.from_vector(np.array([0.1, -0.2, 0.1])) @ rotation)
    seen = placed[:, :2] / placed[:, 2:]
    residual_mm = solver().refine(start, translation + 30.0, seen, 25, new_rotation, new_translation)
    assert residual_mm == pytest.approx(0.0, abs=1e-3)
    np.testing.assert_allclose(new_rotation, rotation, atol=1e-5)
    np.testing.assert_allclose(new_translation, translation, atol=0.01)


@pytest.mark.parametrize("what", ["nowhere", "not a number", "from behind"])
def test_what_is_no_face_has_no_pose(what: str) -> None:
    rotation, translation, seen = _seen(np.random.default_rng(2), 0.0, 1.0)
    if what == "nowhere":
        seen = np.zeros_like(seen)
    elif what == "not a number":
        seen[4] = math.nan
    else:
        turned = np.diag([-1.0, 1.0, -1.0])
        rotation = np.ascontiguousarray(rotation @ turned)
        placed = RIGID_MM @ rotation.T + translation
        seen = placed[:, :2] / placed[:, 2:]
    assert solver().refine(rotation, translation, seen, 25, np.empty((3, 3)), np.empty(3)) is None


def test_points_that_are_too_few_are_refused() -> None:
    rotation, translation, seen = _seen(np.random.default_rng(3), 0.0, 1.0)
    with pytest.raises(ValueError, match="seen: expected 28 points"):
        solver().refine(rotation, translation, seen[1:], 4, np.empty((3, 3)), np.empty(3))
    with pytest.raises(TypeError):  # a copy would be written to
        solver().refine(rotation, translation, seen, 4, np.empty((3, 3)).T, np.empty(3))


def test_landmarks_are_placed_with_the_bits_of_numpy() -> None:
    rng = np.random.default_rng(4)
    raw: Points = rng.uniform(0, 256, (478, 3)).astype(np.float32)
    region = Region(311.7, 204.3, 333.3, 333.3, 0.37)
    scale = region.w / 256
    c, s = math.cos(region.rotation_rad) * scale, math.sin(region.rotation_rad) * scale
    x, y = raw[:, 0] - 128.0, raw[:, 1] - 128.0
    expected = np.stack([c * x - s * y + region.cx, s * x + c * y + region.cy, raw[:, 2] * scale], axis=1)
    out: Points = np.empty_like(raw)
    regions.to_image(raw, 256.0, region, out)
    np.testing.assert_array_equal(out, expected)
    assert regions.box(out) == (*out[:, :2].min(axis=0), *(out[:, :2].max(axis=0) - out[:, :2].min(axis=0)))
    with pytest.raises(ValueError, match="out: expected as many"):
        _geometry.place_landmarks(raw, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, out[:-1])


@pytest.mark.parametrize("column", [0, 1, 2])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_landmarks_that_are_not_finite_have_no_bounds(column: int, value: float) -> None:
    points = np.ones((468, 3), np.float32)
    points[300, column] = value
    assert _geometry.bounds(points) is None
    assert regions.from_landmarks(points, 640, 480) is None
    with pytest.raises(ValueError, match="finite"):
        regions.box(points)
    assert _geometry.bounds(points[:0]) is None


def test_grey_levels_are_those_of_numpy() -> None:
    rng = np.random.default_rng(5)
    shares = [0.0, 0.05, 0.25, 0.5, 0.75, 1.0]
    for bright in (1, 3, 1000, 4_000_000_000):
        counts = rng.integers(0, bright + 1, 256).astype(np.uint32)
        counts[rng.integers(0, 256, 200)] = 0
        summed = np.cumsum(counts, dtype=np.int64)
        expected = np.searchsorted(summed, np.multiply(shares, summed[-1]))
        assert _geometry.grey_levels(counts, shares) == expected.tolist()
    assert _geometry.grey_levels(np.zeros(256, np.uint32), shares) is None
    with pytest.raises(TypeError):
        _geometry.grey_levels(np.zeros(255, np.uint32), shares)
