"""The GPU's rows of `bench kernels`: the same cases by the back end `cuda`, picture and output in mapped memory.

Timed is what a frame waits for: launch, kernel, and the wait for its end. Nothing is copied, and that is checked.
"""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from watchkeeper.clock import now_ns
from watchkeeper.commands.bench_report import Result
from watchkeeper.preprocess.backends import Preprocessor, open_preprocessor
from watchkeeper.preprocess.cubin_pack import pack_path
from watchkeeper.preprocess.spec import OutputSpec
from watchkeeper.types import Frame, Region

TOLERANCE = 1e-4
"""Largest difference from the CPU twin, of an output on 0..1: one source, compiled twice without contraction."""


def missing() -> str | None:
    """Why there are no rows of a GPU here, or None."""
    if importlib.util.find_spec("pycuda") is None:
        return "not installed: pycuda"
    return None if pack_path().is_file() else f"{pack_path()}: no compiled kernels (tools/cubins)"


class GpuKernels:
    """Raises CudaError, or BadInputError for a damaged file of kernels."""

    def __init__(self) -> None:
        from watchkeeper.memory.cuda import CudaBuffer, primary

        self._allocate: Callable[[int], Any] = CudaBuffer
        self._mapped = primary().mapped
        self._cuda: Preprocessor = open_preprocessor("cuda")
        self._cpu = open_preprocessor("cpu")

    def measure(
        self, case: str, frame: Frame, region: Region, spec: OutputSpec, rounds: int
    ) -> tuple[list[Result], float]:
        """Rows, and the largest difference from the CPU twin's output."""
        buffers = [self._allocate(memoryview(plane).nbytes) for plane in frame.planes]
        for buffer, plane in zip(buffers, frame.planes, strict=True):
            buffer.view[:] = memoryview(plane).cast("B")
        mapped = Frame(
            frame.t_ns, frame.seq, frame.width, frame.height, frame.format, frame.color,
            tuple(buffer.view for buffer in buffers), frame.strides,
        )  # fmt: skip
        out, _ = self._mapped(spec.shape, spec.dtype)
        twin = spec.empty()
        self._cpu.run(frame, region, spec, twin)
        before = self._cuda.copies.total_bytes()
        took = []
        for _ in range(rounds + 1):
            began = now_ns()
            self._cuda.run(mapped, region, spec, out)
            took.append(now_ns() - began)
        copied = self._cuda.copies.total_bytes() - before
        rows = [
            Result(case, "time_gpu", "us", statistics.median(took[1:]) / 1e3, rounds),
            Result(case, "copied_bytes_gpu", "B", copied / (rounds + 1), rounds),
        ]
        return rows, float(np.abs(out.astype(np.float64) - twin).max())

    def close(self) -> None:
        """Give kernels and buffers back."""
        self._cuda.close()
