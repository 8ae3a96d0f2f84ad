"""The fused pass on the CPU: kernels/preprocess_cpu.cc behind the Preprocessor protocol."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from watchkeeper import _kernels
from watchkeeper.memory.ledger import CopyLedger
from watchkeeper.preprocess import plan
from watchkeeper.preprocess.spec import Exposure, Histogram, Layout, Output, OutputSpec
from watchkeeper.types import Frame, Region

LANES = _kernels.LANES


class CpuPreprocessor:
    """Runs on the calling thread with the GIL released; safe to share between threads.

    lanes: one of LANES, all of which give the same bits; default: the first, which is the fastest here. ValueError for
    one that this machine has not.
    """

    def __init__(self, *, lanes: str | None = None) -> None:
        if lanes is not None and lanes not in LANES:
            raise ValueError(f"lanes: expected one of {', '.join(LANES)} on this machine, got {lanes!r}")
        self._lanes = 0 if lanes is None else LANES.index(lanes)
        self.copies = CopyLedger()  # stays empty: the CPU reads and writes everything in place

    def run(self, frame: Frame, region: Region, spec: OutputSpec, out: Output) -> None:
        """See Preprocessor.run."""
        self.run_many(frame, (region,), spec, (out,))

    def run_many(self, frame: Frame, regions: Sequence[Region], spec: OutputSpec, outs: Sequence[Output]) -> None:
        """See Preprocessor.run_many."""
        for out in outs:
            spec.check(out)
        affines = [plan.affine(region, spec.width, spec.height) for region in regions]
        _kernels.preprocess(
            frame.format, frame.color, frame.width, frame.height, frame.planes, frame.strides,
            affines, [plan.taps(m, frame.format) for m in affines],
            tuple(outs), spec.width, spec.height, spec.channels, spec.layout is Layout.NCHW,
            spec.scale, spec.bias, spec.border, self._lanes,
        )  # fmt: skip

    def start_many(self, frame: Frame, regions: Sequence[Region], spec: OutputSpec, outs: Sequence[Output]) -> None:
        """See Preprocessor.start_many: here it is done at once."""
        self.run_many(frame, regions, spec, outs)

    def statistics(self, frame: Frame, region: Region | None, step_px: int, out: Histogram | None = None) -> Histogram:
        """See Preprocessor.statistics."""
        m, columns, rows = plan.grid(region, frame.width, frame.height, step_px)
        histogram: Histogram = np.empty(256, np.uint32) if out is None else out
        _kernels.exposure(
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

    def exposure(self, frame: Frame, region: Region | None, step_px: int) -> Exposure:
        """See Preprocessor.exposure."""
        m, columns, rows = plan.grid(region, frame.width, frame.height, step_px)
        histogram, totals = np.empty(256, np.uint32), np.empty(2, np.uint64)
        _kernels.exposure(
            frame.format, frame.color, frame.width, frame.height, frame.planes, frame.strides,
            m, columns, rows, histogram, totals,
        )  # fmt: skip
        return Exposure.of(histogram, int(totals[0]), int(totals[1]))

    def close(self) -> None:
        """Nothing is held."""
