"""The fused pass against its slow reference: every format, layout and element type, odd sizes, padded strides, regions
anywhere; one pixel at a time and SIMD give the same bits; nothing is read or written past a buffer."""

from __future__ import annotations

import dataclasses
import math
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.preprocess.cpu import LANES, CpuPreprocessor
from watchkeeper.preprocess.reference import ReferencePreprocessor
from watchkeeper.preprocess.spec import Layout, OutputSpec
from watchkeeper.types import ColorMatrix, Frame, PixelFormat, Region

REFERENCE, SIMD, SCALAR = ReferencePreprocessor(), CpuPreprocessor(), CpuPreprocessor(lanes="scalar")
OTHERS = [CpuPreprocessor(lanes=name) for name in LANES[1:]]
GUARD = 32


def plane_sizes(pixel_format: PixelFormat, width: int, height: int) -> list[tuple[int, int]]:
    """(bytes in a row, rows) of each plane."""
    half_w, half_h = (width + 1) // 2, (height + 1) // 2
    return {
        PixelFormat.I420: [(width, height), (half_w, half_h), (half_w, half_h)],
        PixelFormat.NV12: [(width, height), (2 * half_w, half_h)],
        PixelFormat.GREY8: [(width, height)],
        PixelFormat.RGB24: [(3 * width, height)],
        PixelFormat.BGR24: [(3 * width, height)],
        PixelFormat.YUYV: [(4 * half_w, height)],
        PixelFormat.UYVY: [(4 * half_w, height)],
        PixelFormat.GREY10: [(2 * width, height)],
        PixelFormat.GREY16: [(2 * width, height)],
        PixelFormat.RGBA32: [(4 * width, height)],
        PixelFormat.BGRA32: [(4 * width, height)],
    }[pixel_format]


@st.composite
def frames(draw: st.DrawFn, max_side: int = 40) -> Frame:
    """Noise, the hardest picture for interpolation; rows padded at will; the last row ends with its last pixel."""
    pixel_format = draw(st.sampled_from(PixelFormat))
    width, height = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    planes: list[Any] = []
    strides = []
    for row_bytes, rows in plane_sizes(pixel_format, width, height):
        stride = row_bytes + draw(st.integers(0, 9))
        data = rng.integers(0, 256, stride * (rows - 1) + row_bytes, dtype=np.uint8)
        owner = draw(st.sampled_from(["numpy", "bytes", "bytearray", "memoryview"]))
        raw = bytes(data)
        planes.append({"numpy": data, "bytes": raw, "bytearray": bytearray(raw), "memoryview": memoryview(raw)}[owner])
        strides.append(stride)
    color = draw(st.sampled_from(ColorMatrix))
    return Frame(0, 0, width, height, pixel_format, color, tuple(planes), tuple(strides))


# Upright regions take the separable path, others the direct one; negative sizes mirror; zero ones stand on a point.
_POSITION = st.floats(-60.0, 100.0)
_SIZE = st.one_of(st.floats(-300.0, 300.0), st.floats(-2.0, 2.0), st.sampled_from([0.0, 1e-3, 40.0, 400.0]))
_ROTATION = st.one_of(st.just(0.0), st.floats(-7.0, 7.0), st.sampled_from([math.pi / 2, math.pi, -math.pi / 4]))
# Turned ones that may be reduced by anything alike both ways, and well inside a large picture: those in whole numbers.
_ALIKE = st.builds(lambda x, y, side, turn: Region(x, y, side, side, turn), _POSITION, _POSITION, _SIZE, _ROTATION)
regions = st.one_of(st.builds(Region, _POSITION, _POSITION, _SIZE, _SIZE, _ROTATION), _ALIKE)
_LEVEL = st.floats(0.0, 255.0)
specs = st.builds(
    OutputSpec,
    width=st.integers(1, 21),
    height=st.integers(1, 21),
    channels=st.sampled_from([1, 3]),
    layout=st.sampled_from(Layout),
    dtype=st.sampled_from(["float32", "float16", "uint8"]),
    scale=st.sampled_from([(1.0, 1.0, 1.0), (1 / 255, 2 / 255, -0.5)]),
    bias=st.sampled_from([(0.0, 0.0, 0.0), (-1.0, 0.5, 100.0)]),
    border=st.one_of(st.none(), st.tuples(_LEVEL, _LEVEL, _LEVEL)),
)


def tolerance_levels(region: Region) -> float:
    """How far the pass may be from double precision, on 0..255.

    A position is a product and a sum of singles: within 4 roundings (2**-24 each) of the largest number on the way,
    which is within the region's distance and size. Noise changes by up to 255 levels a pixel on both axes and the
    colour transform amplifies by up to 1.17 + 2.12 (blue of BT.709, limited), 4 with room. 0.01 for the sums.
    A bound, not a fit: among 4000 random cases the worst was a fortieth of it. The mildest mistake (a wrong tap, a
    sample half a pixel off, another matrix) costs tens of levels on noise.
    """
    reach_px = max(abs(region.cx), abs(region.cy)) + abs(region.w) + abs(region.h)
    return 0.01 + 4 * 2**-24 * reach_px * 255 * 2 * 4


# The crops in whole numbers (kernels/fixed_core.h): each position within 1/256 sample of the exact one on both axes (a
# little more for the rounded step), each mix within 1/256 level; noise and amplification as above.
FIXED_LEVELS = 255 * 2 * (1 / 256 + 2**-10) * 4
FIXED_MEAN_LEVELS = 1.5


def guarded(spec: OutputSpec) -> tuple[Any, Any]:
    """An output array inside a larger one; the rest holds a pattern that has to survive."""
    count = int(np.prod(spec.shape))
    whole = np.full(count + 2 * GUARD, 77, spec.dtype)
    return whole, whole[GUARD:-GUARD].reshape(spec.shape)


@settings(max_examples=200, deadline=None)
@given(frame=frames(), region=regions, spec=specs)
def test_cpu_is_the_reference(frame: Frame, region: Region, spec: OutputSpec) -> None:
    expected = spec.empty()
    REFERENCE.run(frame, region, spec, expected)
    whole, simd = guarded(spec)
    SIMD.run(frame, region, spec, simd)
    assert (whole[:GUARD] == 77).all()
    assert (whole[-GUARD:] == 77).all()
    for others in OTHERS:
        other = spec.empty()
        others.run(frame, region, spec, other)
        np.testing.assert_array_equal(simd, other)
    # A byte is rounded, so the least difference may show as one whole level.
    off = np.abs(simd.astype(float) - expected.astype(float)).max()
    largest = max(abs(s) for s in spec.scale)
    if spec.dtype == "float16":
        single = dataclasses.replace(spec, dtype="float32")
        unrounded = single.empty()
        SIMD.run(frame, region, single, unrounded)
        np.testing.assert_array_equal(simd, unrounded.astype(np.float16))
    # A half has 11 digits; both sides round, and what they round may lie on either side of a tie: one unit.
    rounding = {"uint8": 1.0, "float16": 2**-10 * np.abs(expected.astype(float)).max(), "float32": 0.0}[spec.dtype]
    assert off <= (tolerance_levels(region) + FIXED_LEVELS * could_be_fixed(frame, region)) * largest + rounding + 1e-4


def could_be_fixed(frame: Frame, region: Region) -> bool:
    """Whether the region's middle is 4 px or more inside the picture; only then may it be done in whole numbers."""
    deep = min(region.cx, region.cy, frame.width - region.cx, frame.height - region.cy) >= 4
    return deep and frame.format not in (PixelFormat.GREY10, PixelFormat.GREY16)


@st.composite
def inner_crops(draw: st.DrawFn) -> tuple[Frame, Region, OutputSpec]:
    """Crops that stay clear of the picture's edge, enlarged and reduced; 16 columns to a sweep."""
    frame = draw(frames(160))
    spec = draw(specs)
    columns, rows = -(-spec.width // 16) * 16, spec.height + spec.height % 2
    room = min(frame.width, frame.height) / 2 - 1
    turn = draw(_ROTATION)
    scale = draw(st.floats(0.02, 1.0)) * room / (columns + rows)
    side = draw(st.sampled_from([1.0, 1.3]))
    return frame, Region(frame.width / 2, frame.height / 2, scale * spec.width, scale * side * spec.height, turn), spec


@settings(max_examples=200, deadline=None)
@given(crop=inner_crops())
def test_inner_crops_are_the_reference(crop: tuple[Frame, Region, OutputSpec]) -> None:
    frame, region, spec = crop
    spec = dataclasses.replace(spec, dtype="float32", scale=(1.0, 1.0, 1.0), bias=(0.0, 0.0, 0.0))
    expected, simd, other = spec.empty(), spec.empty(), spec.empty()
    REFERENCE.run(frame, region, spec, expected)
    SIMD.run(frame, region, spec, simd)
    for others in OTHERS:
        others.run(frame, region, spec, other)
        np.testing.assert_array_equal(simd, other)
    off = np.abs(simd - expected)
    assert off.max() <= tolerance_levels(region) + FIXED_LEVELS
    assert off.mean() <= FIXED_MEAN_LEVELS


@settings(max_examples=100, deadline=None)
@given(frame=frames(), region=st.one_of(st.none(), regions), step_px=st.integers(1, 9))
def test_statistics_are_the_reference(frame: Frame, region: Region | None, step_px: int) -> None:
    # The same double-precision positions in the same order: the same pixels, not nearly the same.
    counted = SIMD.statistics(frame, region, step_px)
    np.testing.assert_array_equal(counted, REFERENCE.statistics(frame, region, step_px))
    into = np.full(256, 5, np.uint32)
    assert SIMD.statistics(frame, region, step_px, into) is into
    np.testing.assert_array_equal(into, counted)


@settings(max_examples=100, deadline=None)
@given(frame=frames(), region=st.one_of(st.none(), regions), step_px=st.integers(1, 5))
def test_exposure_is_the_reference(frame: Frame, region: Region | None, step_px: int) -> None:
    counted, expected = SIMD.exposure(frame, region, step_px), REFERENCE.exposure(frame, region, step_px)
    np.testing.assert_array_equal(counted.histogram, expected.histogram)
    assert dataclasses.replace(counted, histogram=expected.histogram) == expected


@settings(max_examples=50, deadline=None)
@given(frame=frames(), where=st.lists(regions, min_size=1, max_size=8), spec=specs)
def test_several_regions_are_each_by_itself(frame: Frame, where: list[Region], spec: OutputSpec) -> None:
    together = [spec.empty() for _ in where]
    SIMD.run_many(frame, where, spec, together)
    for region, out in zip(where, together, strict=True):
        alone = spec.empty()
        SIMD.run(frame, region, spec, alone)
        np.testing.assert_array_equal(out, alone)


def test_the_pass_releases_the_gil() -> None:
    """With the interpreter told never to switch by itself, this thread can run only if the pass lets it."""
    import threading

    frame = Frame(0, 0, 64, 64, PixelFormat.GREY8, ColorMatrix.BT601_FULL, (bytes(64 * 64),), (64,))
    spec = OutputSpec(512, 512, channels=1)
    out = spec.empty()
    switch_s = sys.getswitchinterval()
    sys.setswitchinterval(1e3)
    try:
        for _ in range(5):
            order: list[str] = []
            started = threading.Event()

            def work(order: list[str] = order, started: threading.Event = started) -> None:
                started.set()
                SCALAR.run(frame, Region(32, 32, 15e3, 15e3, 0.1), spec, out)
                order.append("pass done")

            worker = threading.Thread(target=work)
            worker.start()
            started.wait()
            order.append("other thread ran")
            worker.join()
            if order[0] == "other thread ran":
                return
    finally:
        sys.setswitchinterval(switch_s)
    pytest.fail("the other thread never ran during the pass")


def test_a_decoders_own_planes_are_read_in_place(demo_clip: Any) -> None:
    import av

    with av.open(str(demo_clip)) as container:
        picture = next(container.decode(video=0))
    assert picture.format.name == "yuv420p"
    frame = Frame(
        0, 0, picture.width, picture.height, PixelFormat.I420, ColorMatrix.BT709_LIMITED,
        tuple(picture.planes), tuple(plane.line_size for plane in picture.planes),
    )  # fmt: skip
    spec = OutputSpec(96, 64)
    expected, got = spec.empty(), spec.empty()
    region = Region(picture.width / 2, picture.height / 2, 300.0, 200.0, 0.2)
    REFERENCE.run(frame, region, spec, expected)
    SIMD.run(frame, region, spec, got)
    assert expected.std() > 5
    assert np.abs(got - expected).max() <= tolerance_levels(region) + FIXED_LEVELS
