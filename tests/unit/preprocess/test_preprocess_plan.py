"""From regions to affines and sample points: pure arithmetic."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.preprocess import plan
from watchkeeper.types import PixelFormat, Region

_SIZE = st.floats(-500, 500)


@given(
    region=st.builds(Region, _SIZE, _SIZE, _SIZE, _SIZE, st.floats(-7, 7)),
    width=st.integers(1, 300), height=st.integers(1, 300), x=st.floats(0, 1), y=st.floats(0, 1),
)  # fmt: skip
def test_affine_agrees_with_the_region(region: Region, width: int, height: int, x: float, y: float) -> None:
    m = plan.affine(region, width, height)
    u, v = x * width, y * height
    expected_x, expected_y = region.to_image(x, y)
    assert m.a * u + m.b * v + m.c == pytest.approx(expected_x, abs=1e-9)
    assert m.d * u + m.e * v + m.f == pytest.approx(expected_y, abs=1e-9)


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [(0.1, 1), (1.0, 1), (1.99, 1), (2.01, 2), (2.5, 2), (2.51, 3), (5.0, 5), (17.0, 17), (400.0, 64)],
)
def test_sample_points_by_reduction(reduction: float, expected: int) -> None:
    # One side is not reduced, so there is nothing to average beforehand even where the region is turned.
    for turn in (0.0, 1.0):
        m = plan.affine(Region(0, 0, reduction * 10, 10, turn), 10, 10)
        assert plan.taps(m, PixelFormat.GREY8)[:5] == (expected, 1, expected, 1, 0)


@pytest.mark.parametrize(
    ("reduction", "level"), [(0.5, 0), (1.0, 0), (1.99, 0), (2.01, 1), (3.99, 1), (4.01, 2), (70.0, 6), (200.0, 6)]
)
def test_a_turned_reduction_averages_first(reduction: float, level: int) -> None:
    m = plan.affine(Region(0, 0, reduction * 10, reduction * 10, 0.3), 10, 10)
    got = plan.taps(m, PixelFormat.GREY8)
    assert got.level == level
    # What is left to do is below 2, but beyond the last level.
    assert (got.x, got.y) == ((1, 1) if reduction < 128 else (3, 3))


def test_what_is_left_in_one_direction_is_done_by_points() -> None:
    m = plan.affine(Region(0, 0, 200, 50, 0.3), 10, 10)
    got = plan.taps(m, PixelFormat.GREY8)
    assert (got.level, got.x, got.y) == (2, 5, 1)


def test_chroma_needs_fewer_sample_points() -> None:
    upright = plan.affine(Region(0, 0, 40, 40), 10, 10)
    assert plan.taps(upright, PixelFormat.I420) == (4, 4, 2, 2, 0, 0, 0)
    assert plan.taps(upright, PixelFormat.YUYV) == (4, 4, 2, 4, 0, 0, 0)
    quarter_turn = plan.affine(Region(0, 0, 40, 40, math.pi / 2), 10, 10)
    assert plan.taps(quarter_turn, PixelFormat.YUYV) == (1, 1, 1, 1, 2, 0, 0)


@pytest.mark.parametrize(("reduction", "pair"), [(0.7, 0), (0.99, 0), (1.01, 1), (1.7, 1), (1.99, 1), (2.5, 1)])
def test_pixels_share_chroma_where_its_grid_holds_less(reduction: float, pair: int) -> None:
    m = plan.affine(Region(0, 0, reduction * 10, reduction * 10, 0.2), 10, 10)
    assert plan.taps(m, PixelFormat.NV12)[5:] == (pair, pair)
    assert plan.taps(m, PixelFormat.GREY8)[5:] == (0, 0)  # no chroma to share


def test_full_frame_is_the_square_around_the_picture() -> None:
    assert plan.full_frame(640, 480) == Region(320, 240, 640, 640)
    assert plan.full_frame(540, 960) == Region(270, 480, 960, 960)


def test_grid_covers_the_picture_without_leaving_it() -> None:
    m, columns, rows = plan.grid(None, 641, 480, 4)
    assert (columns, rows) == (161, 120)
    assert m.a * 0.5 + m.c > 0
    assert m.a * (columns - 0.5) + m.c < 641
