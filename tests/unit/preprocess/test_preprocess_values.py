"""What comes out of the pass, against numbers from the standards and from geometry; every back end alike."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.preprocess import plan
from watchkeeper.preprocess.backends import BACKENDS, Preprocessor, open_preprocessor
from watchkeeper.preprocess.spec import Layout, OutputSpec
from watchkeeper.types import ColorMatrix, Frame, PixelFormat, Region


def grey_frame(pixels: Any) -> Frame:
    data = np.ascontiguousarray(pixels, np.uint8)
    height, width = data.shape
    return Frame(0, 0, width, height, PixelFormat.GREY8, ColorMatrix.BT601_LIMITED, (data,), (width,))


def yuv_frame(pixel_format: PixelFormat, color: ColorMatrix, y: int, u: int, v: int) -> Frame:
    """8x4 pixels of one colour."""
    luma = bytes([y]) * 32
    planes: dict[PixelFormat, tuple[bytes, ...]] = {
        PixelFormat.I420: (luma, bytes([u]) * 8, bytes([v]) * 8),
        PixelFormat.NV12: (luma, bytes([u, v]) * 8),
        PixelFormat.YUYV: (bytes([y, u, y, v]) * 16,),
    }
    strides = {PixelFormat.I420: (8, 4, 4), PixelFormat.NV12: (8, 8), PixelFormat.YUYV: (16,)}
    return Frame(0, 0, 8, 4, pixel_format, color, planes[pixel_format], strides[pixel_format])


def run(preprocessor: Preprocessor, frame: Frame, region: Region, spec: OutputSpec) -> Any:
    out = spec.empty()
    preprocessor.run(frame, region, spec, out)
    return out[0]


# 8-bit codes of the 100 % colour bars (ITU-R BT.471 signals in BT.601-7 and BT.709-6 coding): colour, Y', Cb, Cr
BARS = {
    ColorMatrix.BT601_LIMITED: [
        ((255, 255, 255), 235, 128, 128), ((255, 255, 0), 210, 16, 146), ((0, 255, 255), 170, 166, 16),
        ((0, 255, 0), 145, 54, 34), ((255, 0, 255), 106, 202, 222), ((255, 0, 0), 81, 90, 240),
        ((0, 0, 255), 41, 240, 110), ((0, 0, 0), 16, 128, 128),
    ],
    ColorMatrix.BT709_LIMITED: [
        ((255, 255, 255), 235, 128, 128), ((255, 255, 0), 219, 16, 138), ((0, 255, 255), 188, 154, 16),
        ((0, 255, 0), 173, 42, 26), ((255, 0, 255), 78, 214, 230), ((255, 0, 0), 63, 102, 240),
        ((0, 0, 255), 32, 240, 118), ((0, 0, 0), 16, 128, 128),
    ],
    ColorMatrix.BT601_FULL: [((255, 0, 0), 76, 85, 255), ((0, 255, 0), 150, 44, 21), ((0, 0, 255), 29, 255, 107)],
}  # fmt: skip


@pytest.mark.parametrize("pixel_format", [PixelFormat.I420, PixelFormat.NV12, PixelFormat.YUYV])
@pytest.mark.parametrize("matrix", BARS)
def test_colour_bars(preprocessor: Preprocessor, pixel_format: PixelFormat, matrix: ColorMatrix) -> None:
    for rgb, y, u, v in BARS[matrix]:
        frame = yuv_frame(pixel_format, matrix, y, u, v)
        got = run(preprocessor, frame, plan.full_frame(8, 4), OutputSpec(2, 2, border=None))
        # Half a code of each component, amplified by at most 1.17 and 2.12.
        np.testing.assert_allclose(got, np.broadcast_to(rgb, got.shape), atol=1.7)


def test_bgr_and_rgb_are_told_apart(preprocessor: Preprocessor) -> None:
    for pixel_format, expected in ((PixelFormat.RGB24, (10, 20, 30)), (PixelFormat.BGR24, (30, 20, 10))):
        frame = Frame(0, 0, 2, 1, pixel_format, ColorMatrix.BT601_FULL, (bytes([10, 20, 30] * 2),), (6,))
        got = run(preprocessor, frame, Region(1, 0.5, 2, 1), OutputSpec(2, 1))
        np.testing.assert_allclose(got, np.broadcast_to(expected, (1, 2, 3)), atol=1e-4)


def test_grey_of_rgb_has_the_matrixs_weights(preprocessor: Preprocessor) -> None:
    for color, expected in ((ColorMatrix.BT601_FULL, 0.587 * 200), (ColorMatrix.BT709_FULL, 0.7152 * 200)):
        frame = Frame(0, 0, 1, 1, PixelFormat.RGB24, color, (bytes([0, 200, 0]),), (3,))
        got = run(preprocessor, frame, Region(0.5, 0.5, 0.5, 0.5), OutputSpec(1, 1, channels=1))
        assert got.item() == pytest.approx(expected, abs=1e-3)


def test_grey_of_yuv_is_full_range_luma(preprocessor: Preprocessor) -> None:
    for y, expected in ((16, 0.0), (235, 255.0), (0, 0.0), (255, 255.0), (126, 110 * 255 / 219)):
        frame = yuv_frame(PixelFormat.NV12, ColorMatrix.BT709_LIMITED, y, 30, 200)
        got = run(preprocessor, frame, Region(4, 2, 2, 2), OutputSpec(1, 1, channels=1))
        assert got.item() == pytest.approx(expected, abs=1e-3)


def test_a_crop_at_full_size_is_the_pixels_themselves(preprocessor: Preprocessor) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (20, 30))
    got = run(preprocessor, grey_frame(pixels), Region(14, 9, 8, 6), OutputSpec(8, 6, channels=1))
    np.testing.assert_array_equal(got[:, :, 0], pixels[6:12, 10:18])


def test_half_size_is_the_mean_of_each_block(preprocessor: Preprocessor) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (12, 16))
    got = run(preprocessor, grey_frame(pixels), Region(8, 6, 16, 12), OutputSpec(8, 6, channels=1))
    blocks = pixels.reshape(6, 2, 8, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(got[:, :, 0], blocks, atol=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    cx=st.floats(40, 60), cy=st.floats(40, 60), w=st.floats(-40, 40), h=st.floats(-40, 40), turn=st.floats(-4, 4),
    name=st.sampled_from(sorted(BACKENDS)),
)  # fmt: skip
def test_output_pixels_lie_where_the_region_says(
    gpu: Path, cx: float, cy: float, w: float, h: float, turn: float, name: str
) -> None:
    """On a slope every interpolation is exact, so each output pixel tells its position in the picture."""
    y, x = np.mgrid[0:100, 0:100]
    region = Region(cx, cy, w, h, turn)
    spec = OutputSpec(5, 4, channels=1)
    across = run(open_preprocessor(name), grey_frame(2 * x + 10), region, spec)[:, :, 0]
    down = run(open_preprocessor(name), grey_frame(2 * y + 10), region, spec)[:, :, 0]
    # Positions are rounded to 1/256 of a sample, which averaging may have made as large as an output pixel
    # (kernels/fixed_core.h); the slope is 2 a pixel.
    near = 2e-3 + 2.2 / 256 * max(1.0, abs(w) / 5, abs(h) / 4)
    for row in range(4):
        for column in range(5):
            px, py = region.to_image((column + 0.5) / 5, (row + 0.5) / 4)
            # Pixel x holds 2 x + 10 at its centre, x + 0.5.
            assert across[row, column] == pytest.approx(2 * (px - 0.5) + 10, abs=near)
            assert down[row, column] == pytest.approx(2 * (py - 0.5) + 10, abs=near)


@pytest.mark.parametrize("pixel_format", [PixelFormat.I420, PixelFormat.NV12])
def test_chroma_sits_in_the_middle_of_its_pixels(preprocessor: Preprocessor, pixel_format: PixelFormat) -> None:
    """Cr rises by 4 a chroma sample, 2 a pixel; column k's sample is at pixel 2 k + 1."""
    width, height = 32, 8
    cr = np.broadcast_to(np.arange(16, dtype=np.uint8) * 4 + 100, (4, 16))
    cb = np.full((4, 16), 128, np.uint8)
    luma = np.full((height, width), 100, np.uint8)
    planes: tuple[Any, ...] = (luma, cb, np.ascontiguousarray(cr))
    strides: tuple[int, ...] = (32, 16, 16)
    if pixel_format is PixelFormat.NV12:
        planes, strides = (luma, np.ascontiguousarray(np.stack([cb, cr], axis=2))), (32, 32)
    frame = Frame(0, 0, width, height, pixel_format, ColorMatrix.BT601_FULL, planes, strides)
    got = run(preprocessor, frame, Region(16, 4, 20, 4), OutputSpec(20, 4))
    for column in range(20):
        centre_px = 6 + column + 0.5
        expected_cr = 100 + 4 * (centre_px - 1) / 2
        assert got[1, column, 0] == pytest.approx(100 + 1.402 * (expected_cr - 128), abs=1e-2)
    # Reduced by 1.25, two pixels share the chroma in their middle: 2 pixels are 2.5 px.
    got = run(preprocessor, frame, Region(16, 4, 20, 5), OutputSpec(16, 4))
    for column in range(16):
        centre_px = 6 + (column // 2 + 0.5) * 2.5
        expected_cr = 100 + 4 * (centre_px - 1) / 2
        assert got[1, column, 0] == pytest.approx(100 + 1.402 * (expected_cr - 128), abs=1e-2)


def test_stripes_reduced_become_grey_not_other_stripes(preprocessor: Preprocessor) -> None:
    """One-pixel stripes at a reduction by 4.7: a single sample a pixel would turn them into wide false ones."""
    stripes = np.where(np.arange(400)[None, :] % 2 == 0, 0, 255) * np.ones((400, 1))
    for turn in (0.0, 0.2):
        spec = OutputSpec(48, 48, channels=1)
        got = run(preprocessor, grey_frame(stripes), Region(200, 200, 225.6, 225.6, turn), spec)
        assert got.std() < 20  # a single sample a pixel gives over 70
        assert got.mean() == pytest.approx(127.5, abs=2)


def test_border_colour_and_its_edge(preprocessor: Preprocessor) -> None:
    frame = grey_frame(np.full((4, 4), 200))
    spec = OutputSpec(4, 1, border=(10.0, 20.0, 30.0))
    # Columns at x = -1.5, -0.5, 0.5, 1.5; then two that straddle the edge: a quarter of a pixel out and in.
    got = run(preprocessor, frame, Region(0, 2, 4, 1), spec)
    np.testing.assert_allclose(got[0], [[10, 20, 30], [10, 20, 30], [200] * 3, [200] * 3], atol=1e-3)
    got = run(preprocessor, frame, Region(0, 2, 0.5, 0.001), OutputSpec(2, 1, border=(0.0, 0.0, 0.0)))
    np.testing.assert_allclose(got[0, :, 0], [0.375 * 200, 0.625 * 200], atol=1e-3)


def test_without_a_border_the_edge_goes_on(preprocessor: Preprocessor) -> None:
    pixels = np.array([[10, 20], [30, 40]])
    got = run(preprocessor, grey_frame(pixels), Region(-50, -50, 9, 9), OutputSpec(2, 2, channels=1, border=None))
    np.testing.assert_array_equal(got, np.full((2, 2, 1), 10))
    got = run(preprocessor, grey_frame(pixels), Region(50, 1.5, 9, 0), OutputSpec(1, 1, channels=1, border=None))
    assert got.item() == 40


def test_letterbox_shows_the_whole_picture(preprocessor: Preprocessor) -> None:
    frame = grey_frame(np.full((48, 64), 100))
    got = run(preprocessor, frame, plan.full_frame(64, 48), OutputSpec.ranged(32, 32, -1, 1))
    inside = got[4:28]
    assert inside == pytest.approx(np.full(inside.shape, 100 * 2 / 255 - 1), abs=1e-4)
    assert got[:4] == pytest.approx(np.full((4, 32, 3), -1.0))
    assert got[28:] == pytest.approx(np.full((4, 32, 3), -1.0))


def test_layouts_hold_the_same_numbers(preprocessor: Preprocessor) -> None:
    frame = yuv_frame(PixelFormat.I420, ColorMatrix.BT601_LIMITED, 81, 90, 240)
    region = Region(3, 1, 9, 5, 0.3)
    interleaved = run(preprocessor, frame, region, OutputSpec(11, 5, scale=(1.0, 0.5, 0.25), bias=(1.0, 2.0, 3.0)))
    planar_spec = OutputSpec(11, 5, layout=Layout.NCHW, scale=(1.0, 0.5, 0.25), bias=(1.0, 2.0, 3.0))
    planar = run(preprocessor, frame, region, planar_spec)
    np.testing.assert_array_equal(planar, interleaved.transpose(2, 0, 1))


def test_bytes_are_rounded_and_limited(preprocessor: Preprocessor) -> None:
    spec = OutputSpec(3, 1, channels=1, dtype="uint8", scale=(1.5, 1.0, 1.0), bias=(-10.0, 0.0, 0.0))
    got = run(preprocessor, grey_frame([[3, 101, 250]]), Region(1.5, 0.5, 3, 1), spec)
    assert got.ravel().tolist() == [0, 142, 255]  # -5.5; 141.5 rounds up; 365


def test_statistics_count_every_pixel_once(preprocessor: Preprocessor) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (30, 41))
    counts = preprocessor.statistics(grey_frame(pixels), None, 1)
    np.testing.assert_array_equal(counts, np.bincount(pixels.ravel(), minlength=256))


def test_statistics_are_full_range_grey(preprocessor: Preprocessor) -> None:
    frame = yuv_frame(PixelFormat.I420, ColorMatrix.BT709_LIMITED, 126, 30, 200)
    counts = preprocessor.statistics(frame, None, 2)
    assert counts.sum() == counts[round(110 * 255 / 219)] == 4 * 2


def test_statistics_leave_out_what_is_not_in_the_picture(preprocessor: Preprocessor) -> None:
    frame = grey_frame(np.full((20, 20), 9))
    assert preprocessor.statistics(frame, Region(-100, 0, 20, 20), 1).sum() == 0
    assert preprocessor.statistics(frame, Region(0, 10, 20, 20), 1).sum() == 10 * 20
    turned = preprocessor.statistics(frame, Region(10, 10, 8, 8, math.pi / 4), 1)
    assert turned.sum() == turned[9] == 64
