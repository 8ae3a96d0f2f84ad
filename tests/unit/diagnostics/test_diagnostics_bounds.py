"""Diagnostics right at their bounds: debouncing, time-outs, routines, security, what is read, kept and provisioned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from garage import START_NS, Garage, SlowKeeper

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.outputs import BoxCondition
from watchkeeper.supervisor.uds.dtc import DtcStore, Snapshot
from watchkeeper.supervisor.uds.keeper import FileKeeper
from watchkeeper.supervisor.uds.memory import DiagnosticMemory
from watchkeeper.supervisor.uds.setup import DiagnosticsSetup, _serial
from watchkeeper.supervisor.uds.state_file import SIZE_MAX
from watchkeeper.supervisor.uds.troubles import BY_NAME
from watchkeeper.supervisor.uds.unit import UnitView
from watchkeeper.types import Cause, DriverState, SystemState, VehicleReport, VehicleSignals, VisionReport

_MS, _S = NS_PER_MS, NS_PER_S
_SUPPLY = BY_NAME[Cause.UNDER_VOLTAGE].code  # fails after 0.5 s, passes after 2 s
_FAILED, _CONFIRMED = 0x01, 0x08


# --- trouble codes ----------------------------------------------------------------------------------------------------


def _told(store: DtcStore, there: bool, t_ns: int) -> bool:
    store.report(Cause.UNDER_VOLTAGE, there, t_ns, Snapshot())
    return bool(store.records[_SUPPLY].status & _FAILED)


def test_a_test_fails_and_passes_when_its_time_is_over() -> None:
    store, t_ns = DtcStore(), 40 * _S
    assert [_told(store, True, t_ns + off_ns) for off_ns in (0, 500 * _MS - 1, 500 * _MS)] == [False, False, True]
    t_ns += _S
    assert [_told(store, False, t_ns + off_ns) for off_ns in (0, 2 * _S - 1, 2 * _S)] == [True, True, False]
    t_ns += 10 * _S
    assert not _told(store, True, t_ns), "there anew: from the beginning"
    assert not _told(store, False, t_ns + 400 * _MS)
    assert not _told(store, True, t_ns + 500 * _MS)
    assert not _told(store, True, t_ns + 1000 * _MS - 1)
    assert _told(store, True, t_ns + 1000 * _MS)


def test_every_change_worth_keeping_is_another_revision() -> None:
    store, t_ns, seen = DtcStore(), 40 * _S, []
    for there, after_ms in (
        (True, 0),
        (True, 600),
        (True, 700),
        (False, 800),
        (False, 3000),
        (True, 3100),
        (True, 3700),
    ):
        _told(store, there, t_ns + after_ms * _MS)
        seen.append(store.revision)
    assert seen == [0, 1, 1, 1, 2, 2, 3]
    store.begin_cycle()
    assert (store.revision, store.cycle) == (4, 1)
    store.clear()
    store.clear()
    assert store.revision == 5, "cleared once: the second time there was nothing"


def test_occurrences_stop_at_255() -> None:
    store = DtcStore()
    for k in range(300):
        _told(store, True, 2 * k * 4 * _S)
        _told(store, True, 2 * k * 4 * _S + _S)
        _told(store, False, (2 * k + 1) * 4 * _S)
        _told(store, False, (2 * k + 1) * 4 * _S + 3 * _S)
        if k in (0, 253, 254):
            assert store.records[_SUPPLY].occurrences == k + 1
    assert store.records[_SUPPLY].occurrences == 255


def test_a_code_is_forgotten_after_forty_good_cycles_in_a_row() -> None:
    store = DtcStore()
    _told(store, True, 0)
    assert _told(store, True, _S)
    store.begin_cycle()
    for cycle in range(40):
        assert store.records[_SUPPLY].status & _CONFIRMED, cycle
        assert store.records[_SUPPLY].aging == cycle
        _told(store, False, 0)
        _told(store, False, 2 * _S)
        store.begin_cycle()
        if cycle == 10:
            store.begin_cycle()  # one in which nothing was tested counts neither way
    record = store.records[_SUPPLY]
    assert (record.status & _CONFIRMED, record.aging, record.first, record.latest) == (0, 0, None, None)


def _plain(**changes: Any) -> dict[str, Any]:
    first = {"cause": 0, "state": 0, "frame_age_ms": 0, "temperature_c": 0, "uptime_s": 0, "cycle": 0, **changes}
    record = {"status": 8, "occurrences": 1, "aging": 0, "first": first, "latest": None}
    return {"cycle": 1, "records": {f"{_SUPPLY:06X}": record}}


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("cause", 2**32 - 1, True), ("cause", 2**32, False), ("cause", -1, False), ("cause", None, False),
        ("uptime_s", None, False), ("frame_age_ms", None, True), ("frame_age_ms", -1, False),
        ("temperature_c", None, True), ("temperature_c", -1000, True), ("temperature_c", -1001, False),
        ("state", True, False),
    ],
)  # fmt: skip
def test_a_kept_snapshot_is_of_numbers(name: str, value: object, taken: bool) -> None:
    store = DtcStore()
    if taken:
        store.load(_plain(**{name: value}))
        assert getattr(store.records[_SUPPLY].first, name) == value
    else:
        with pytest.raises(ValueError, match="whole number"):
            store.load(_plain(**{name: value}))


@pytest.mark.parametrize(
    ("field", "highest"), [("status", 0xFF), ("occurrences", 255), ("aging", 40), ("cycle", 2**32 - 1)]
)
def test_kept_counters_have_their_bounds(field: str, highest: int) -> None:
    for value, taken in ((0, True), (highest, True), (highest + 1, False), (-1, False)):
        store, plain = DtcStore(), _plain()
        (plain if field == "cycle" else plain["records"][f"{_SUPPLY:06X}"])[field] = value
        if taken:
            store.load(plain)
            assert (store.cycle if field == "cycle" else getattr(store.records[_SUPPLY], field)) == value
        else:
            with pytest.raises(ValueError, match=f"from 0 to {highest}"):
                store.load(plain)


# --- sessions, pending, security --------------------------------------------------------------------------------------


def test_a_session_lasts_five_seconds_to_the_nanosecond() -> None:
    for after_ns, session in ((5 * _S, "03"), (5 * _S + 1, "01")):
        garage = Garage().extended()
        garage.t_ns += after_ns
        assert garage.ask("22 F1 86") == f"62 F1 86 {session}"


def test_pending_is_said_after_thirty_milliseconds_and_every_two_seconds_and_given_up_after_four() -> None:
    garage = Garage(keeper=SlowKeeper())
    assert garage.ask("14 FF FF FF") is None
    begun_ns, said = garage.t_ns, {}
    for after_ns in (30 * _MS - 1, 30 * _MS, 2030 * _MS - 1, 2030 * _MS, 4 * _S, 4 * _S + 1):
        garage.t_ns = begun_ns + after_ns
        said[after_ns] = garage.later()
    pending = "7F 14 78"
    assert list(said.values()) == [None, pending, None, pending, None, "7F 14 72"]


def test_the_lock_out_lasts_ten_seconds_to_the_nanosecond() -> None:
    garage = Garage().extended()
    for _ in range(3):
        garage.ask("27 01")
        garage.ask("27 02" + "00" * 16)
    locked_ns = garage.t_ns
    for after_ns in (4 * _S, 8 * _S):
        garage.t_ns = locked_ns + after_ns
        garage.ask("3E 80")
    garage.t_ns = locked_ns + 10 * _S - 1
    assert garage.ask("27 01") == "7F 27 37"
    garage.t_ns += 1
    assert (garage.ask("27 01") or "").startswith("67 01")


def test_attempts_that_are_counted_stop_at_255() -> None:
    garage = Garage().extended()
    garage.diagnostics.memory.failed_attempts = 255
    garage.ask("27 01")
    assert garage.ask("27 02" + "00" * 16) == "7F 27 36"
    assert garage.diagnostics.memory.failed_attempts == 255


# --- routines ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("judged", "outcome"), [(31, "01"), (30, "02")])
def test_a_camera_test_wants_half_of_the_boards_pictures(judged: int, outcome: str) -> None:
    garage = Garage().unlocked()  # 33.3 ms each: 60.06 in two seconds
    garage.show(SystemState.ACTIVE)
    garage.picture(100)
    garage.ask("31 01 02 10")
    garage.picture(100 + judged)
    garage.diagnostics.observe(garage.t_ns + 2 * _S - 1, judging=True)
    assert (garage.ask("31 03 02 10") or "").startswith("71 03 02 10 00")
    garage.diagnostics.observe(garage.t_ns + 2 * _S, judging=True)
    assert (garage.ask("31 03 02 10") or "").startswith(f"71 03 02 10 {outcome} 00 {judged:02X} 00 00")


def test_a_reset_of_the_baseline_waits_two_seconds_for_vision() -> None:
    garage = Garage().unlocked()
    garage.ask("31 01 02 11")
    garage.diagnostics.observe(garage.t_ns + 2 * _S - 1, judging=True)
    assert garage.ask("31 03 02 11") == "71 03 02 11 00"
    garage.diagnostics.observe(garage.t_ns + 2 * _S, judging=True)
    assert garage.ask("31 03 02 11") == "71 03 02 11 02"


@pytest.mark.parametrize("seconds", [1, 10])
def test_a_lamp_is_lit_for_its_time(seconds: int) -> None:
    garage = Garage().unlocked()
    assert garage.ask(f"31 01 02 12 01 {seconds:02X}") == "71 01 02 12 00"
    garage.diagnostics.observe(garage.t_ns + seconds * _S - 1, judging=True)
    assert garage.diagnostics.lamp_test == 1
    garage.diagnostics.observe(garage.t_ns + seconds * _S, judging=True)
    assert garage.diagnostics.lamp_test == 0
    assert garage.ask("31 03 02 12") == "71 03 02 12 01"


# --- what is read -----------------------------------------------------------------------------------------------------


def test_the_box_the_contract_and_the_counts_as_bytes() -> None:
    garage = Garage()
    view = garage.view
    for box, said in (
        (BoxCondition(61.4, False, False), "65 00"), (BoxCondition(-41.0, True, False), "00 01"),
        (BoxCondition(400.0, False, True), "FE 02"), (BoxCondition(None, True, True), "FF 03"),
    ):  # fmt: skip
        view.box = box
        assert garage.ask("22 FD 06") == f"62 FD 06 {said}"
    assert (garage.ask("22 FD 07") or "").endswith("03 A0 00 01")
    garage.ask("00")
    view.requests, view.refusals, view.transport_errors = 7, 2, 3
    assert garage.ask("22 FD 09") == "62 FD 09 00 00 00 07 00 00 00 02 00 00 00 03"
    view.t_ns = START_NS + 70 * _S
    assert garage.ask("22 FD 0A") == "62 FD 0A 00 00 00 46 00 00 00 01"
    view.vehicle_t_ns, view.vehicle_rejected, view.speed_kph = view.t_ns - 300 * _MS, 9, 655.35
    assert garage.ask("22 FD 08") == "62 FD 08 FF FE 00 00 01 2C 00 00 00 09"


@pytest.mark.parametrize(("count", "response"), [(1, "62"), (16, "62"), (17, "7F")])
def test_sixteen_identifiers_are_read_at_once(count: int, response: str) -> None:
    assert (Garage().ask("22" + " F1 86" * count) or "").startswith(response)


def test_what_the_vehicle_said_counts_for_half_a_second() -> None:
    view = UnitView()
    assert (view.standing, view.frame_age_ms) == (True, None)
    report = VehicleReport(10 * _S, VehicleSignals(3.0, ignition=True))
    view.vehicle(report, 4, 10 * _S + 500 * _MS)
    assert (view.speed_kph, view.ignition, view.standing, view.vehicle_rejected) == (3.0, True, True, 4)
    view.vehicle(report, 4, 10 * _S + 500 * _MS + 1)
    assert (view.speed_kph, view.ignition, view.standing, view.vehicle_t_ns) == (None, None, None, 10 * _S)
    view.vehicle(VehicleReport(), 0, 400 * _MS)
    assert view.speed_kph is None


def test_the_age_of_a_picture_is_whole_milliseconds_and_never_negative() -> None:
    view = UnitView(t_ns=10 * _S, started_ns=4 * _S + 1)
    view.report = VisionReport(10 * _S, 7, 9 * _S + 1, Cause.NONE, driver=DriverState(9 * _S))
    assert view.frame_age_ms == 999
    view.report = VisionReport(10 * _S, 7, 10 * _S + 5 * _MS, Cause.NONE, driver=DriverState(9 * _S))
    assert view.frame_age_ms == 0
    view.box = BoxCondition(61.5)
    snapshot = view.snapshot(3)
    assert (snapshot.uptime_s, snapshot.temperature_c, snapshot.frame_age_ms, snapshot.cycle) == (5, 62, 0, 3)


# --- what is kept and provisioned -------------------------------------------------------------------------------------


class _Busy(SlowKeeper):
    """Takes nothing until told to."""

    takes = False

    def put(self, content: bytes, t_ns: int) -> int | None:
        return super().put(content, t_ns) if self.takes else None


def test_a_busy_writer_is_asked_again_after_a_tenth_of_a_second_and_a_ready_one_after_ten_seconds() -> None:
    keeper = _Busy()
    memory, t_ns = DiagnosticMemory(keeper), 50 * _S
    memory.step(t_ns)
    keeper.takes = True
    memory.step(t_ns + 100 * _MS - 1)
    assert keeper.contents == []
    memory.step(t_ns + 100 * _MS)
    assert len(keeper.contents) == 1
    memory.changed()
    memory.step(t_ns + 100 * _MS + 10 * _S - 1)
    assert len(keeper.contents) == 1
    memory.step(t_ns + 100 * _MS + 10 * _S)
    assert len(keeper.contents) == 2
    memory.step(t_ns + 100 * _S)
    assert len(keeper.contents) == 2, "nothing changed"


def test_a_content_may_be_as_large_as_one_datagram(tmp_path: Path) -> None:
    keeper = FileKeeper(tmp_path / "diagnostics", lambda _text: None)
    try:
        assert keeper.put(bytes(SIZE_MAX + 1), 0) is None
        assert keeper.put(bytes(SIZE_MAX), 0) == 1
    finally:
        keeper.close()
    assert keeper.load() == [bytes(SIZE_MAX)]


def test_the_bus_receives_requests_where_the_kernel_does_not_take_them() -> None:
    assert DiagnosticsSetup("virtual:requests").receive_ids == (0x7C0, 0x7DF)


@pytest.mark.parametrize(("text", "good"), [("A" * 32, True), ("A" * 33, False), ("a\tb", False), ("\u00b0", False)])
def test_a_serial_number_has_32_printable_characters_at_most(text: str, good: bool, tmp_path: Path) -> None:
    (tmp_path / "unit.serial").write_text(text)
    if good:
        assert _serial(tmp_path) == text
    else:
        with pytest.raises(BadInputError, match="1 to 32 printable"):
            _serial(tmp_path)
