"""The vision loop: one frame in, one published report out. The only place that knows all stages.

A frame's deadline is its end of exposure plus the board's budget. A frame already past it when the loop comes to it
is dropped and counted, never processed: a warning made from an old picture is worth less than the next picture.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

from watchkeeper.clock import NS_PER_MS, now_ns
from watchkeeper.runtime.budget import Ladder
from watchkeeper.runtime.content import content_mark
from watchkeeper.runtime.driver_memory import DriverMemory, Learns
from watchkeeper.runtime.frame_work import FrameWork
from watchkeeper.runtime.health import HealthMeter
from watchkeeper.runtime.vehicle_news import VehicleNews
from watchkeeper.trace.rows import Drop, Kind
from watchkeeper.types import (
    Cause,
    DriverState,
    Frame,
    Measurement,
    VehicleReport,
    VehicleSignals,
    VisionReport,
    WarningEvent,
)

EVENTS_KEPT = 16


class Perceives(Protocol):
    """One picture to one measurement; `refine` is its work for the frames to come, once that one's result is out."""

    def process(self, frame: Frame) -> Measurement: ...
    def refine(self) -> None: ...


class Judges(Learns, Protocol):
    """One measurement to the driver's state."""

    def step(self, measurement: Measurement | None, vehicle: VehicleSignals | None, t_ns: int) -> DriverState: ...


class Lease(Protocol):
    """A frame on loan from its source."""

    @property
    def frame(self) -> Frame: ...
    def release(self) -> None: ...


class VisionLoop:
    """Perception, judgement and publication of one frame at a time, with the counters the bus reports.

    publish: writes a VisionReport where the supervisor reads it. vehicle: newest VehicleReport, None when unreadable.
    forget: makes perception forget the driver and gives the judge to go on with.
    work: recorder and scheduler, the same that perception was given. missed: called after a frame
    past its deadline with how far past it was, ns.
    """

    def __init__(
        self,
        perception: Perceives,
        machine: Judges,
        publish: Callable[[VisionReport], None],
        vehicle: Callable[[], VehicleReport | None],
        budget_ns: int,
        frame_period_ns: int,
        clock: Callable[[], int] = now_ns,
        forget: Callable[[], Judges] | None = None,
        *,
        work: FrameWork | None = None,
        missed: Callable[[int], None] | None = None,
    ) -> None:
        self._work = work or FrameWork(clock=clock)
        self._recorder, self._scheduler, self._ladder = self._work.recorder, self._work.scheduler, Ladder()
        self._missed = missed
        self._perception, self._machine, self._forget = perception, machine, forget
        self._publish, self._vehicle, self._clock = publish, vehicle, clock
        self._budget_ns = budget_ns
        self._news = VehicleNews()
        self._memory = DriverMemory()
        self._events: deque[WarningEvent] = deque(maxlen=EVENTS_KEPT)
        self._event_count = 0
        self._report = VisionReport(published_ns=clock(), pid=os.getpid())
        self._health = HealthMeter(frame_period_ns)
        self.times = self._health.times
        self.drops: Counter[str] = Counter()

    def announce(self, condition: Cause, *, ended: bool = False) -> None:
        """Publish vision's own condition (starting, camera lost, ...) without a new judgement."""
        old = self._report
        self._send(VisionReport(
            self._clock(), old.pid, old.exposure_ns, condition, ended, old.driver, old.health,
            self._event_count, tuple(self._events), old.first_exposure_ns, self._news.baseline_resets or 0,
            old.content, self._memory.learned,
        ))  # fmt: skip

    def frame(self, lease: Lease, captured: int, dropped_before: int, *, dequeued_ns: int = 0, lost: int = 0) -> None:
        """Take one frame through all stages and give it back.

        captured, dropped_before: what the hand-over counted so far (frames out of the source, frames overwritten).
        dequeued_ns: when the source handed it over, 0 if not known. lost: of dropped_before, those the source lost.
        """
        taken_ns = self._clock()
        frame, work = lease.frame, self._work
        exposure_ns = frame.t_ns
        self._note_unseen(dropped_before, lost)
        if taken_ns - exposure_ns > self._budget_ns:
            lease.release()
            self._drop(Drop.STALE, frame.seq)
            self._judge_time(taken_ns - exposure_ns, taken_ns)
            return
        if not self._scheduler.takes():
            lease.release()
            self._drop(Drop.HALF_RATE, frame.seq)
            return
        work.begin(frame.seq, exposure_ns, dequeued_ns, taken_ns, self._budget_ns)
        try:
            measurement = self._perception.process(frame)
            content = content_mark(frame)
        except BaseException:
            self._drop(Drop.FAILED, frame.seq)
            work.abandon()
            raise
        finally:
            lease.release()
        measured_ns = work.mark(Kind.MEASURE)
        report = self._vehicle()
        driver = self._judge(measurement, report, exposure_ns)
        judged_ns = work.mark(Kind.DECIDE)
        self._health.judged(taken_ns, judged_ns)
        dropped = dropped_before + sum(self.drops.values())
        health = self._health.report(judged_ns, captured, dropped, self._scheduler.rung)
        self._send(VisionReport(
            judged_ns, self._report.pid, exposure_ns, Cause.NONE, False, driver, health,
            self._event_count, tuple(self._events), self._report.first_exposure_ns or exposure_ns,
            self._news.baseline_resets or 0, content, self._memory.learned,
        ))  # fmt: skip
        published_ns = work.mark(Kind.PUBLISH)
        late = published_ns - exposure_ns > self._budget_ns
        self._health.misses += late
        self.times.add([exposure_ns, taken_ns, measured_ns, judged_ns, published_ns])
        work.finish(late=late)
        if report is not None:
            for stamp in report.sends:
                self._recorder.sent(stamp.exposure_ns, stamp.sent_ns, stamp.echo_ns)
        self._judge_time(published_ns - exposure_ns, published_ns)
        self._perception.refine()

    def _judge(self, measurement: Measurement, report: VehicleReport | None, exposure_ns: int) -> DriverState:
        """One step of the state machine, of a new one where the driver is to be forgotten."""
        vehicle, forget = self._news.step(report)
        if forget and self._forget is not None:
            self._machine = self._forget()
            self._memory.forget()
        self._memory.take_up(self._machine, report)
        driver = self._machine.step(measurement, vehicle, exposure_ns)
        self._memory.note(self._machine, exposure_ns)
        self._events.extend(driver.events)
        self._event_count += len(driver.events)
        return driver

    def _judge_time(self, age_ns: int, t_ns: int) -> None:
        """What a frame in time, or one too late, means for the next ones. age_ns: since its exposure."""
        missed = age_ns > self._budget_ns
        self._scheduler.finish(missed)
        self._scheduler.rung = self._ladder.step(missed, t_ns)
        if missed and self._missed is not None:
            self._missed(age_ns - self._budget_ns)

    def _drop(self, cause: Drop, seq: int) -> None:
        self.drops[cause.name.lower()] += 1
        self._recorder.drop(cause, 1, seq)

    def _note_unseen(self, dropped_before: int, lost: int) -> None:
        """Rows for what was dropped before the loop: by the source, or overwritten by a newer frame."""
        new_lost = lost - self._recorder.drops[Drop.SOURCE]
        new_overwritten = dropped_before - lost - self._recorder.drops[Drop.OVERWRITTEN]
        if new_lost > 0:
            self._recorder.drop(Drop.SOURCE, new_lost)
        if new_overwritten > 0:
            self._recorder.drop(Drop.OVERWRITTEN, new_overwritten)

    def _send(self, report: VisionReport) -> None:
        self._report = report
        self._publish(report)


def budget_ns(milliseconds: float) -> int:
    """A board file's milliseconds as the clock's nanoseconds."""
    return round(milliseconds * NS_PER_MS)
