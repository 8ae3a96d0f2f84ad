"""Diagnostics as the supervisor's loop calls it: requests off the bus, answers in time, what outlives the run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from garage import IDENTITY, Garage, SlowKeeper

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.outputs import BoxCondition
from watchkeeper.supervisor.uds.memory import LAZY_NS
from watchkeeper.supervisor.uds.unit import UnitView
from watchkeeper.types import Cause, DriverState, SystemState, VehicleReport, VehicleSignals, VisionReport

_REQUEST, _FUNCTIONAL = 0x7C0, 0x7DF


def _listen(garage: Garage, *requests: str, can_id: int = _REQUEST, slack_ms: int = 40) -> list[str]:
    """Single-frame requests off the bus, `slack_ms` before the next slot; what went out, without padding."""
    frames = [CanFrame(can_id, bytes((len(bytes.fromhex(r)),)) + bytes.fromhex(r)) for r in requests]
    before = len(garage.sent)
    garage.diagnostics.listen(frames, garage.t_ns, garage.t_ns + slack_ms * NS_PER_MS)
    return [frame.data[1 : 1 + frame.data[0]].hex(" ").upper() for frame in garage.sent[before:]]


def test_requests_are_answered_one_after_the_other_before_the_slot() -> None:
    garage = Garage()
    assert _listen(garage, "3E 00", "22 F1 86") == ["7E 00", "62 F1 86 01"]
    assert (garage.view.requests, garage.view.refusals) == (2, 0)
    assert _listen(garage, "3E 00", can_id=_FUNCTIONAL) == ["7E 00"]
    assert _listen(garage) == []


def test_short_before_a_slot_nothing_is_begun() -> None:
    garage = Garage()
    assert _listen(garage, "3E 00", slack_ms=2) == []
    assert _listen(garage, slack_ms=2) == []
    assert _listen(garage, slack_ms=3) == ["7E 00"]


def test_a_flood_loses_the_newest() -> None:
    garage = Garage()
    assert _listen(garage, *["3E 00"] * 30, slack_ms=2) == []
    assert len(_listen(garage)) == 16


def test_a_restart_waits_until_its_answer_has_left() -> None:
    garage = Garage().extended()
    garage.taken = False
    _listen(garage, "11 01")
    assert garage.diagnostics.take_restarts() == (False, False)
    garage.taken = True
    assert _listen(garage) == ["51 01"]
    assert garage.diagnostics.take_restarts() == (False, True)
    assert garage.diagnostics.take_restarts() == (False, False), "once"
    garage.extended()
    assert _listen(garage, "11 03") == ["51 03"]
    assert garage.diagnostics.take_restarts() == (True, False)


def test_temperature_flags_and_uptime_are_read() -> None:
    garage = Garage()
    for throttled, under_voltage, flags in [(False, False, 0), (True, False, 1), (False, True, 2), (True, True, 3)]:
        garage.view.box = BoxCondition(temperature_c=25.0, throttled=throttled, under_voltage=under_voltage)
        assert garage.ask("22 FD 06") == f"62 FD 06 41 0{flags}"
    garage.view.t_ns = garage.view.started_ns + 258 * NS_PER_S
    assert garage.ask("22 FD 0A") == "62 FD 0A 00 00 01 02 00 00 00 01"


def test_what_the_vehicle_said_is_fresh_for_half_a_second() -> None:
    view = UnitView()
    said = VehicleReport(NS_PER_S, VehicleSignals(speed_kph=50.0, ignition=True))
    view.vehicle(said, 3, NS_PER_S + 500 * NS_PER_MS)
    assert (view.speed_kph, view.ignition, view.speed_seen, view.standing) == (50.0, True, True, False)
    assert (view.vehicle_t_ns, view.vehicle_rejected) == (NS_PER_S, 3)
    view.vehicle(said, 4, NS_PER_S + 500 * NS_PER_MS + 1)
    assert (view.speed_kph, view.ignition, view.speed_seen, view.standing) == (None, None, True, None)
    assert UnitView().standing is True, "a bench without a vehicle stands"
    never = UnitView()
    never.vehicle(VehicleReport(), 0, 100)
    assert (never.speed_kph, never.speed_seen) == (None, False)


def test_a_snapshot_saturates() -> None:
    view = UnitView(t_ns=2**32 * NS_PER_MS + NS_PER_S)
    view.report = VisionReport(0, 1, exposure_ns=1, driver=DriverState(1))
    assert view.snapshot(1).frame_age_ms == 2**32 - 1


def test_attempts_are_counted_in_one_byte() -> None:
    garage = Garage().extended()
    garage.diagnostics.memory.failed_attempts = 255
    garage.ask("27 01")
    garage.ask("27 02" + "00" * 16)
    assert garage.diagnostics.memory.failed_attempts == 255


def test_a_camera_slower_than_the_test_passes_with_one_picture() -> None:
    garage = Garage(replace(IDENTITY, frame_period_ms=3000.0)).unlocked()
    garage.show(SystemState.ACTIVE)
    garage.picture(100)
    garage.ask("31 01 02 10")
    garage.picture(101)
    garage.wait(2.1)
    assert (garage.ask("31 03 02 10") or "")[:14] == "71 03 02 10 01"
    garage.ask("31 01 02 10")
    garage.wait(2.1)
    assert (garage.ask("31 03 02 10") or "")[:14] == "71 03 02 10 02", "none"


def test_a_trouble_that_came_and_went_between_two_writes_is_written() -> None:
    keeper = SlowKeeper()
    garage = Garage(keeper=keeper)
    garage.show(SystemState.ACTIVE)
    garage.wait(3)
    garage.show(SystemState.UNAVAILABLE, Cause.CAMERA_LOST)
    garage.wait(LAZY_NS / NS_PER_S + 1)
    before = len(keeper.contents)
    garage.show(SystemState.ACTIVE)
    garage.wait(4)
    garage.show(SystemState.UNAVAILABLE, Cause.CAMERA_LOST)
    garage.wait(2)
    garage.show(SystemState.ACTIVE)
    garage.wait(2 * LAZY_NS / NS_PER_S)
    assert len(keeper.contents) > before
    assert keeper.contents[-1] == garage.diagnostics.memory.content()


@pytest.mark.parametrize("changed", [False, True])
def test_the_end_hands_over_what_is_not_kept_yet_and_nothing_twice(changed: bool) -> None:
    keeper = SlowKeeper()
    garage = Garage(keeper=keeper)
    garage.wait(1)
    before = len(keeper.contents)
    if changed:
        garage.diagnostics.memory.vin = "WVWZZZ1KZAW000001"
        garage.diagnostics.memory.changed()
    garage.diagnostics.memory.close(garage.t_ns)
    assert len(keeper.contents) == before + changed
