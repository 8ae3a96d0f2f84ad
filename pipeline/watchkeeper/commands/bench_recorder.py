"""`bench recorder`: what the recorder that always runs costs, as a share of the frame it records.

The product's loop runs on the demo drive; inside it a clock stands around each call of the recorder. Every other frame
the recorder is deaf: it reads the clock, which the deadline needs, and writes nothing. The cost of a frame is the
median time inside the recorder less that of the deaf frames of the same run, so that the clocks around it are not
charged. The medians of whole frames stand beside it; on a busy machine their difference is mostly noise.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Callable
from contextlib import ExitStack, closing

from watchkeeper.capture.lease import FrameLease
from watchkeeper.capture.source import open_source
from watchkeeper.clock import NS_PER_MS, now_ns
from watchkeeper.commands.bench_loop import FrameClock, TimedLoop
from watchkeeper.commands.bench_report import Result, regressions, report
from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.files import write_atomically
from watchkeeper.mailbox.layout import VISION
from watchkeeper.mailbox.writer import Mailbox, Writer
from watchkeeper.runtime.frame_work import FrameWork
from watchkeeper.runtime.machine import MachineWatch, throttled_between
from watchkeeper.runtime.perception import Perception
from watchkeeper.runtime.realtime import become_realtime
from watchkeeper.runtime.settings import Settings, resolve
from watchkeeper.trace.recorder import Recorder
from watchkeeper.trace.ring import Ring
from watchkeeper.trace.rows import Kind, Task

_WARM_UP = 60
_LEAST = 100
MOST_PCT = 1.0
"""What the recorder may cost."""


class _Watched(Recorder):
    """The recorder with a clock around each of its calls; `deaf`: the calls without the rows, for comparison."""

    spent_ns = 0
    deaf = False

    def begin(self, seq: int, exposure_ns: int, dequeued_ns: int, taken_ns: int) -> None:
        began_ns = now_ns()
        if not self.deaf:
            super().begin(seq, exposure_ns, dequeued_ns, taken_ns)
        self.spent_ns += now_ns() - began_ns

    def mark(self, kind: Kind, detail: int = 0) -> int:
        began_ns = now_ns()
        t_ns = self._clock() if self.deaf else super().mark(kind, detail)
        self.spent_ns += now_ns() - began_ns
        return t_ns

    def finish(self, *, late: bool, rung: int) -> None:
        began_ns = now_ns()
        if not self.deaf:
            super().finish(late=late, rung=rung)
        self.spent_ns += now_ns() - began_ns

    def over(self, kind: int, by_ns: int) -> None:
        began_ns = now_ns()
        if not self.deaf:
            super().over(kind, by_ns)
        self.spent_ns += now_ns() - began_ns

    def beside(self, kind: Kind, began_ns: int) -> None:
        now = now_ns()
        if not self.deaf:
            super().beside(kind, began_ns)
        self.spent_ns += now_ns() - now

    def skip(self, task: Task) -> None:
        began_ns = now_ns()
        if not self.deaf:
            super().skip(task)
        self.spent_ns += now_ns() - began_ns


class _Bench:
    """The product's loop with a recorder that can be deaf. spent_ns: of each frame, inside the recorder."""

    def __init__(self, settings: Settings, perception_of: Callable[[FrameWork], Perception], fd: int) -> None:
        clock = FrameClock()
        self._recorder = _Watched(Ring(rows=1 << 15), clock)
        work = FrameWork(self._recorder, clock, budget=settings.board.budget)
        self._loop = TimedLoop(perception_of(work), settings.board, Writer(fd, VISION).write, clock, work)
        self.took_ns = self._loop.took_ns
        self.spent_ns: list[int] = []

    def run(self, lease: FrameLease, *, deaf: bool) -> None:
        """Take one frame through all stages."""
        self._recorder.deaf, self._recorder.spent_ns = deaf, 0
        self._loop.run(lease)
        self.spent_ns.append(self._recorder.spent_ns)


def run(args: argparse.Namespace) -> int:
    """Measure, print, compare. Exit status 1 beyond MOST_PCT, or on a regression against --compare."""
    if args.frames < _LEAST:
        raise BadInputError(f"--frames {args.frames}: expected at least {_LEAST}")
    settings = resolve("host", None, None, None)
    realtime = not become_realtime()
    machine = MachineWatch()
    before = machine.read()
    with ExitStack() as cleanup:
        source = cleanup.enter_context(closing(open_source(settings.source, paced=False, repeat=True)))
        fd = Mailbox.create(VISION)
        cleanup.callback(os.close, fd)

        def perception_of(work: FrameWork) -> Perception:
            return cleanup.enter_context(Perception(settings.camera, engine_name=settings.engine, work=work))

        bench = _Bench(settings, perception_of, fd)
        for number in range(args.frames + _WARM_UP):
            lease = source.next(timeout_s=10.0)
            if lease is None:
                raise BadInputError(f"{settings.source}: no frame within 10 s")
            bench.run(lease, deaf=number % 4 in (1, 2))  # neither side always follows the other
    frames = range(_WARM_UP, args.frames + _WARM_UP)
    recorded, deaf = [n for n in frames if n % 4 not in (1, 2)], [n for n in frames if n % 4 in (1, 2)]
    took_ns, without_ns = (statistics.median(bench.took_ns[n] for n in side) for side in (recorded, deaf))
    spent_ns, clocks_ns = (statistics.median(bench.spent_ns[n] for n in side) for side in (recorded, deaf))
    share_pct = 100 * (spent_ns - clocks_ns) / took_ns
    results = [
        Result("demo:", "latency_p50", "ms", took_ns / NS_PER_MS, len(recorded), "no rows", without_ns / NS_PER_MS),
        Result("demo:", "recorder_us_per_frame", "us", (spent_ns - clocks_ns) / 1000, len(recorded)),
        Result("demo:", "recorder_share_pct", "%", share_pct, len(recorded)),
    ]
    made = report("recorder", results, invalid=throttled_between(before, machine.read()), realtime=realtime)
    for result in results:
        beside = f"   {result.peer} {result.peer_value:.4f}" if result.peer_value else ""
        print(f"{result.metric:24} {result.ours:10.4f} {result.unit}{beside}")
    if args.json is not None:
        write_atomically(args.json, json.dumps(made, indent=2) + "\n")
    wrong = [f"the recorder costs {share_pct:.2f} % of a frame"] if share_pct > MOST_PCT else []
    if args.compare is not None:
        wrong += regressions(made, args.compare)
    if wrong:
        raise CheckFailedError("; ".join(wrong))
    return 0
