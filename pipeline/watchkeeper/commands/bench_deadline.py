"""`bench deadline`: the demo drive at its own rate through the whole system; how many frames are missed, and tails.

Every frame counts: each half minute vision is asked for its recorder's ring (SIGUSR1), and the rings are laid together
by frame number. A frame is missed when it was published after the board's budget or dropped for any cause. Percentiles
are of the steady state, from end of exposure to published state; cold start and warm-up stand apart. `--load N` keeps
N cores busy with processes bound to them.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from watchkeeper.clock import NS_PER_MS, NS_PER_S, now_ns
from watchkeeper.commands.bench_children import RunningChild, running
from watchkeeper.commands.bench_load import busy
from watchkeeper.commands.bench_report import Result, regressions, report
from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.files import write_atomically
from watchkeeper.runtime.machine import MachineWatch, throttled_between
from watchkeeper.trace.frames import TracedFrame, frames_of
from watchkeeper.trace.hdr import Hdr
from watchkeeper.trace.ring import Recording, read_ring
from watchkeeper.trace.rows import Drop, Kind

_LEAST_S = 20.0
_ASK_EVERY_S = 30.0  # a third of what the ring holds
_WRITTEN_WITHIN_S = 10.0
_MOST_MISSED_PCT = {False: 0.0, True: 0.1}  # without load, with load


class Tally:
    """Frames of rings that overlap, each once. Raises CheckFailedError on a gap between two rings."""

    def __init__(self) -> None:
        self.about: dict[str, object] = {}
        self.judged: dict[int, TracedFrame] = {}
        self.drops: Counter[str] = Counter()
        self._until_ns = 0  # rows up to here are counted

    def add(self, recording: Recording) -> None:
        """The next ring of the same vision process."""
        rows = recording.rows
        if recording.lost and rows and rows[0].end_ns > self._until_ns:
            raise CheckFailedError("the recorder was asked too late: rows are missing between two of its rings")
        if sum(row.kind == Kind.START for row in rows) > 1:
            raise CheckFailedError("vision was restarted meanwhile")
        self.about = recording.about
        for frame in frames_of(recording).judged:
            known = self.judged.get(frame.seq)
            if known is not None:  # what it was sent with may have come since, its start may be lost since
                frame.start_ns = known.start_ns if known.start_ns is not None else frame.start_ns
            elif self.judged:
                frame.start_ns = next(iter(self.judged.values())).start_ns
            self.judged[frame.seq] = frame
        for row in rows:
            if row.kind == Kind.DROP and row.end_ns > self._until_ns:
                self.drops[Drop(row.detail).name.lower()] += row.value
        self._until_ns = max((row.end_ns for row in rows), default=self._until_ns)


def run(args: argparse.Namespace) -> int:
    """Run for --seconds. Exit status 1 when more is missed than --most-missed-pct, or on a regression."""
    cores = sorted(os.sched_getaffinity(0))
    if args.seconds < _LEAST_S:
        raise BadInputError(f"--seconds {args.seconds:g}: expected at least {_LEAST_S:g}")
    if not 0 <= args.load <= len(cores):
        raise BadInputError(f"--load {args.load}: expected 0 to {len(cores)}, the cores of this machine")
    most_pct = _MOST_MISSED_PCT[args.load > 0] if args.most_missed_pct is None else args.most_missed_pct
    machine = MachineWatch()
    before = machine.read()
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="watchkeeper-bench-") as folder, busy(cores[len(cores) - args.load :]):
        ring = Path(folder) / "drive.ring"
        with running(["--duration", f"{args.seconds + 60:g}", "--trace-out", str(ring)]) as child:
            _collect(child, ring, args.seconds, tally)
    results = results_of(tally, f"demo:{f', {args.load} cores busy' if args.load else ''}")
    made = report(
        "deadline", results,
        invalid=throttled_between(before, machine.read()), seconds=args.seconds, cores_loaded=args.load,
        budget_ms=tally.about.get("budget_ms"), scheduler=tally.about.get("scheduler"), drops=dict(tally.drops),
    )  # fmt: skip
    for result in results:
        print(f"{result.case:24} {result.metric:28} {result.ours:10.4f} {result.unit}   n {result.n}")
    if args.json is not None:
        write_atomically(args.json, json.dumps(made, indent=2) + "\n")
    missed_pct = next(result.ours for result in results if result.metric == "missed_share_pct")
    wrong = [f"{missed_pct:.3f} % of the frames missed, more than {most_pct:g} %"] if missed_pct > most_pct else []
    if args.compare is not None:
        wrong += regressions(made, args.compare)
    if wrong:
        raise CheckFailedError("; ".join(wrong))
    return 0


def _collect(child: RunningChild, ring: Path, seconds: float, tally: Tally) -> None:
    """Ask for the ring again and again until the time is over."""
    end_ns = child.started_ns + round(seconds * NS_PER_S)
    while now_ns() < end_ns:
        if sys.stderr.isatty():
            print(
                f"\rbench deadline: {(end_ns - now_ns()) / NS_PER_S:.0f} s left ", end="", file=sys.stderr, flush=True
            )
        time.sleep(max(0.0, min(_ASK_EVERY_S, (end_ns - now_ns()) / NS_PER_S)))
        pid = child.pids().get("vision")
        if pid is None or child.process.poll() is not None:
            raise CheckFailedError("the system ended by itself; run `watchkeeper run` by hand to see why")
        ring.unlink(missing_ok=True)
        os.kill(pid, signal.SIGUSR1)
        give_up_ns = now_ns() + round(_WRITTEN_WITHIN_S * NS_PER_S)
        while not ring.exists():
            if now_ns() > give_up_ns:
                raise CheckFailedError(f"vision did not write its recorder within {_WRITTEN_WITHIN_S:g} s")
            time.sleep(0.05)
        tally.add(read_ring(ring))


def results_of(tally: Tally, case: str) -> list[Result]:
    """Rows of the report. Missed: late or dropped, of all frames after the warm-up that were captured."""
    frames = list(tally.judged.values())
    phases: dict[str, list[TracedFrame]] = {"cold start": [], "warm-up": [], "steady": []}
    for frame in frames:
        phases[frame.phase].append(frame)
    steady = phases["steady"]
    dropped = tally.drops.total()
    late = sum(frame.late for frame in steady)
    captured = len(steady) + dropped
    about_ms = tally.about.get("frame_period_ms")
    period_ns = round(about_ms * NS_PER_MS) if isinstance(about_ms, float) else 0
    plain, corrected, bus = Hdr(), Hdr(), Hdr()
    for frame in steady:
        plain.add(frame.took_ns)
        corrected.add(frame.took_ns, period_ns)
        if frame.sent_ns is not None:
            bus.add(frame.sent_ns - frame.exposure_ns)
    results = [
        Result(case, "missed_share_pct", "%", 100 * (late + dropped) / max(1, captured), captured),
        Result(case, "late_frames", "frames", late, len(steady)),
        Result(case, "dropped_frames", "frames", dropped, captured),
    ]
    for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)):
        results.append(Result(case, f"latency_{name}", "ms", plain.percentile(share) / NS_PER_MS, plain.count))
    median_ns = max(1, plain.percentile(0.5))
    results += [
        Result(case, "latency_p999_over_p50", "ratio", plain.percentile(0.999) / median_ns, plain.count),
        Result(case, "latency_p999_corrected", "ms", corrected.percentile(0.999) / NS_PER_MS, corrected.count),
        Result(case, "exposure_to_bus_p50", "ms", bus.percentile(0.5) / NS_PER_MS, bus.count),
        Result(case, "exposure_to_bus_p99", "ms", bus.percentile(0.99) / NS_PER_MS, bus.count),
        Result(case, "exposure_to_bus_late", "frames", sum(f.bus_late for f in steady), bus.count),
    ]
    for phase in ("cold start", "warm-up"):
        hdr = Hdr()
        for frame in phases[phase]:
            hdr.add(frame.took_ns)
        name = phase.replace(" ", "_").replace("-", "_")
        results.append(Result(case, f"{name}_latency_max", "ms", hdr.percentile(1.0) / NS_PER_MS, hdr.count))
        results.append(Result(case, f"{name}_late_frames", "frames", sum(f.late for f in phases[phase]), hdr.count))
    return results
