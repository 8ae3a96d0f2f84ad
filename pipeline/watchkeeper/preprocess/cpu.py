"""The fused pass on the CPU: kernels/preprocess_cpu.cc behind the Preprocessor protocol."""

from __future__ import annotations

import numpy as np

from watchkeeper import _kernels
from watchkeeper.preprocess import plan
from watchkeeper.preprocess.spec import Histogram, Layout, Output, OutputSpec
from watchkeeper.types import Frame, Region


class CpuPreprocessor:
    """Runs on the calling thread with the GIL released; safe to share between threads.

    simd: False forces one pixel at a time, which gives the same bits.
    """

    def __init__(self, *, simd: bool = True) -> None:
        self._simd = simd

    def run(self, frame: Frame, region: Region, spec: OutputSpec, out: Output) -> None:
        """See Preprocessor.run."""
        spec.check(out)
        m = plan.affine(region, spec.width, spec.height)
        _kernels.preprocess(
            frame.format, frame.color, frame.width, frame.height, frame.planes, frame.strides,
            m, plan.taps(m, frame.format),
            out, spec.width, spec.height, spec.channels, spec.layout is Layout.NCHW,
            spec.scale, spec.bias, spec.border, self._simd,
        )  # fmt: skip

    def statistics(self, frame: Frame, region: Region | None, step_px: int, out: Histogram | None = None) -> Histogram:
        """See Preprocessor.statistics."""
        m, columns, rows = plan.grid(region, frame.width, frame.height, step_px)
        histogram: Histogram = np.empty(256, np.uint32) if out is None else out
        _kernels.luma_histogram(
            frame.format,
            frame.color,
            frame.width,
            frame.height,
            frame.planes,
            frame.strides,
            m,
            columns,
            rows,
            histogram,
        )
        return histogram
