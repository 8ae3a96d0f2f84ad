"""Diagnostics right at their bounds: time-outs, routines, security, what is read, kept and provisioned."""

from __future__ import annotations

from pathlib import Path

import pytest
from garage import START_NS, Garage, SlowKeeper

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.outputs import BoxCondition
from watchkeeper.supervisor.uds.keeper import FileKeeper
from watchkeeper.supervisor.uds.memory import DiagnosticMemory
from watchkeeper.supervisor.uds.setup import DiagnosticsSetup, _serial
from watchkeeper.supervisor.uds.state_file import SIZE_MAX
from watchkeeper.supervisor.uds.unit import UnitView
from watchkeeper.types import Cause, DriverState, SystemState, VehicleReport, VehicleSignals, VisionReport

_MS, _S = NS_PER_MS, NS_PER_S


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
