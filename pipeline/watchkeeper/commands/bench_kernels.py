"""`bench kernels`: the fused pass on one thread, beside OpenCV's chains and a memcpy of the bytes that must be touched.

Two cases a picture size, NV12: a rotated face crop, 0.45 of the picture's height wide, to 192x192, and the whole
picture, letterboxed, by area to 128x128; float32 NHWC on 0..1. Half of our runs come before the peer's and half after.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from watchkeeper.clock import now_ns
from watchkeeper.commands import bench_aliasing, bench_kernels_gpu
from watchkeeper.commands.bench_peer import opencv
from watchkeeper.commands.bench_report import Result, regressions, report
from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.files import write_atomically
from watchkeeper.preprocess import plan
from watchkeeper.preprocess.cpu import LANES, CpuPreprocessor
from watchkeeper.preprocess.spec import OutputSpec
from watchkeeper.types import ColorMatrix, Frame, PixelFormat, Region

SIZES = {"480p": (640, 480), "720p": (1280, 720), "1080p": (1920, 1080), "2160p": (3840, 2160)}
# Mean difference on 0..1: OpenCV rounds to bytes after every step, in fixed point of 5 bits of a pixel.
TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    kind: str  # "crop" or "full"
    frame: Frame
    picture: NDArray[np.uint8]  # (height * 3 / 2, width): the same bytes as the frame's planes
    region: Region
    side: int

    @property
    def touched_bytes(self) -> int:
        """Bytes of the picture under the region, read, and of the output, written."""
        area = self.frame.width * self.frame.height
        if self.kind == "crop":
            area = int(min(area, self.region.w * self.region.h))
        return area * 3 // 2 + self.side * self.side * 3 * 4


def run(args: argparse.Namespace) -> int:
    """Measure, print, compare. Exit status 1 on another output than OpenCV's or a regression against --compare."""
    if args.rounds < 4:
        raise BadInputError(f"--rounds {args.rounds}: expected at least 4")
    if args.lanes is not None and args.lanes not in LANES:
        raise BadInputError(f"--lanes {args.lanes}: expected one of this machine's: {', '.join(LANES)}")
    if args.aliasing:
        return bench_aliasing.run(args.peer_python, args.json)
    results: list[Result] = []
    apart: list[str] = []
    cpu = CpuPreprocessor(lanes=args.lanes)
    print(f"bench kernels: one thread, lanes: {args.lanes or LANES[0]}")
    for case in _cases():
        rows, differences = _measure(case, cpu, args.rounds, args.peer_python)
        results += rows
        apart += [f"{case.name}: {d:.4f} from {name}" for name, d in differences.items() if d > TOLERANCE]
        for row in (result.row() for result in rows):
            beside = f"   {row['peer']} {row['peer_value']:.4g}, ratio {row['ratio']:.3f}" if row["peer"] else ""
            print(f"{row['case']:12} {row['metric']:16} {row['ours']:9.4g} {row['unit']}{beside}", flush=True)
    gpu_results, gpu_apart = _gpu(args.rounds)
    results += gpu_results
    made = report("kernels", results)
    if args.json is not None:
        write_atomically(args.json, json.dumps(made, indent=2) + "\n")
    if gpu_apart:
        raise CheckFailedError("the GPU's output is not the CPU's: " + "; ".join(gpu_apart))
    if apart:
        raise CheckFailedError(f"outputs differ by more than {TOLERANCE} on average: " + "; ".join(apart))
    if args.compare is not None and (worse := regressions(made, args.compare)):
        raise CheckFailedError("; ".join(worse))
    return 0


def _gpu(rounds: int) -> tuple[list[Result], list[str]]:
    """The same cases on the GPU, where there is one; what differs from the CPU twin."""
    if (why := bench_kernels_gpu.missing()) is not None:
        print(f"bench kernels: no rows of a GPU: {why}", file=sys.stderr)
        return [], []
    results: list[Result] = []
    apart: list[str] = []
    with closing(bench_kernels_gpu.GpuKernels()) as gpu:
        for case in _cases():
            spec = OutputSpec.ranged(case.side, case.side, 0.0, 1.0)
            rows, difference = gpu.measure(case.name, case.frame, case.region, spec, rounds)
            results += rows
            if not difference <= bench_kernels_gpu.TOLERANCE:
                apart.append(f"{case.name}: {difference:.3g}")
            print(f"{case.name:12} {'time_gpu':16} {rows[0].ours:9.4g} us", flush=True)
    return results, apart


def _cases() -> list[_Case]:
    made = []
    for name, (width, height) in SIZES.items():
        picture = _smooth_noise(width, height)
        planes = (picture[:height], picture[height:])
        frame = Frame(0, 0, width, height, PixelFormat.NV12, ColorMatrix.BT601_LIMITED, planes, (width, width))
        face = Region(width * 0.45, height * 0.5, height * 0.45, height * 0.45, 0.3)
        made.append(_Case(f"{name}-crop", "crop", frame, picture, face, 192))
        made.append(_Case(f"{name}-full", "full", frame, picture, plan.full_frame(width, height), 128))
    return made


def _smooth_noise(width: int, height: int) -> NDArray[np.uint8]:
    """The same picture at every size: luma varies over a 60th of its height, chroma over a 30th; limited range."""
    cell = height // 60
    rng = np.random.default_rng(1)

    def grid(rows: int, columns: int, low: int, high: int) -> NDArray[np.uint8]:
        coarse = rng.integers(low, high, (rows // cell + 2, columns // cell + 2)).astype(np.float64)
        y, x = np.arange(rows) / cell, np.arange(columns) / cell
        y0, x0 = y.astype(int), x.astype(int)
        ty, tx = (y - y0)[:, None], (x - x0)[None, :]
        top = coarse[y0][:, x0] * (1 - tx) + coarse[y0][:, x0 + 1] * tx
        bottom = coarse[y0 + 1][:, x0] * (1 - tx) + coarse[y0 + 1][:, x0 + 1] * tx
        codes: NDArray[np.uint8] = (top * (1 - ty) + bottom * ty).astype(np.uint8)
        return codes

    chroma = np.stack([grid(height // 2, width // 2, 100, 156) for _ in range(2)], axis=2)
    return np.concatenate([grid(height, width, 60, 200), chroma.reshape(height // 2, width)])


def _measure(
    case: _Case, cpu: CpuPreprocessor, rounds: int, python: Path | None
) -> tuple[list[Result], dict[str, float]]:
    spec = OutputSpec.ranged(case.side, case.side, 0.0, 1.0)
    out = spec.empty()

    def ours() -> None:
        cpu.run(case.frame, case.region, spec, out)

    # A copy of n bytes reads n and writes n.
    source = np.ones(case.touched_bytes // 2, np.uint8)
    target = np.zeros_like(source)
    took, copied = _timed(ours, rounds), _timed(lambda: np.copyto(target, source), rounds)
    chains, outputs = _chains(case, rounds, python) if python is not None else ({}, {})
    took += _timed(ours, rounds)
    copied += _timed(lambda: np.copyto(target, source), rounds)
    mine = statistics.median(took) / 1e3
    rows = [
        Result(case.name, f"time_vs_{name}", "us", mine, len(took), f"opencv-{name}", statistics.median(times) / 1e3)
        for name, times in chains.items()
    ]
    rows.append(
        Result(case.name, "time_vs_memcpy", "us", mine, len(took), "memcpy", statistics.median(copied) / 1e3),
    )
    return rows, {name: float(np.abs(theirs - out[0]).mean()) for name, theirs in outputs.items()}


def _timed(call: Callable[[], None], rounds: int) -> list[int]:
    call()
    took = []
    for _ in range(rounds):
        began = now_ns()
        call()
        took.append(now_ns() - began)
    return took


def _chains(case: _Case, rounds: int, python: Path) -> tuple[dict[str, list[int]], dict[str, NDArray[np.float32]]]:
    m = plan.affine(case.region, case.side, case.side)
    size = case.frame.width, case.frame.height
    return opencv(python, case.picture, size, m, case.side, case.kind, rounds)
