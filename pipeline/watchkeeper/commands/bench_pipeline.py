"""`bench pipeline`: from a decoded frame to the published state, beside what a user would pick instead.

Measured is the product's own loop (perception, judgement, mailbox), with the decoder outside the clock: latency_* until
the frame's state is published, busy_mean with what is done for the frames to come after that. The peers get
the same frames already converted to RGB, which is not charged to them: neither in time nor, since they wait in a file
in memory that this process does not map, in our resident memory. All run alternately in short blocks, so that whatever
else the machine does falls on all. With --realtime all run under SCHED_FIFO at the same priority.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from watchkeeper.capture.source import EndOfSource, Source, open_source
from watchkeeper.clock import NS_PER_MS
from watchkeeper.commands.bench_loop import FrameClock, TimedLoop
from watchkeeper.commands.bench_peers import Block, Peer, mediapipe_peer, opencv_peer, own_installed_bytes
from watchkeeper.commands.bench_report import Result, regressions, report
from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.files import write_atomically
from watchkeeper.mailbox.layout import VISION
from watchkeeper.mailbox.writer import Mailbox, Writer
from watchkeeper.memory.ledger import CopyLedger
from watchkeeper.preprocess.backends import open_preprocessor
from watchkeeper.preprocess.spec import Layout, OutputSpec
from watchkeeper.runtime.copies import bytes_per_frame
from watchkeeper.runtime.machine import MachineWatch, throttled_between
from watchkeeper.runtime.open_perception import perception_for
from watchkeeper.runtime.realtime import become_realtime
from watchkeeper.runtime.settings import resolve
from watchkeeper.types import Region

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
    with ExitStack() as cleanup:
        cleanup.callback(source.close)
        peers = _peers(args, source, cleanup)
        perception = cleanup.enter_context(perception_for(settings))
        mailbox = Mailbox.create(VISION)
        cleanup.callback(os.close, mailbox)
        ours = TimedLoop(perception, settings.board, Writer(mailbox, VISION).write, FrameClock())
        done = 0
        for block in _blocks(source, args.frames + WARM_UP, ours):
            for peer in peers:
                peer.run(block)
            done += len(block.stamps_ms)
            _progress(done, args.frames + WARM_UP)
        results = _results(settings.source, ours, peers, source, perception.copies)
    invalid = throttled_between(before, machine.read()) or ours.invalid
    made = report(
        "pipeline", results,
        invalid=invalid,
        peers={peer.name: {"faces_found": peer.faces, "frames": len(peer.took_ns)} for peer in peers},
        realtime=bool(args.realtime) and not missing,
    )  # fmt: skip
    for row in made["results"]:
        beside = f"   {row['peer']} {row['peer_value']:.6g}, ratio {row['ratio']:.3f}" if row["peer"] else ""
        print(f"{row['metric']:32} {row['ours']:10.6g} {row['unit']:8}{beside}")
    if invalid:
        print(f"bench pipeline: these figures do not hold: {invalid}", file=sys.stderr)
    if args.json is not None:
        write_atomically(args.json, json.dumps(made, indent=2) + "\n")
    if args.compare is not None and (worse := regressions(made, args.compare)):
        raise CheckFailedError("; ".join(worse))
    return 0


def _peers(args: argparse.Namespace, source: Source, cleanup: ExitStack) -> list[Peer]:
    peers = []
    if args.peer_python:
        peers.append(mediapipe_peer(args.peer_python))
    if args.opencv_python:
        folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="watchkeeper-bench-"))
        peers.append(opencv_peer(args.opencv_python, Path(folder)))
    for peer in peers:
        cleanup.callback(peer.close)
        peer.start(source.info.width, source.info.height)
    return peers


def _blocks(source: Source, frames: int, ours: TimedLoop) -> Iterator[Block]:
    """Run ours on `frames` frames; yields what it just ran on, a block at a time."""
    to_rgb = open_preprocessor("cpu")
    info = source.info
    spec = OutputSpec(info.width, info.height, layout=Layout.NHWC, dtype="uint8")
    whole = Region(info.width / 2, info.height / 2, float(info.width), float(info.height))
    rgb = np.empty(spec.shape, np.uint8)
    fd = os.memfd_create("watchkeeper-bench")
    block = Block(fd, rgb.nbytes)
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
            block = Block(fd, rgb.nbytes)
    os.close(fd)


def _results(case: str, ours: TimedLoop, peers: list[Peer], source: Source, copies: CopyLedger) -> list[Result]:
    """Rows against each peer, the first one's first; without one, ours alone."""
    mine = ours.took_ns[WARM_UP:]
    frames = len(ours.took_ns)
    copied = bytes_per_frame(source.copied_bytes, copies, frames)
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    installed = own_installed_bytes()
    results = []
    beside_whom: list[Peer | None] = [*peers] or [None]
    for peer in beside_whom:
        theirs = peer.took_ns[WARM_UP:] if peer else None
        name = peer.name if peer else None
        for metric, share in (("latency_p50", 0.50), ("latency_p95", 0.95), ("latency_p99", 0.99)):
            beside = _quantile_ms(theirs, share) if theirs else None
            results.append(Result(case, metric, "ms", _quantile_ms(mine, share), len(mine), name, beside))
        beside = statistics.mean(theirs) / NS_PER_MS if theirs else None
        busy = statistics.mean(ours.busy_ns[WARM_UP:]) / NS_PER_MS
        results.append(Result(case, "busy_mean", "ms", busy, len(mine), name, beside))
        beside = peer.resident_bytes / 1e6 if peer else None
        results.append(Result(case, "rss", "MB", resident / 1e6, 1, name, beside))
        beside = peer.installed_bytes() / 1e6 if peer else None
        results.append(Result(case, "installed_size", "MB", installed / 1e6, 1, name, beside))
    return [
        *results,
        Result(case, "copied_bytes_per_frame", "B", sum(copied.values()), frames),
        *(Result(case, f"copied_bytes_per_frame.{place}", "B", each, frames) for place, each in copied.items()),
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
