"""Trouble codes: status bits over time, cycles, aging, snapshots, what is kept."""

from __future__ import annotations

import json

import pytest
from garage import START_NS, Garage

from watchkeeper.clock import NS_PER_S
from watchkeeper.supervisor.outputs import BoxCondition
from watchkeeper.supervisor.uds.dtc import AGED_AFTER, DtcStore, Record, Snapshot
from watchkeeper.supervisor.uds.troubles import BUS_OFF, BUS_STUCK, BY_NAME, STATE_LOST, TROUBLES
from watchkeeper.types import Cause, SystemState

_LOST, _SPEED = BY_NAME[Cause.CAMERA_LOST].code, BY_NAME[Cause.SPEED_MISSING].code


def _status(garage: Garage, code: int) -> int:
    return garage.dtcs.records[code].status


def test_the_table_is_sound() -> None:
    assert len({trouble.code for trouble in TROUBLES}) == len({trouble.name for trouble in TROUBLES}) == len(TROUBLES)
    assert [BY_NAME[name].label for name in (Cause.CAMERA_LOST, Cause.SPEED_MISSING, BUS_OFF, STATE_LOST)] == [
        "B1A04-31", "B1A10-87", "U0073-88", "B1A40-46",
    ]  # fmt: skip
    # ordinary life has no code; everything else on the bus has one
    ordinary = {Cause.NONE, Cause.STARTING, Cause.ENGINE_BUILD, Cause.CALIBRATING, Cause.TOO_DARK, Cause.TOO_BRIGHT,
                Cause.NO_FACE, Cause.EYES_HIDDEN, Cause.BUS_RECOVERED}  # fmt: skip
    assert set(Cause) - set(BY_NAME) == ordinary


def test_a_failure_from_first_sight_to_healing() -> None:
    garage = Garage()
    assert _status(garage, _LOST) == 0x50, "nothing tested yet"
    garage.show(SystemState.ACTIVE)
    garage.wait(1.9)
    assert _status(garage, _LOST) == 0x50, "not away long enough to say so"
    garage.wait(0.3)
    assert _status(garage, _LOST) == 0x00
    garage.show(SystemState.UNAVAILABLE, Cause.CAMERA_LOST)
    garage.wait(0.05)
    assert _status(garage, _LOST) == 0xAF, "failed, this cycle, pending, confirmed, since clear, tell-tale"
    assert garage.ask("19 02 08") == "59 02 FF 9A 04 31 AF"
    assert garage.ask("19 01 01") == "59 01 FF 01 00 01"
    garage.show(SystemState.ACTIVE)
    garage.wait(2.2)
    assert _status(garage, _LOST) == 0x2E, "healed, still confirmed"
    assert garage.dtcs.records[_LOST].occurrences == 1


def test_debounce_of_a_slow_trouble() -> None:
    garage = Garage()
    for seconds, failed in ((1.9, False), (2.1, True)):
        garage.show(SystemState.DEGRADED, Cause.SPEED_MISSING)
        garage.wait(seconds)
        assert bool(_status(garage, _SPEED) & 0x08) is failed
        garage.show(SystemState.ACTIVE)
        garage.wait(0.1)


def test_what_cannot_be_told_is_not_tested() -> None:
    garage = Garage()
    garage.show(SystemState.INIT, Cause.STARTING)
    garage.wait(3)
    assert _status(garage, _LOST) == 0x50
    garage.show(SystemState.DEGRADED, Cause.NO_FACE)  # hides perception's other causes, not the supervisor's own
    garage.wait(3)
    assert _status(garage, _LOST) == 0x00
    assert _status(garage, _SPEED) == 0x50


def test_switched_off_nothing_is_noted() -> None:
    garage = Garage().extended()
    garage.ask("85 02")
    garage.show(SystemState.UNAVAILABLE, Cause.CAMERA_LOST)
    garage.wait(1)
    assert _status(garage, _LOST) == 0x50
    garage.ask("85 01")
    garage.wait(0.1)
    assert _status(garage, _LOST) == 0xAF


def test_clearing_and_failing_anew() -> None:
    garage = Garage()
    garage.show(SystemState.UNAVAILABLE, Cause.CAMERA_LOST)
    garage.wait(0.1)
    assert garage.ask("14 9A 04 31") == "54"
    assert garage.dtcs.records[_LOST] == Record()
    garage.wait(0.1)
    assert _status(garage, _LOST) == 0xAF


def test_cycles_take_pending_away_and_age_a_confirmed_code() -> None:
    store = DtcStore()
    store.report(Cause.CAMERA_LOST, True, 0, Snapshot())
    for cycle in range(AGED_AFTER):
        store.begin_cycle()
        record = store.records[_LOST]
        assert record.status & 0x08, cycle
        assert not record.status & 0x83
        assert bool(record.status & 0x04) is (cycle < 1), "pending until a whole cycle went well"
        store.report(Cause.CAMERA_LOST, False, 0, Snapshot())
        store.report(Cause.CAMERA_LOST, False, 3 * NS_PER_S, Snapshot())
    store.begin_cycle()
    assert not store.records[_LOST].status & 0x08
    assert store.records[_LOST].first is None


def test_a_cycle_without_a_test_does_not_age() -> None:
    store = DtcStore()
    store.report(Cause.CAMERA_LOST, True, 0, Snapshot())
    for _ in range(100):
        store.begin_cycle()
    assert store.records[_LOST].status & 0x0C == 0x0C


def test_ignition_begins_a_cycle() -> None:
    garage = Garage()
    first = garage.dtcs.cycle
    for ignition, cycles in ((None, 0), (True, 0), (False, 0), (None, 0), (True, 1), (True, 1)):
        garage.view.ignition = ignition
        garage.wait(0.1)
        assert garage.dtcs.cycle == first + cycles


def test_snapshots_of_the_first_and_of_the_newest_failure() -> None:
    garage = Garage()
    garage.view.box = BoxCondition(temperature_c=41.6)
    garage.wait(10)
    garage.picture(5)
    garage.show(SystemState.UNAVAILABLE, Cause.CAMERA_LOST)
    garage.wait(0.1, step_ms=100)
    garage.show(SystemState.ACTIVE)
    garage.view.report = None
    garage.view.box = BoxCondition()
    garage.wait(3)
    garage.show(SystemState.UNAVAILABLE, Cause.CAMERA_LOST)
    garage.wait(0.1, step_ms=100)
    assert garage.ask("19 03") == "59 03 9A 04 31 01 9A 04 31 02"
    first = "01 06 FD 20 04 FD 21 04 FD 22 00 00 00 78 FD 23 52 FD 24 00 00 00 0A FD 25 00 00 00 01"
    newest = "02 06 FD 20 04 FD 21 04 FD 22 FF FF FF FF FD 23 FF FD 24 00 00 00 0D FD 25 00 00 00 01"
    assert garage.ask("19 04 9A 04 31 01") == f"59 04 9A 04 31 AF {first}"
    assert garage.ask("19 04 9A 04 31 FF") == f"59 04 9A 04 31 AF {first} {newest}"
    assert garage.ask("19 06 9A 04 31 01") == "59 06 9A 04 31 AF 01 02"


def test_bus_off_and_a_stuck_bus() -> None:
    garage = Garage()
    garage.show(SystemState.ACTIVE)
    off, stuck = BY_NAME[BUS_OFF].code, BY_NAME[BUS_STUCK].code
    garage.wait(2.2)
    assert (_status(garage, off), _status(garage, stuck)) == (0, 0)
    garage.view.bus_off_count = 1
    for _ in range(12):  # slots in which nothing leaves
        garage.t_ns += NS_PER_S // 20
        garage.diagnostics.observe(garage.t_ns, judging=True)
    assert (_status(garage, off), _status(garage, stuck)) == (0x2F, 0x2F)
    garage.wait(2.2)
    assert (_status(garage, off), _status(garage, stuck)) == (0x2E, 0x2E)


def test_an_ordered_end_judges_nothing() -> None:
    garage = Garage()
    garage.show(SystemState.FAULT, Cause.CONFIG_INVALID)
    garage.diagnostics.observe(START_NS + NS_PER_S, judging=False)
    assert garage.dtcs.matching(0x08) == []


def test_what_is_kept_comes_back_and_is_only_numbers() -> None:
    garage = Garage()
    garage.picture(5)
    garage.show(SystemState.UNAVAILABLE, Cause.CAMERA_LOST)
    garage.wait(0.1)
    plain = json.loads(json.dumps(garage.dtcs.to_plain()))
    assert set(plain["records"]["9A0431"]["first"]) == {
        "cause", "state", "frame_age_ms", "temperature_c", "uptime_s", "cycle",
    }  # fmt: skip
    again = DtcStore()
    again.load(plain)
    assert again.records == garage.dtcs.records
    assert again.cycle == garage.dtcs.cycle


@pytest.mark.parametrize("spoil", [
    {"cycle": -1}, {"cycle": True}, {"records": {"9A0431": {}}}, {"records": []}, {"records": {"zz": {}}},
    {"records": {"9A0431": {"status": 256, "occurrences": 0, "aging": 0, "first": None, "latest": None}}},
    {"records": {"9A0431": {"status": 1, "occurrences": 0, "aging": 0, "first": {"cause": "x"}, "latest": None}}},
])  # fmt: skip
def test_kept_nonsense_changes_nothing(spoil: dict[str, object]) -> None:
    store = DtcStore()
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        store.load({"cycle": 3, "records": {}, **spoil})
    assert (store.cycle, store.records) == (0, DtcStore().records)


def test_a_code_of_a_later_version_is_left_out() -> None:
    store = DtcStore()
    plain = {"status": 8, "occurrences": 1, "aging": 0, "first": None, "latest": None}
    store.load({"cycle": 3, "records": {"ABCDEF": plain, "9A0431": plain}})
    assert store.matching(0x08) == [(_LOST, 8)]
