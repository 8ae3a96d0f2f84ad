"""Per-pixel work over the camera's own buffers (kernels/kernels_module.cc). No pixel is copied on the way in.

Everything is checked: a buffer too short for its size and stride, a wrong element type or count, an unknown number or
a value that is not finite is a ValueError (ValueError or BufferError, as its owner puts it, where a buffer is read-only
or not contiguous). The GIL is released while pixels are worked on.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from watchkeeper.types import Buffer

MAX_TAPS: Final[int]
MAX_REGIONS: Final[int]
BATCH_BYTES: Final[int]  # of what preprocess_batch returns
EXPOSURE_JOB_BYTES: Final[int]  # of what exposure_job returns
LANES: Final[tuple[str, ...]]  # what this machine has of "avx512", "avx2", "neon"; "scalar" is always there, and last

def preprocess(
    pixel_format: int,  # types.PixelFormat
    color: int,  # types.ColorMatrix
    width: int,
    height: int,
    planes: tuple[Buffer, ...],
    strides: tuple[int, ...],  # bytes
    affines: Sequence[tuple[float, float, float, float, float, float]],  # of each region: a .. f of preprocess_core.h
    taps: Sequence[tuple[int, int, int, int, int, int, int]],  # of each region: plan.Taps
    outs: tuple[npt.NDArray[Any], ...],  # float32, float16 or uint8, C-contiguous, out_width * out_height * channels
    out_width: int,
    out_height: int,
    channels: int,
    planar: bool,  # NCHW
    scale: tuple[float, float, float],
    bias: tuple[float, float, float],
    border: tuple[float, float, float] | None,  # on 0..255; None: the edge goes on
    lanes: int = 0,  # which of LANES, the fastest first: all give the same bits
) -> None: ...
def exposure(
    pixel_format: int,
    color: int,
    width: int,
    height: int,
    planes: tuple[Buffer, ...],
    strides: tuple[int, ...],
    affine: tuple[float, float, float, float, float, float],
    columns: int,
    rows: int,
    histogram: npt.NDArray[np.uint32],  # 256, overwritten
    totals: npt.NDArray[np.uint64] | None = None,  # 2, overwritten: squares of the Laplacian, points that have one
) -> None: ...
def preprocess_batch(
    pixel_format: int,
    color: int,
    width: int,
    height: int,
    planes: tuple[Buffer, ...],
    strides: tuple[int, ...],
    affines: Sequence[tuple[float, float, float, float, float, float]],
    taps: Sequence[tuple[int, int, int, int, int, int, int]],
    outs: tuple[npt.NDArray[Any], ...],
    out_width: int,
    out_height: int,
    channels: int,
    planar: bool,
    scale: tuple[float, float, float],
    bias: tuple[float, float, float],
    border: tuple[float, float, float] | None,
    plane_addresses: Sequence[int],  # of each plane, for the GPU
    out_addresses: Sequence[int],  # of each output, for the GPU
) -> bytes: ...  # checked as `preprocess`; what an entry of kernels/preprocess.cu is launched with, nothing is done
def exposure_job(
    pixel_format: int,
    color: int,
    width: int,
    height: int,
    planes: tuple[Buffer, ...],
    strides: tuple[int, ...],
    affine: tuple[float, float, float, float, float, float],
    columns: int,
    rows: int,
    sharpness: bool,
    plane_addresses: Sequence[int],
) -> bytes: ...  # checked as `exposure`; what the kernel `exposure` is launched with
