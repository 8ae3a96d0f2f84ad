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
    for turn in (0.0, 1.0):
        m = plan.affine(Region(0, 0, reduction * 10, 10, turn), 10, 10)
        assert plan.taps(m, PixelFormat.GREY8)[:2] == (expected, 1)


def test_chroma_needs_fewer_sample_points() -> None:
    upright = plan.affine(Region(0, 0, 40, 40), 10, 10)
    assert plan.taps(upright, PixelFormat.I420) == (4, 4, 2, 2)
    assert plan.taps(upright, PixelFormat.YUYV) == (4, 4, 2, 4)
    quarter_turn = plan.affine(Region(0, 0, 40, 40, math.pi / 2), 10, 10)
    assert plan.taps(quarter_turn, PixelFormat.YUYV) == (4, 4, 4, 2)


def test_full_frame_is_the_square_around_the_picture() -> None:
    assert plan.full_frame(640, 480) == Region(320, 240, 640, 640)
    assert plan.full_frame(540, 960) == Region(270, 480, 960, 960)


def test_grid_covers_the_picture_without_leaving_it() -> None:
    m, columns, rows = plan.grid(None, 641, 480, 4)
    assert (columns, rows) == (161, 120)
    assert m.a * 0.5 + m.c > 0
    assert m.a * (columns - 0.5) + m.c < 641
