"""A stall put into one stage must be seen in that stage and nowhere else. On a hand-driven clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.runtime.frame_work import FrameWork
from watchkeeper.runtime.loop import VisionLoop
from watchkeeper.trace.recorder import Recorder
from watchkeeper.trace.ring import Ring, read_ring
from watchkeeper.trace.rows import STAGES, Drop, Kind, Network, Row, Task
from watchkeeper.types import (
    ColorMatrix,
    DriverBaseline,
    DriverState,
    Frame,
    Measurement,
    PixelFormat,
    SendStamp,
    VehicleReport,
    VehicleSignals,
    VisionReport,
)

MS = 1_000_000
USUAL = dict.fromkeys(STAGES, MS) | {Kind.INFER: 8 * MS}


class Rig:
    """The real loop, recorder and scheduler around stages that only move the clock."""

    def __init__(self) -> None:
        self.ns = 5_000 * MS
        self.took = dict(USUAL)
        self.ring = Ring(rows=1 << 17)
        self.work = FrameWork(Recorder(self.ring, self.clock), self.clock)
        self.reports: list[VisionReport] = []
        self.sends: tuple[SendStamp, ...] = ()
        self.missed = 0
        self.captured = self.unseen = 0
        self.loop = VisionLoop(
            self, self, self.publish, self.vehicle, 33 * MS, 33 * MS, self.clock, work=self.work, missed=self._late
        )

    def clock(self) -> int:
        return self.ns

    def _late(self, by_ns: int) -> None:
        assert by_ns > 0
        self.missed += 1

    def process(self, frame: Frame) -> Measurement:
        work = self.work
        if work.allows(Task.QUALITY):
            self.ns += self.took[Kind.QUALITY]
            work.done(Task.QUALITY)
        work.mark(Kind.QUALITY)
        if work.allows(Task.LANDMARKS):
            self.ns += self.took[Kind.PREPROCESS]
            work.mark(Kind.PREPROCESS, Network.LANDMARKS)
            self.ns += self.took[Kind.INFER]
            work.mark(Kind.INFER, Network.LANDMARKS)
        self.ns += self.took[Kind.MEASURE]
        return Measurement(frame.t_ns, frame.seq)

    def step(self, measurement: Measurement | None, vehicle: VehicleSignals | None, t_ns: int) -> DriverState:
        self.ns += self.took[Kind.DECIDE]
        return DriverState(t_ns, measurement.seq if measurement else 0)

    def refine(self) -> None:
        """These stages leave nothing to do."""

    learned: DriverBaseline | None = None

    def recall(self, kept: DriverBaseline) -> None:
        raise AssertionError("nothing is kept here")

    def publish(self, report: VisionReport) -> None:
        self.ns += self.took[Kind.PUBLISH]
        self.reports.append(report)

    def vehicle(self) -> VehicleReport:
        return VehicleReport(sends=self.sends)

    def frame(self) -> None:
        seq = self.captured
        self.captured += 1
        exposure_ns = self.ns
        self.ns += self.took[Kind.DEQUEUE]
        dequeued_ns = self.ns
        self.ns += self.took[Kind.QUEUE]
        self.loop.frame(_Lease(exposure_ns, seq), self.captured + self.unseen, self.unseen, dequeued_ns=dequeued_ns)
        self.ns = max(self.ns, exposure_ns + 33 * MS)

    def rows(self, tmp_path: Path) -> list[Row]:
        path = tmp_path / "rig.ring"
        path.write_bytes(self.ring.snapshot())
        return read_ring(path).rows


class _Lease:
    def __init__(self, t_ns: int, seq: int) -> None:
        self.frame = Frame(t_ns, seq, 2, 2, PixelFormat.GREY8, ColorMatrix.BT601_FULL, (b"1234",), (2,))

    def release(self) -> None:
        pass


def _took(rows: list[Row], seq: int) -> dict[int, int]:
    return {row.kind: row.end_ns - row.begin_ns for row in rows if row.seq == seq and row.kind in STAGES}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_five_milliseconds_show_in_their_stage_only(stage: Kind, tmp_path: Path) -> None:
    rig = Rig()
    rig.frame()
    rig.took[stage] += 5 * MS
    rig.frame()
    rows = rig.rows(tmp_path)
    before, after = _took(rows, 0), _took(rows, 1)
    assert before == USUAL
    assert after == USUAL | {stage: USUAL[stage] + 5 * MS}
    frames = [row.end_ns - row.begin_ns for row in rows if row.kind == Kind.FRAME]
    assert frames == [sum(before.values()), sum(after.values())]


def test_one_stall_in_ten_thousand_frames_is_found_and_attributed(tmp_path: Path) -> None:
    rig = Rig()
    for seq in range(10_000):
        rig.took[Kind.DECIDE] = 51 * MS if seq == 7_000 else MS
        rig.frame()
    rows = rig.rows(tmp_path)
    late = [row for row in rows if row.kind == Kind.FRAME and row.detail]
    assert [row.seq for row in late] == [7_000]
    assert rig.missed == 1
    took = _took(rows, 7_000)
    assert {kind for kind in took if took[kind] != USUAL[Kind(kind)]} == {Kind.DECIDE}
    assert rig.loop.drops.total() == 0


def test_under_overload_every_captured_frame_is_judged_or_dropped_with_its_cause(tmp_path: Path) -> None:
    rig = Rig()
    rungs = set()
    for seq in range(600):
        rig.took[Kind.INFER] = 40 * MS if 100 <= seq < 300 else 8 * MS
        rig.took[Kind.QUEUE] = 60 * MS if seq in (20, 21) else MS
        if seq == 50:
            rig.unseen += 2
        rig.frame()
        rungs.add(rig.reports[-1].health.rung)
    health = rig.reports[-1].health
    assert health.frames_captured == health.frames_processed + health.frames_dropped
    rows = rig.rows(tmp_path)
    dropped = {cause: sum(row.value for row in rows if row.kind == Kind.DROP and row.detail == cause) for cause in Drop}
    assert dropped[Drop.OVERWRITTEN] == 2
    assert dropped[Drop.STALE] == 2
    assert dropped[Drop.HALF_RATE] > 0
    assert health.frames_dropped == sum(dropped.values())
    assert health.frames_processed == sum(row.kind == Kind.FRAME for row in rows)
    assert rungs == {0, 1, 2, 3}


def test_after_the_overload_everything_is_done_again() -> None:
    rig = Rig()
    for seq in range(2_000):
        rig.took[Kind.INFER] = 40 * MS if seq < 200 else 8 * MS
        rig.frame()
    assert rig.reports[200].health.rung > 0
    assert rig.reports[-1].health.rung == 0


def test_the_send_of_a_frame_is_recorded_after_the_supervisor_said_so(tmp_path: Path) -> None:
    rig = Rig()
    exposure_ns = rig.ns
    rig.frame()
    rig.sends = (SendStamp(exposure_ns, rig.ns - MS),)
    rig.frame()
    rig.frame()
    rows = [row for row in rig.rows(tmp_path) if row.kind == Kind.SEND]
    assert [row.seq for row in rows] == [0]
    assert rows[0].end_ns == exposure_ns + 32 * MS
