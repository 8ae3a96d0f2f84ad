"""The vision loop on a hand-driven clock: budget, drops, counters, what is published."""

from __future__ import annotations

import pytest

from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.runtime.loop import EVENTS_KEPT, VisionLoop
from watchkeeper.types import (
    Cause,
    ColorMatrix,
    DriverBaseline,
    DriverState,
    Frame,
    Measurement,
    Phase,
    PixelFormat,
    VehicleReport,
    VehicleSignals,
    VisionReport,
    WarningEvent,
)
from watchkeeper.types import Warning as DriverWarning

MS = 1_000_000
START_NS = 5_000 * MS


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.ns = START_NS

    def __call__(self) -> int:
        return self.ns


class Lease:
    def __init__(self, t_ns: int, seq: int) -> None:
        self.frame = Frame(t_ns, seq, 2, 2, PixelFormat.GREY8, ColorMatrix.BT601_FULL, (b"1234",), (2,))
        self.released = False

    def release(self) -> None:
        self.released = True


class Perception:
    """Takes 8 ms a frame."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.fail = clock, False
        self.refined: list[int] = []  # when
        self.refines_ns = 0

    def process(self, frame: Frame) -> Measurement:
        if self.fail:
            raise RuntimeError("broken")
        self.clock.ns += 8 * MS
        return Measurement(frame.t_ns, frame.seq)

    def refine(self) -> None:
        self.refined.append(self.clock.ns)
        self.clock.ns += self.refines_ns


class Machine:
    """Remembers what it was given; one event a step."""

    def __init__(self) -> None:
        self.vehicle: list[VehicleSignals | None] = []
        self.learned: DriverBaseline | None = None
        self.recalled: list[DriverBaseline] = []

    def recall(self, kept: DriverBaseline) -> None:
        self.recalled.append(kept)
        if kept.present > 1:
            raise BadInputError("baseline: present: 2; expected 0 to 1")

    def step(self, measurement: Measurement | None, vehicle: VehicleSignals | None, t_ns: int) -> DriverState:
        self.vehicle.append(vehicle)
        seq = measurement.seq if measurement else 0
        return DriverState(t_ns, seq, events=(WarningEvent(t_ns, DriverWarning.DROWSY, Phase.ONSET, 1),))


class Bench:
    def __init__(self) -> None:
        self.clock = Clock()
        self.perception = Perception(self.clock)
        self.machine = Machine()
        self.reports: list[VisionReport] = []
        self.vehicle: VehicleReport | None = VehicleReport()
        self.loop = VisionLoop(
            self.perception, self.machine, self.reports.append, lambda: self.vehicle, 33 * MS, 33 * MS, self.clock
        )

    def frame(self, seq: int, age_ms: int = 2) -> Lease:
        lease = Lease(self.clock.ns - age_ms * MS, seq)
        self.loop.frame(lease, captured=seq + 1, dropped_before=0)
        return lease


def test_a_frame_is_judged_published_and_given_back() -> None:
    bench = Bench()
    lease = bench.frame(0)
    report = bench.reports[-1]
    assert lease.released
    assert report.exposure_ns == START_NS - 2 * MS == report.first_exposure_ns
    assert report.driver is not None
    assert report.driver.seq == 0
    assert report.condition is Cause.NONE
    assert bench.loop.times.median_ms()["measured"] == 8.0
    assert bench.loop.times.latency_ms()[0] == 10.0


def test_perception_works_on_for_later_frames_once_the_result_is_out() -> None:
    bench = Bench()
    bench.perception.refines_ns = 50 * MS  # longer than the budget: the frame was in time all the same
    bench.frame(0)
    assert bench.perception.refined == [bench.reports[-1].published_ns]
    assert bench.reports[-1].health.deadline_misses == 0
    bench.frame(1, age_ms=40)
    assert len(bench.perception.refined) == 1, "nothing follows a frame that was dropped"
    bench.frame(2)
    assert bench.reports[-1].health.deadline_misses == 0


@pytest.mark.parametrize(("age_ms", "judged"), [(33, True), (34, False)])
def test_a_frame_older_than_the_budget_is_dropped_and_counted(age_ms: int, judged: bool) -> None:
    bench = Bench()
    lease = bench.frame(0, age_ms)
    assert lease.released
    assert len(bench.machine.vehicle) == judged
    assert bench.loop.drops["stale"] == (not judged)
    bench.frame(1)
    health = bench.reports[-1].health
    assert health.frames_captured == health.frames_processed + health.frames_dropped == 2


def test_late_frames_count_as_deadline_misses() -> None:
    bench = Bench()
    bench.frame(0, age_ms=30)  # 30 + 8 ms > 33 ms
    bench.frame(1, age_ms=2)
    bench.frame(2, age_ms=2)
    assert bench.reports[-1].health.deadline_misses == 1


def test_the_lease_goes_back_when_perception_fails() -> None:
    bench = Bench()
    bench.perception.fail = True
    lease = Lease(bench.clock.ns, 0)
    with pytest.raises(RuntimeError, match="broken"):
        bench.loop.frame(lease, 1, 0)
    assert lease.released


def test_vehicle_signals_are_handed_on_once() -> None:
    bench = Bench()
    bench.vehicle = VehicleReport(START_NS, VehicleSignals(speed_kph=80.0))
    bench.frame(0)
    bench.frame(1)
    bench.vehicle = VehicleReport(START_NS + MS, VehicleSignals(speed_kph=79.0))
    bench.frame(2)
    bench.vehicle = None  # the mailbox was unreadable just now
    bench.frame(3)
    speeds = [signals.speed_kph if signals else None for signals in bench.machine.vehicle]
    assert speeds == [80.0, None, 79.0, None]


def test_events_are_counted_and_the_newest_kept() -> None:
    bench = Bench()
    for seq in range(EVENTS_KEPT + 4):
        bench.frame(seq)
    report = bench.reports[-1]
    assert report.event_count == EVENTS_KEPT + 4
    assert len(report.events) == EVENTS_KEPT
    assert report.events[-1].t_ns == report.exposure_ns


def test_frame_rate_is_measured_over_the_last_second() -> None:
    bench = Bench()
    for seq in range(60):
        bench.frame(seq)
        bench.clock.ns += 42 * MS  # 50 ms with the 8 ms of work
    assert bench.reports[-1].health.frame_rate_hz == pytest.approx(20.0)


def test_an_announcement_keeps_the_last_judgement() -> None:
    bench = Bench()
    bench.frame(7)
    bench.loop.announce(Cause.CAMERA_LOST)
    report = bench.reports[-1]
    assert report.condition is Cause.CAMERA_LOST
    assert report.driver is not None
    assert report.driver.seq == 7
    assert not report.ended


def test_a_reset_of_the_baseline_is_done_once_and_said() -> None:
    bench, fresh, calls = Bench(), Machine(), []

    def forget() -> Machine:
        calls.append(len(bench.reports))
        return fresh

    bench.loop = VisionLoop(
        bench.perception,
        bench.machine,
        bench.reports.append,
        lambda: bench.vehicle,
        33 * MS,
        33 * MS,
        bench.clock,
        forget,
    )
    bench.vehicle = VehicleReport(baseline_resets=4)  # asked for before this process began: nothing to forget
    bench.frame(0)
    assert (calls, bench.reports[-1].baseline_resets) == ([], 4)
    bench.vehicle = VehicleReport(baseline_resets=5)
    bench.frame(1)
    bench.vehicle = None  # the mailbox was unreadable just now
    bench.frame(2)
    assert len(calls) == 1
    assert (len(bench.machine.vehicle), len(fresh.vehicle)) == (1, 2)
    assert bench.reports[-1].baseline_resets == 5
    bench.loop.announce(Cause.CAMERA_LOST)
    assert bench.reports[-1].baseline_resets == 5


def test_what_was_kept_is_taken_up_once_and_what_is_learned_is_published() -> None:
    bench, kept = Bench(), DriverBaseline(head_yaw_deg=1.5, learned_ns=60 * NS_PER_S)
    bench.frame(0)
    assert (bench.machine.recalled, bench.reports[-1].baseline) == ([], None)
    bench.vehicle = VehicleReport(baseline=kept)
    bench.frame(1)
    bench.frame(2)
    assert bench.machine.recalled == [kept]
    bench.machine.learned = kept
    bench.clock.ns += 3 * NS_PER_S
    bench.frame(3)
    assert bench.reports[-1].baseline == kept
    bench.loop.announce(Cause.CAMERA_LOST)
    assert bench.reports[-1].baseline == kept


def test_nothing_kept_is_taken_up_after_a_reset() -> None:
    bench, fresh, kept = Bench(), Machine(), DriverBaseline(learned_ns=60 * NS_PER_S)
    bench.loop = VisionLoop(
        bench.perception, bench.machine, bench.reports.append, lambda: bench.vehicle, 33 * MS, 33 * MS, bench.clock,
        lambda: fresh,
    )  # fmt: skip
    bench.machine.learned = kept
    bench.frame(0)
    assert bench.reports[-1].baseline == kept
    bench.vehicle = VehicleReport(baseline_resets=1, baseline=kept)
    bench.frame(1)
    bench.frame(2)
    newest = bench.reports[2]
    assert newest.baseline_resets == 1
    assert newest.baseline is None
    assert fresh.recalled == []


def test_what_cannot_have_been_learned_is_learned_anew() -> None:
    bench = Bench()
    bench.vehicle = VehicleReport(baseline=DriverBaseline(present=2))
    bench.frame(0)
    assert len(bench.reports) == 1
    assert len(bench.machine.vehicle) == 1
