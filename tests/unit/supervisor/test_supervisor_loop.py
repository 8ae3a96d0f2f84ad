"""The supervisor's loop on a clock of the test's own: what leaves when, what vision and diagnostics are told."""

from __future__ import annotations

import os

import pytest
from fake_vision_parts import HandPort, HandReader, HandVision, HandWriter

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor import loop as loop_module
from watchkeeper.supervisor import slot_sender as sender_module
from watchkeeper.supervisor.bus import Bus
from watchkeeper.supervisor.core import SLOT_NS, SupervisorCore
from watchkeeper.supervisor.frames import CanFrame, Decoded, Encoder, decode
from watchkeeper.supervisor.ladder import Restarter, Rung
from watchkeeper.supervisor.loop import LISTEN_EVERY_NS, Parts, SupervisorLoop
from watchkeeper.supervisor.outputs import BoxCondition
from watchkeeper.supervisor.simulated_vehicle import SimulatedVehicle
from watchkeeper.supervisor.spec import receive_ids, transmit_ids
from watchkeeper.supervisor.systemd import Notifier
from watchkeeper.supervisor.uds.diagnostics import Diagnostics
from watchkeeper.supervisor.uds.keeper import MemoryKeeper
from watchkeeper.supervisor.uds.transport import FrameTransport
from watchkeeper.supervisor.uds.unit import Identity
from watchkeeper.supervisor.vehicle_input import VehicleReceiver
from watchkeeper.types import Cause, DriverState, SupervisorReport, SystemState, VehicleReport, VisionReport

_T = 1000 * NS_PER_S
_REQUEST = 0x7C0


class _Car(SimulatedVehicle):
    def __init__(self) -> None:
        self.steps = 0

    def step(self, t_ns: int) -> None:
        self.steps += 1


class _Manager(Notifier):
    def __init__(self) -> None:
        super().__init__({})
        self.lines: list[str] = []
        self.stops = 0

    def status(self, text: str) -> None:
        if text not in self.lines:
            self.lines.append(text)

    def stopping(self) -> None:
        self.stops += 1


class _Rig:
    """A loop with all its parts by hand. Vision measures in every slot from its start on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.t_ns = _T
        self.said: list[str] = []
        self.realtime: list[tuple[int, ...]] = []
        self.listened: list[int] = []
        self.late_ns: dict[int, int] = {}  # by the number of the sleep
        self.sleeps = 0
        monkeypatch.setattr(loop_module, "now_ns", lambda: self.t_ns)
        monkeypatch.setattr(sender_module, "now_ns", lambda: self.t_ns)
        monkeypatch.setattr(loop_module, "sleep_until_ns", self._sleep)
        monkeypatch.setattr(loop_module, "become_realtime", self._become)
        monkeypatch.setattr(loop_module, "say", self.said.append)
        self.port, self.vision, self.reader = HandPort(), HandVision(), HandReader()
        bus = Bus(
            "virtual:loop", lambda: self.port, receive={*receive_ids(0x3A0), _REQUEST}, transmit=transmit_ids(0x3A0),
            diagnostic={0x7C8}, clock=lambda: self.t_ns,
        )  # fmt: skip
        self.told, self.status = HandWriter[VehicleReport](), HandWriter[SupervisorReport]()
        self.parts = Parts(
            SupervisorCore(profile="r171", board_id=1), bus, VehicleReceiver(), self.vision, self.reader, self.told,
            self.status, cpus=(3,),
        )  # fmt: skip
        self.loop: SupervisorLoop | None = None

    def diagnostics(self) -> Diagnostics:
        bus = self.parts.bus
        made = Diagnostics(
            FrameTransport(bus.send_diagnostic), Identity(board="host", frame_period_ms=33.3), MemoryKeeper(),
            started_ns=_T, clock=lambda: self.t_ns,
        )  # fmt: skip
        self.parts.diagnostics = made
        return made

    def _become(self, cpus: tuple[int, ...]) -> list[str]:
        self.realtime.append(tuple(cpus))
        return ["wings", "luck"]

    def _sleep(self, until_ns: int) -> None:
        self.t_ns = max(self.t_ns, until_ns) + self.late_ns.get(self.sleeps, 0)
        self.sleeps += 1
        self.listened.append(self.t_ns)
        if self.vision.pid:
            driver = DriverState(self.t_ns, self.t_ns // NS_PER_MS, active=True)
            self.reader.report = VisionReport(self.t_ns, self.vision.pid, self.t_ns, Cause.NONE, driver=driver)
        if self.vision.done and self.vision.done[-1] == "terminate":
            self.vision.end(0)

    def run(self, seconds: float, **more: bool) -> int:
        self.loop = SupervisorLoop(self.parts, duration_ns=round(seconds * NS_PER_S), **more)
        return self.loop.run()

    def frames(self, name: str) -> list[Decoded]:
        decoded = [decode(frame) for frame in self.port.written]
        return [frame for frame in decoded if frame is not None and frame.name == name]


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> _Rig:
    return _Rig(monkeypatch)


def test_a_run_sends_every_slot_and_ends_in_order_after_its_duration(rig: _Rig) -> None:
    assert rig.run(2.0) == 0
    states = [SystemState(int(frame.values["SystemState"] or 0)) for frame in rig.frames("DMS_Status")]
    # from 0 s to 2 s: 41 slots, and those in which vision ends
    assert states[0] is SystemState.INIT
    assert set(states[3:41]) == {SystemState.ACTIVE}
    assert set(states[41:]) == {SystemState.STANDBY}
    assert 1 <= len(states[41:]) <= 3
    assert rig.vision.done == ["start", "terminate"]
    assert [frame.counter for frame in rig.frames("DMS_Status")[:17]] == [k % 16 for k in range(17)]
    assert rig.realtime == [(3,)], "once, after the first slot"
    assert rig.said == ["works with more jitter: no wings and no luck"]
    last = rig.status.written[-1]
    assert (last.finished, last.exit_status, last.pid, last.slots_missed, last.restarts) == (True, 0, os.getpid(), 0, 0)
    assert last.frames_sent == len(rig.port.written)
    assert not rig.status.written[-2].finished
    assert rig.loop is not None
    assert not rig.loop.start_again


def test_between_the_slots_it_listens_every_ten_milliseconds(rig: _Rig) -> None:
    rig.run(0.5)
    assert {(t_ns - _T) % LISTEN_EVERY_NS for t_ns in rig.listened} == {0}
    gaps = {b - a for a, b in zip(rig.listened, rig.listened[1:], strict=False)}
    assert gaps == {LISTEN_EVERY_NS}


def test_a_late_slot_is_left_out_and_counted(rig: _Rig) -> None:
    rig.late_ns = {22: 2 * SLOT_NS}
    rig.run(1.0)
    last = rig.status.written[-1]
    assert last.slots_missed == 2
    assert len(rig.frames("DMS_Status")) == len(rig.status.written)


def test_a_car_is_driven_with_the_loop(rig: _Rig) -> None:
    car = rig.parts.vehicle = _Car()
    rig.run(0.5)
    assert car.steps >= 50


def test_vision_is_told_what_the_vehicle_says_and_when_its_pictures_went_out(rig: _Rig) -> None:
    encoder = Encoder()
    rig.port.arriving.append(encoder.encode("VEH_Input", {"Speed": 42.0, "Ignition": 1}))
    rig.run(0.5)
    assert any(report.signals.speed_kph == 42.0 for report in rig.told.written)
    newest = rig.told.written[-1]
    assert newest.baseline is None
    assert len(newest.sends) > 3
    stamp = newest.sends[-1]
    assert 0 <= stamp.sent_ns - stamp.exposure_ns <= SLOT_NS


def test_a_stop_that_was_asked_for_is_no_end_by_itself(rig: _Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = _Manager()
    rig.parts.systemd = manager
    loop = SupervisorLoop(rig.parts)
    stop_ns = _T + NS_PER_S
    sleep = rig._sleep

    def sleep_and_stop(until_ns: int) -> None:
        sleep(until_ns)
        if rig.t_ns >= stop_ns:
            loop.request_stop()

    monkeypatch.setattr(loop_module, "sleep_until_ns", sleep_and_stop)
    assert loop.run() == 0
    assert not rig.status.written[-1].finished
    assert manager.stops == 1
    assert manager.lines[:2] == ["Init, cause Starting", "Active, cause None"]


def test_the_box_and_the_jitter_are_looked_at_once_a_second(rig: _Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    class Reader:
        def read(self) -> BoxCondition:
            looked.append(rig.t_ns)
            return BoxCondition(50.0, False, True)

    monkeypatch.setattr(loop_module, "BoxHealthReader", Reader)
    rig.late_ns = dict.fromkeys(range(4, 200, 5), 7 * NS_PER_MS)
    rig.run(2.5)
    assert [round((t_ns - _T) / NS_PER_S, 1) for t_ns in looked] == [0.0, 1.0, 2.0]
    health = [frame.values["UnderVoltage"] for frame in rig.frames("DMS_Health")]
    assert health == [0, 1, 1]
    assert rig.status.written[-1].cycle_jitter_p99_ms == pytest.approx(7.0, abs=3.0)


def test_a_tester_is_answered_and_reads_what_is_now(rig: _Rig) -> None:
    diagnostics = rig.diagnostics()
    rig.port.arriving.append(CanFrame(_REQUEST, bytes.fromhex("0322FD00CCCCCCCC")))
    rig.run(1.0)
    answers = [frame.data.hex() for frame in rig.port.written if frame.id == 0x7C8]
    assert len(answers) == 1
    assert answers[0].startswith("0762fd00")
    view = diagnostics.view
    assert (view.state, view.cause, view.slots_missed, view.restarts) == (SystemState.ACTIVE, Cause.NONE, 0, 0)
    assert view.frames_sent > 60
    assert (view.send_failures, view.bus_off_count, view.overruns) == (0, 0, 0)
    assert view.report is not None
    assert view.report.exposure_ns == view.t_ns
    assert view.bus is rig.parts.bus.stats


def test_a_soft_reset_starts_vision_anew_and_a_hard_one_the_unit(rig: _Rig) -> None:
    rig.diagnostics()
    rig.port.arriving += [
        CanFrame(_REQUEST, bytes.fromhex("021003CCCCCCCCCC")), CanFrame(_REQUEST, bytes.fromhex("021103CCCCCCCCCC")),
    ]  # fmt: skip
    assert rig.run(1.0) == 0
    assert rig.said[1:] == ["a tester asked for vision to be started anew"]
    assert rig.vision.starts == 2
    assert rig.loop is not None
    assert not rig.loop.start_again


def test_a_hard_reset_ends_the_run_to_begin_anew(rig: _Rig) -> None:
    rig.diagnostics()
    rig.port.arriving += [
        CanFrame(_REQUEST, bytes.fromhex("021003CCCCCCCCCC")), CanFrame(_REQUEST, bytes.fromhex("021101CCCCCCCCCC")),
    ]  # fmt: skip
    assert rig.run(100.0) == 0
    assert rig.said[1:] == ["a tester asked for a reset of the unit"]
    assert rig.t_ns - _T < 2 * NS_PER_S
    assert rig.loop is not None
    assert rig.loop.start_again
    assert not rig.status.written[-1].finished


def test_a_reset_of_the_baseline_reaches_vision(rig: _Rig) -> None:
    diagnostics = rig.diagnostics()
    diagnostics._wishes.baseline_resets = 3
    rig.run(0.3)
    assert {report.baseline_resets for report in rig.told.written[1:]} == {3}


class _Ladder(Restarter):
    def __init__(self) -> None:
        super().__init__(None, None, None)
        self.asked_ns: list[int] = []

    def step(self, restarts: int, failures: int, fault: bool, well: bool, t_ns: int) -> Rung:
        self.asked_ns.append(t_ns)
        return Rung.NONE


def test_in_an_ordered_end_no_more_than_vision_is_restarted(rig: _Rig) -> None:
    ladder = rig.parts.restarter = _Ladder()
    rig.run(1.0)
    assert ladder.asked_ns == [_T + slot * SLOT_NS for slot in range(21)]
