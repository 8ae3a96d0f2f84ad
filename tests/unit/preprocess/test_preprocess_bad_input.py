"""Bad input to the pass: one clear ValueError, and the output is as it was."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from watchkeeper import _kernels
from watchkeeper.errors import BadInputError
from watchkeeper.preprocess import plan
from watchkeeper.preprocess.backends import Preprocessor, open_preprocessor
from watchkeeper.preprocess.cpu import CpuPreprocessor
from watchkeeper.preprocess.spec import OutputSpec
from watchkeeper.types import ColorMatrix, Frame, PixelFormat, Region

FRAME = Frame(
    0, 0, 6, 4, PixelFormat.I420, ColorMatrix.BT601_LIMITED, (bytes(24), bytes(6), bytes(6)), (6, 3, 3)
)  # fmt: skip
SPEC = OutputSpec(4, 4)
REGION = Region(3, 2, 4, 4)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"planes": (bytes(24), bytes(5), bytes(6))}, "plane 1"),
        ({"planes": (bytes(23), bytes(6), bytes(6))}, "plane 0"),
        ({"strides": (5, 3, 3)}, "plane 0"),
        ({"strides": (6, 3, -3)}, "plane 2"),
        ({"height": 6}, "plane 0"),
        ({"planes": (b"", b"", b"")}, "plane 0"),
    ],
)
def test_a_plane_that_cannot_hold_the_picture(preprocessor: Preprocessor, change: dict[str, Any], named: str) -> None:
    frame = dataclasses.replace(FRAME, **change)
    out = np.full(SPEC.shape, 7, np.float32)
    with pytest.raises(ValueError, match=named):
        preprocessor.run(frame, REGION, SPEC, out)
    assert (out == 7).all()
    if named == "plane 0":
        with pytest.raises(ValueError, match=named):
            preprocessor.statistics(frame, None, 1)


@pytest.mark.parametrize(
    "region",
    [
        Region(float("nan"), 2, 4, 4),
        Region(3, float("inf"), 4, 4),
        Region(3, 2, 1e9, 4),
        Region(3, 2, 4, 4, float("nan")),
        Region(3, 2, 4, 4, float("inf")),
    ],
)
def test_a_region_that_is_nowhere(preprocessor: Preprocessor, region: Region) -> None:
    out = np.full(SPEC.shape, 7, np.float32)
    with pytest.raises(ValueError, match="region"):
        preprocessor.run(FRAME, region, SPEC, out)
    assert (out == 7).all()
    with pytest.raises(ValueError, match="region"):
        preprocessor.statistics(FRAME, region, 1)


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((1, 4, 4, 3), np.float64),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((1, 4, 4, 1), np.float32),
        np.zeros((1, 3, 4, 4), np.float32),
        np.zeros(48, np.float32),
    ],
)
def test_an_output_of_another_kind(preprocessor: Preprocessor, out: Any) -> None:
    with pytest.raises(ValueError, match="out"):
        preprocessor.run(FRAME, REGION, SPEC, out)


def test_an_output_without_its_batch_axis_is_fine(preprocessor: Preprocessor) -> None:
    with_batch, without = SPEC.empty(), np.empty((4, 4, 3), np.float32)
    preprocessor.run(FRAME, REGION, SPEC, with_batch)
    preprocessor.run(FRAME, REGION, SPEC, without)
    np.testing.assert_array_equal(with_batch[0], without)


def test_an_output_that_cannot_be_written_in_place() -> None:
    frozen = SPEC.empty()
    frozen.flags.writeable = False
    scattered = np.zeros((1, 4, 4, 6), np.float32)[:, :, :, ::2]
    for out in (frozen, scattered):
        with pytest.raises((ValueError, BufferError)):
            open_preprocessor("cpu").run(FRAME, REGION, SPEC, out)


def test_planes_that_are_not_buffers_or_too_few() -> None:
    cpu = open_preprocessor("cpu")
    with pytest.raises(ValueError, match="planes"):
        cpu.run(dataclasses.replace(FRAME, planes=FRAME.planes[:2]), REGION, SPEC, SPEC.empty())
    with pytest.raises(TypeError):
        cpu.run(dataclasses.replace(FRAME, planes=(None, None, None)), REGION, SPEC, SPEC.empty())
    sparse = np.zeros((4, 12), np.uint8)[:, ::2]
    with pytest.raises((ValueError, BufferError)):
        cpu.run(dataclasses.replace(FRAME, planes=(sparse, *FRAME.planes[1:])), REGION, SPEC, SPEC.empty())


ONE_POINT = (1, 1, 1, 1, 0, 0, 0)


def kernel_call(**change: Any) -> None:
    arguments: dict[str, Any] = {
        "pixel_format": 2, "color": 0, "width": 2, "height": 2, "planes": (bytes(4),), "strides": (2,),
        "affines": [(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)], "taps": [ONE_POINT], "outs": (np.zeros(4, np.float32),),
        "out_width": 2, "out_height": 2, "channels": 1, "planar": False,
        "scale": (1.0, 1.0, 1.0), "bias": (0.0, 0.0, 0.0), "border": None,
    }  # fmt: skip
    _kernels.preprocess(**(arguments | change))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"pixel_format": 11}, "format"),
        ({"pixel_format": -1}, "format"),
        ({"color": 4}, "color"),
        ({"width": 0}, "size"),
        ({"width": 1 << 20}, "size"),
        ({"height": -2}, "size"),
        ({"strides": (1 << 40,)}, "stride"),
        ({"affines": [(float("nan"), 0.0, 0.0, 0.0, 1.0, 0.0)]}, "affine"),
        ({"affines": [(1.0, 0.0, 0.0, 0.0, 1.0, 1e7)]}, "affine"),
        ({"taps": [(0, 1, 1, 1, 0, 0, 0)]}, "taps"),
        ({"taps": [(1, 1, 1, 65, 0, 0, 0)]}, "taps"),
        ({"taps": [(1, 1, 1, 1, 7, 0, 0)]}, "level"),
        ({"taps": [(1, 1, 1, 1, -1, 0, 0)]}, "level"),
        ({"taps": [(1, 1, 1, 1, 0, 2, 0)]}, "pair"),
        ({"taps": [(1, 1, 2, 1, 0, 1, 0)]}, "pair"),
        ({"taps": [(2, 2, 1, 1, 1, 0, 0)]}, "axis-aligned"),
        ({"taps": [(2, 2, 1, 1, 0, 0, 1)]}, "axis-aligned"),
        ({"out_width": 0}, "out"),
        ({"channels": 2}, "channels"),
        ({"outs": (np.zeros(5, np.float32),)}, "out"),
        ({"outs": (np.zeros(2, np.float64),)}, "out"),
        ({"outs": ()}, "regions"),
        ({"affines": [], "taps": [], "outs": ()}, "regions"),
        (
            {"affines": [(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)] * 9, "taps": [ONE_POINT] * 9, "outs": (None,) * 9},
            "regions",
        ),
    ],
)
def test_the_native_module_checks_for_itself(change: dict[str, Any], named: str) -> None:
    kernel_call()
    with pytest.raises(ValueError, match=named):
        kernel_call(**change)


def test_an_unknown_preprocessor_lists_the_known() -> None:
    with pytest.raises(BadInputError, match=r"'cuda9'.*cpu, cuda, reference"):
        open_preprocessor("cuda9")


@pytest.mark.parametrize(
    "arguments",
    [
        {"width": 0},
        {"height": 1 << 20},
        {"channels": 2},
        {"dtype": "float64"},
        {"scale": (1.0, 1.0)},
        {"bias": (0.0, float("nan"), 0.0)},
        {"border": (0.0, float("inf"), 0.0)},
    ],
)
def test_a_spec_it_cannot_mean(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        OutputSpec(**({"width": 4, "height": 4} | arguments))


def test_a_step_below_one_pixel(preprocessor: Preprocessor) -> None:
    with pytest.raises(ValueError, match="step_px"):
        preprocessor.statistics(FRAME, None, 0)


def test_numbers_shared_with_the_native_module() -> None:
    assert _kernels.MAX_TAPS == plan.MAX_TAPS
    assert set(_kernels.LANES) <= {"avx512", "avx2", "neon", "scalar"}
    assert _kernels.LANES[-1] == "scalar"


def test_lanes_there_are_not() -> None:
    with pytest.raises(ValueError, match=r"lanes: expected one of .*scalar.* got 'mmx'"):
        CpuPreprocessor(lanes="mmx")
