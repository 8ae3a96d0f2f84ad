"""The product's own pipeline with sleeps put into it from outside, by wrappers that only tests can make.

The product has no switch for this: each wrapper stands where a test can put one (the source, the engine table, the
preprocessor, the judge, the publisher), and all else is the code that `watchkeeper-vision` runs.
"""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.capture.lease import FrameLease
from watchkeeper.capture.source import open_source
from watchkeeper.clock import NS_PER_S
from watchkeeper.inference.engine import open_engine
from watchkeeper.mailbox.layout import VISION
from watchkeeper.mailbox.writer import Mailbox, Writer
from watchkeeper.preprocess.backends import open_preprocessor
from watchkeeper.runtime import dumps
from watchkeeper.runtime import networks as networks_module
from watchkeeper.runtime import pump as pump_module
from watchkeeper.runtime.dumps import Dumper
from watchkeeper.runtime.frame_work import FrameWork
from watchkeeper.runtime.loop import VisionLoop, budget_ns
from watchkeeper.runtime.networks import LANDMARKS, QUICK
from watchkeeper.runtime.perception import Perception
from watchkeeper.runtime.realtime import PRIORITY
from watchkeeper.runtime.settings import resolve
from watchkeeper.runtime.warm_up import warm_up
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.trace.recorder import Recorder
from watchkeeper.trace.ring import Ring
from watchkeeper.trace.rows import Kind
from watchkeeper.types import DriverState, Frame, Measurement, VehicleReport, VehicleSignals, VisionReport

Plan = Callable[[int], "tuple[Kind, float] | None"]
"""Number of a frame -> (stage to sleep in, seconds), None for nothing."""


class Stalls:
    """One sleep a frame at most. `seq`: of the frame that the loop works on."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._slept: set[int] = set()
        self.seq = -1

    def at(self, stage: Kind, seq: int | None = None) -> None:
        """Sleep here if this frame (default: the loop's) is to be stalled in this stage."""
        seq = self.seq if seq is None else seq
        planned = self._plan(seq)
        if planned is not None and planned[0] is stage and seq not in self._slept:
            self._slept.add(seq)
            time.sleep(planned[1])


class _Wrapper:
    """Everything is the inner object's, but what a subclass says."""

    def __init__(self, inner: Any, stalls: Stalls) -> None:
        self.inner, self.stalls = inner, stalls

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class _Source(_Wrapper):
    def next(self, timeout_s: float) -> FrameLease | None:
        lease: FrameLease | None = self.inner.next(timeout_s)
        if lease is not None:
            self.stalls.at(Kind.DEQUEUE, lease.frame.seq)
        return lease


class _Engine(_Wrapper):
    def run(self) -> None:
        self.stalls.at(Kind.INFER)
        self.inner.run()

    def __enter__(self) -> _Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.inner.close()


class _Preprocessor(_Wrapper):
    def start_many(self, *args: Any) -> None:
        self.stalls.at(Kind.PREPROCESS)
        self.inner.start_many(*args)

    def statistics(self, *args: Any) -> Any:
        self.stalls.at(Kind.QUALITY)
        return self.inner.statistics(*args)


class _Perception(Perception):
    stalls: Stalls

    def process(self, frame: Frame) -> Measurement:
        measurement = super().process(frame)
        self.stalls.at(Kind.MEASURE)
        return measurement


class _Judge(_Wrapper):
    def step(self, measurement: Measurement | None, vehicle: VehicleSignals | None, t_ns: int) -> DriverState:
        self.stalls.at(Kind.DECIDE)
        state: DriverState = self.inner.step(measurement, vehicle, t_ns)
        return state


class _Loop(VisionLoop):
    stalls: Stalls
    frames_left = 0

    def frame(self, lease: Any, *args: Any, **named: Any) -> None:
        self.frames_left -= 1
        self.stalls.seq = lease.frame.seq
        self.stalls.at(Kind.QUEUE)
        super().frame(lease, *args, **named)


@contextlib.contextmanager
def _as_the_product_runs() -> Iterator[None]:
    """SCHED_FIFO where permitted, for this thread and those it makes; and garbage collection on again afterwards."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        gc.enable()
        gc.unfreeze()


class RealRun:
    """`frames` of the demo drive at its own pace through the real pipeline, stalled by `plan`.

    ring: what the recorder has. report: the last one published. dumps: files of late frames, beside drive.ring.
    """

    def __init__(self, plan: Plan, frames: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        stalls = Stalls(plan)
        settings = resolve("host", "demo:", None, None)
        budget = settings.board.budget
        self.ring = Ring(rows=1 << 15)
        self._dumper = Dumper(self.ring, folder / "drive.ring")
        work = FrameWork(Recorder(self.ring), budget=budget)
        monkeypatch.setattr(
            networks_module, "open_engine",
            lambda name, model, **more: _Engine(open_engine(name, model, **more), stalls)
            if model.name in (LANDMARKS, QUICK) else open_engine(name, model, **more),
        )  # fmt: skip
        monkeypatch.setattr(pump_module, "open_source", lambda uri, **more: _Source(open_source(uri, **more), stalls))
        self.report = VisionReport(0, 0)
        writer = Writer(Mailbox.create(VISION), VISION)

        def publish(report: VisionReport) -> None:
            stalls.at(Kind.PUBLISH)
            self.report = report
            writer.write(report)

        monkeypatch.setattr(
            networks_module, "open_preprocessor", lambda name: _Preprocessor(open_preprocessor(name), stalls)
        )
        perception = _Perception(settings.camera, work=work)
        perception.stalls = stalls
        monkeypatch.setattr(dumps, "APART_NS", NS_PER_S)  # what else is late on a busy machine shall not hide the stall
        warm_up(settings)
        with perception, _as_the_product_runs():
            judge = _Judge(DriverStateMachine(get_profile("euroncap-2026"), settings.board.cabin), stalls)
            loop = _Loop(
                perception, judge, publish, VehicleReport, budget_ns(budget.exposure_to_state_ms),
                budget_ns(budget.frame_period_ms), work=work, missed=self._dumper.missed,
            )  # fmt: skip
            loop.stalls, loop.frames_left = stalls, frames
            pump_module.pump(loop, settings, work.recorder, repeat=True, stopping=lambda: loop.frames_left <= 0)
        self._dumper.close()
        self.dumps = sorted(folder.glob("drive.missed-*.ring"))
