"""Every service of a real supervisor, asked by udsoncan, positive and negative."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tester import SERIAL, Unit, bus_for, client, connection
from udsoncan import Dtc
from udsoncan.client import Client
from udsoncan.connections import IsoTPSocketConnection
from udsoncan.exceptions import NegativeResponseException
from udsoncan.Request import Request
from udsoncan.Response import Response
from udsoncan.services.ReadDTCInformation import ReadDTCInformation
from udsoncan.services.ReadMemoryByAddress import ReadMemoryByAddress
from udsoncan.services.TesterPresent import TesterPresent

from watchkeeper import __version__
from watchkeeper.supervisor.candump import parse_line
from watchkeeper.supervisor.frames import decode
from watchkeeper.supervisor.uds.troubles import TROUBLES
from watchkeeper.types import SystemState

pytestmark = pytest.mark.faults
_VIN = "WVWZZZ1KZAW000001"
_UP = (SystemState.STANDBY, SystemState.ACTIVE)


@pytest.fixture(params=["can-isotp", "kernel", "can-isotp-on-socketcan"])
def garage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Unit, Client]]:
    kind: str = request.param
    bus = bus_for(kind, tmp_path)
    unit = Unit(bus, tmp_path)
    try:
        unit.until(lambda report: report.state in _UP)
        with connection("kernel" if kind == "kernel" else "can-isotp", bus) as link, client(link) as tester:
            yield unit, tester
    finally:
        unit.close()


def _refused(call: object, *arguments: object, **named: object) -> int:
    assert callable(call)
    with pytest.raises(NegativeResponseException) as caught:
        call(*arguments, **named)
    code = caught.value.response.code
    assert isinstance(code, int)
    return code


def _ok(response: Response | None) -> bool:
    return response is not None and response.positive


def _data(response: Response | None) -> Any:
    assert response is not None
    assert response.service_data is not None
    return response.service_data


def test_every_service(garage: tuple[Unit, Client]) -> None:
    unit, tester = garage
    _reading(tester)
    _trouble_codes(tester)
    assert _refused(tester.send_request, Request(ReadMemoryByAddress, data=bytes(3))) == 0x11
    assert _refused(tester.control_dtc_setting, 2) == 0x7F
    assert _refused(tester.ecu_reset, 1) == 0x7F
    assert _refused(tester.request_seed, 1) == 0x7F
    assert _refused(tester.change_session, 2) == 0x12
    session = _data(tester.change_session(3))
    assert (session.p2_server_max, session.p2_star_server_max) == (0.05, 5.0)
    assert _refused(tester.write_data_by_identifier, 0xF190, _VIN) == 0x33
    assert _refused(tester.start_routine, 0x0210) == 0x33
    assert _refused(tester.send_key, 2, bytes(16)) == 0x24
    assert _wrong_key(tester) == 0x35
    assert _ok(tester.unlock_security_access(1))
    _owed_answers(unit, tester)
    _writing(tester)
    _routines(tester)
    assert _ok(tester.control_dtc_setting(2))
    assert _ok(tester.control_dtc_setting(1))
    assert _refused(tester.control_dtc_setting, 3) == 0x12
    assert _refused(tester.control_dtc_setting, 2, b"\x00") == 0x31
    with tester.suppress_positive_response(wait_nrc=True):
        tester.tester_present()
    tester.tester_present()
    assert _refused(tester.send_request, Request(TesterPresent, subfunction=1)) == 0x12
    before = unit.until(lambda r: True)
    assert _ok(tester.ecu_reset(3))
    after = unit.until(lambda r: r.restarts == before.restarts + 1 and r.state in _UP)
    assert (after.pid, after.vision_pid != before.vision_pid) == (before.pid, True)
    _check_log(unit)  # a fresh run begins a fresh log
    tester.change_session(3)
    assert _ok(tester.ecu_reset(1))
    fresh = unit.until(lambda r: r.frames_sent < after.frames_sent and r.restarts == 0 and r.state in _UP)
    assert fresh.pid == after.pid, "begun anew in the same process"
    assert tester.read_data_by_identifier_first(0xF190) == _VIN, "kept over the reset"
    tester.change_session(3)
    assert [_wrong_key(tester) for _ in range(3)] == [0x35, 0x35, 0x36]
    assert _refused(tester.request_seed, 1) == 0x37, "locked out"


def _owed_answers(unit: Unit, tester: Client) -> None:
    """A disk that takes its time: response pending, busy to whoever asks meanwhile, then the answer; 0x72 where the
    disk never comes. The process that writes is stopped for it."""
    link = tester.conn
    write, who = b"\x2e\xf1\x90" + _VIN.encode()[:-1], b"\x22\xf1\x86"

    def answers(count: int) -> list[str]:
        return [(link.wait_frame(timeout=10, exception=True) or b"").hex() for _ in range(count)]

    with unit.disk_hung():
        link.send(write + b"2")
        assert answers(1) == ["7f2e78"]
        link.send(who)
        assert answers(1) == ["7f2221"]
    assert answers(1) == ["6ef190"]
    with unit.disk_hung():
        link.send(write + b"3")
        assert answers(3) == ["7f2e78", "7f2e78", "7f2e72"]


def test_functional_requests(garage: tuple[Unit, Client]) -> None:
    """0x7DF: answered like any other, but silent where another server may be meant."""
    unit, tester = garage
    kind = "kernel" if isinstance(tester.conn, IsoTPSocketConnection) else "can-isotp"
    tester.close()
    with connection(kind, unit.bus, request_id=0x7DF) as link, client(link) as everybody:
        everybody.tester_present()
        assert everybody.read_data_by_identifier_first(0xF186) == b"\x01", "a longer answer wants flow control on 0x7C0"
        for silent in (b"\x22\x12\x34", b"\x23\x00\x00\x00", b"\x10\x02"):
            link.send(silent)
            assert link.wait_frame(timeout=0.5) is None
        assert _refused(everybody.read_data_by_identifier, 0xF190) == 0x22


def _wrong_key(tester: Client) -> int:
    assert _ok(tester.request_seed(1))
    return _refused(tester.send_key, 2, bytes(16))


def _reading(tester: Client) -> None:
    assert tester.read_data_by_identifier_first(0xF189) == __version__
    assert tester.read_data_by_identifier_first(0xF18C) == SERIAL
    assert tester.read_data_by_identifier_first(0xF197) == "watchkeeper"
    everything = [0xF186, 0xF191, *range(0xFD00, 0xFD0B)]
    values = _data(tester.read_data_by_identifier(everything))  # longer than one frame
    counters = values.values[0xFD01]
    assert int.from_bytes(counters[4:8], "big") > 0, "pictures judged"
    assert _refused(tester.read_data_by_identifier, 0xF190) == 0x22
    tester.config["data_identifiers"][0x1234] = "B"
    assert _refused(tester.read_data_by_identifier, 0x1234) == 0x31


def _codes(response: Response | None) -> dict[int, Dtc]:
    return {dtc.id: dtc for dtc in _data(response).dtcs}


def _trouble_codes(tester: Client) -> None:
    supported = _codes(tester.get_supported_dtc())
    assert set(supported) == {trouble.code for trouble in TROUBLES}
    count = _data(tester.get_number_of_dtc_by_status_mask(0xFF))
    assert count.dtc_count in range(len(TROUBLES) + 1)
    assert not any(dtc.status.confirmed and dtc.id >> 8 != 0x9A10 for dtc in supported.values())
    assert _ok(tester.get_dtc_by_status_mask(0x08))
    assert _ok(tester.get_dtc_snapshot_identification())
    assert _refused(tester.get_dtc_snapshot_by_dtc_number, 0x123456, 1) == 0x31
    assert _refused(tester.send_request, Request(ReadDTCInformation, subfunction=0x05)) == 0x12
    for report, data in ((0x01, b""), (0x02, b"\xff\x00"), (0x0A, b"\x00")):
        wrong_length = Request(ReadDTCInformation, subfunction=report, data=data)
        assert _refused(tester.send_request, wrong_length) == 0x13, hex(report)
    assert _ok(tester.get_dtc_extended_data_by_dtc_number(0x9A0431, 1))
    assert _ok(tester.clear_dtc())
    assert _ok(tester.clear_dtc(0x9A0431))
    assert _refused(tester.clear_dtc, 0x123456) == 0x31


def _writing(tester: Client) -> None:
    assert _ok(tester.write_data_by_identifier(0xF190, _VIN))
    assert tester.read_data_by_identifier_first(0xF190) == _VIN
    assert _refused(tester.write_data_by_identifier, 0xF190, "O" * 17) == 0x31
    assert _refused(tester.write_data_by_identifier, 0xF197, "watchkeeper") == 0x31


def _result(tester: Client, routine: int) -> bytes:
    end = time.monotonic() + 20
    while True:
        data = _data(tester.get_routine_result(routine))
        if data.routine_status_record[0] != 0:
            return bytes(data.routine_status_record)
        assert time.monotonic() < end
        time.sleep(0.1)


def _routines(tester: Client) -> None:
    assert _refused(tester.get_routine_result, 0x0210) == 0x24
    assert _ok(tester.start_routine(0x0210))
    assert _refused(tester.start_routine, 0x0210) == 0x24
    result = _result(tester, 0x0210)
    assert result[0] == 1, f"camera self-test: {result.hex()}"
    assert int.from_bytes(result[1:3], "big") > 30
    assert _ok(tester.start_routine(0x0211))
    assert _result(tester, 0x0211)[0] == 1, "baseline reset"
    assert _ok(tester.start_routine(0x0212, b"\x01\x0a"))
    time.sleep(0.3)
    assert _ok(tester.stop_routine(0x0212))
    assert _result(tester, 0x0212)[0] == 3
    assert _refused(tester.stop_routine, 0x0212) == 0x24
    assert _refused(tester.start_routine, 0x9999) == 0x31
    assert _refused(tester.start_routine, 0x0212, b"\x07\x01") == 0x31


def _check_log(unit: Unit) -> None:
    """The lamp test was on the bus, and nothing about the cyclic frames was disturbed."""
    logged = [parse_line(line) for line in unit.log.read_text().splitlines()]
    content = [(line.t_ns, frame) for line in logged if (frame := decode(line.frame)) is not None]
    assert content
    assert all(frame.crc_ok for _, frame in content)
    lit = [
        f for _, f in content if f.name == "DMS_Warning" and f.values["ActiveWarning"] == 8 and f.values["Level"] == 1
    ]
    assert lit


def test_trouble_codes_outlive_kill_9(tmp_path: Path) -> None:
    bus, state = bus_for("can-isotp", tmp_path), tmp_path / "diagnostics"
    unit = Unit(bus, tmp_path)
    try:
        report = unit.until(lambda r: r.state in _UP)
        os.kill(report.vision_pid, signal.SIGKILL)
        unit.until(lambda r: r.restarts == 1 and r.state in _UP)
        with connection("can-isotp", bus) as link, client(link) as tester:
            codes = _codes(tester.get_dtc_by_status_mask(0x08))
        assert 0x9A0C47 in codes, "VisionRestarting"
        end = time.monotonic() + 30
        while b"9A0C47" not in (
            (tmp_path / "diagnostics").read_bytes() if (tmp_path / "diagnostics").exists() else b""
        ):
            assert time.monotonic() < end
            time.sleep(0.1)
    finally:
        unit.process.kill()
        unit.process.wait()
        os.close(unit.status_fd)
    again = Unit(bus, tmp_path)
    try:
        again.until(lambda r: r.state in _UP)
        with connection("can-isotp", bus) as link, client(link) as tester:
            status = _codes(tester.get_dtc_by_status_mask(0x08))[0x9A0C47].status
            assert (status.confirmed, status.test_failed) == (True, False)
            snapshot = _data(tester.get_dtc_snapshot_by_dtc_number(0x9A0C47, 1))
            held = {s.did: s.raw_data for s in snapshot.dtcs[0].snapshots}
            assert held[0xFD20] == b"\x0c"
            assert int.from_bytes(held[0xFD22], "big") < 1000, "frame age"
            assert _ok(tester.clear_dtc())
    finally:
        again.process.kill()
        again.process.wait()
        os.close(again.status_fd)
    assert b"9A0C47" not in state.read_bytes(), "cleared means cleared on the disk"
    state.write_bytes(b"garbage")
    damaged = Unit(bus, tmp_path)
    try:
        damaged.until(lambda r: r.state in _UP)
        with connection("can-isotp", bus) as link, client(link) as tester:
            assert set(_codes(tester.get_dtc_by_status_mask(0x01))) - {0x9A1087} == {0x9A4046}
    finally:
        damaged.close()
    assert damaged.said().count("the last good copy is used") == 1
