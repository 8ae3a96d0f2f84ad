"""`bench pipeline`: from a decoded frame to the published state, beside MediaPipe on the same frames in the same run.

Measured is the product's own loop (perception, judgement, mailbox), with the decoder outside the clock. The peer gets
the same frames already converted to RGB, which is not charged to it: neither in time nor, since they wait in a file in
memory that this process does not map, in our resident memory. Both run alternately in short blocks, so that whatever
else the machine does falls on both. With --realtime both run under SCHED_FIFO at the same priority.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from watchkeeper.capture.lease import FrameLease
from watchkeeper.capture.source import EndOfSource, Source, open_source
from watchkeeper.clock import NS_PER_MS, now_ns
from watchkeeper.commands.bench_report import Result, regressions, report
from watchkeeper.commands.peers.task_file import task_file
from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.files import write_atomically
from watchkeeper.mailbox.layout import VISION
from watchkeeper.mailbox.writer import Mailbox, Writer
from watchkeeper.preprocess.backends import open_preprocessor
from watchkeeper.preprocess.spec import Layout, OutputSpec
from watchkeeper.runtime.loop import VisionLoop, budget_ns
from watchkeeper.runtime.machine import MachineWatch, throttled_between
from watchkeeper.runtime.perception import Perception
from watchkeeper.runtime.realtime import become_realtime
from watchkeeper.runtime.settings import resolve
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import Cabin, Region, VehicleReport

BLOCK = 30  # frames one side runs before the other has its turn
WARM_UP = 30


def run(args: argparse.Namespace) -> int:
    """Measure, print, compare. Exit status 1 on a regression against --compare."""
    if args.frames < BLOCK:
        raise BadInputError(f"--frames {args.frames}: expected at least {BLOCK}")
    settings = resolve(None, args.source, args.camera, args.engine)
    missing = become_realtime() if args.realtime else []  # before the peer: a child inherits it
    machine = MachineWatch()
    before = machine.read()
    source = open_source(settings.source, paced=False, repeat=True)
    peer = _Peer(args.peer_python, source.info.width, source.info.height) if args.peer_python else None
    try:
        weights = settings.board.eye_weights
        with Perception(settings.camera, engine_name=settings.engine, weights=weights) as perception:
            ours = _Ours(perception, settings.board.budget_ms, settings.board.frame_period_ms, settings.board.cabin)
            done = 0
            for block in _blocks(source, args.frames + WARM_UP, ours):
                if peer is not None:
                    peer.run(block)
                done += len(block.stamps_ms)
                _progress(done, args.frames + WARM_UP)
    finally:
        source.close()
        if peer is not None:
            peer.close()
    made = report(
        "pipeline",
        _results(settings.source, ours, peer, source),
        invalid=throttled_between(before, machine.read()),
        peer="mediapipe 1.2.2" if peer else None,
        realtime=bool(args.realtime) and not missing,
    )
    for row in made["results"]:
        beside = f"   {row['peer']} {row['peer_value']:.6g}, ratio {row['ratio']:.3f}" if row["peer"] else ""
        print(f"{row['metric']:24} {row['ours']:10.6g} {row['unit']:8}{beside}")
    if args.json is not None:
        write_atomically(args.json, json.dumps(made, indent=2) + "\n")
    if args.compare is not None and (worse := regressions(made, args.compare)):
        raise CheckFailedError("; ".join(worse))
    return 0


class _Ours:
    """The product's loop with a clock that stands at the frame's own exposure when the frame is handed over."""

    def __init__(self, perception: Perception, budget_ms: float, period_ms: float, cabin: Cabin) -> None:
        self._fd = Mailbox.create(VISION)
        self._offset_ns = 0
        self.budget_ns = budget_ns(budget_ms)
        self._loop = VisionLoop(
            perception,
            DriverStateMachine(get_profile("euroncap-2026"), cabin),
            Writer(self._fd, VISION).write,
            VehicleReport,
            self.budget_ns,
            budget_ns(period_ms),
            clock=lambda: now_ns() + self._offset_ns,
        )
        self.took_ns: list[int] = []

    def run(self, lease: FrameLease) -> None:
        """One frame, from hand-over to published."""
        began = now_ns()
        self._offset_ns = lease.frame.t_ns - began
        self._loop.frame(lease, len(self.took_ns) + 1, 0)
        self.took_ns.append(now_ns() - began)

    def close(self) -> None:
        """Let go of the mailbox."""
        os.close(self._fd)


class _Block:
    """RGB frames of one block in a file in memory, not in this process's address space."""

    def __init__(self, fd: int, frame_bytes: int) -> None:
        self.fd, self.frame_bytes = fd, frame_bytes
        self.stamps_ms: list[int] = []

    def add(self, stamp_ms: int, rgb: NDArray[np.uint8]) -> None:
        """Append one frame."""
        os.pwrite(self.fd, rgb.data, len(self.stamps_ms) * self.frame_bytes)
        self.stamps_ms.append(stamp_ms)


def _blocks(source: Source, frames: int, ours: _Ours) -> Iterator[_Block]:
    """Run ours on `frames` frames; yields what it just ran on, a block at a time."""
    to_rgb = open_preprocessor("cpu")
    info = source.info
    spec = OutputSpec(info.width, info.height, layout=Layout.NHWC, dtype="uint8")
    whole = Region(info.width / 2, info.height / 2, float(info.width), float(info.height))
    rgb = np.empty(spec.shape, np.uint8)
    fd = os.memfd_create("watchkeeper-bench")
    block = _Block(fd, rgb.nbytes)
    for count in range(frames):
        try:
            lease = source.next(timeout_s=10.0)
        except EndOfSource:
            raise BadInputError(f"{info.name}: ended after {count} frames, expected {frames}") from None
        if lease is None:
            raise BadInputError(f"{info.name}: no frame within 10 s")
        to_rgb.run(lease.frame, whole, spec, rgb)
        block.add(lease.frame.t_ns // NS_PER_MS, rgb)
        ours.run(lease)
        if len(block.stamps_ms) == BLOCK or count == frames - 1:
            yield block
            block = _Block(fd, rgb.nbytes)
    os.close(fd)


class _Peer:
    """MediaPipe in a process and an interpreter of its own."""

    def __init__(self, python: Path, width: int, height: int) -> None:
        task = task_file(python)
        script = str(files("watchkeeper.commands.peers") / "mediapipe_face_landmarker.py")
        try:
            self._process = subprocess.Popen(
                [str(python), script, task], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise BadInputError(f"--peer-python {python}: cannot be started: {error.strerror}") from None
        self._to: IO[bytes] = _pipe(self._process.stdin)
        self._from: IO[bytes] = _pipe(self._process.stdout)
        self._to.write(f"{width} {height}\n".encode())
        self.took_ns: list[int] = []
        self.resident_bytes = 0

    def run(self, block: _Block) -> None:
        """One block of frames."""
        for number, stamp_ms in enumerate(block.stamps_ms):
            try:
                self._to.write(struct.pack("=q", stamp_ms))
                self._to.flush()
                _send(self._to.fileno(), block, number)
            except BrokenPipeError:
                raise BadInputError("--peer-python: MediaPipe ended; run its script by hand to see why") from None
            answer = self._from.read(16)
            if len(answer) != 16:
                raise BadInputError("--peer-python: MediaPipe ended; run its script by hand to see why")
            took_ns, self.resident_bytes = struct.unpack("=qq", answer)
            self.took_ns.append(took_ns)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._to.close()
        self._from.close()


def _send(pipe: int, block: _Block, number: int) -> None:
    """One frame from the file into the pipe, inside the kernel."""
    offset, end = number * block.frame_bytes, (number + 1) * block.frame_bytes
    while offset < end:
        offset += os.sendfile(pipe, block.fd, offset, end - offset)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise AssertionError("opened with PIPE")
    return stream


def _results(case: str, ours: _Ours, peer: _Peer | None, source: Source) -> list[Result]:
    mine = ours.took_ns[WARM_UP:]
    theirs = peer.took_ns[WARM_UP:] if peer else None
    name = "mediapipe" if peer else None
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def latency(metric: str, share: float) -> Result:
        return Result(case, metric, "ms", _quantile_ms(mine, share), len(mine), name,
                      _quantile_ms(theirs, share) if theirs else None)  # fmt: skip

    return [
        latency("latency_p50", 0.50),
        latency("latency_p95", 0.95),
        latency("latency_p99", 0.99),
        Result(case, "rss", "MB", resident / 1e6, 1, name, peer.resident_bytes / 1e6 if peer else None),
        Result(case, "copied_bytes_per_frame", "B", source.copied_bytes / len(ours.took_ns), len(ours.took_ns)),
        Result(case, "deadline_misses", "frames", sum(t > ours.budget_ns for t in mine), len(mine)),
    ]


def _quantile_ms(values: list[int], share: float) -> float:
    if share == 0.5:
        return statistics.median(values) / NS_PER_MS
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / NS_PER_MS


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\rbench pipeline {done}/{total}" + ("\n" if done == total else ""))
        sys.stderr.flush()
