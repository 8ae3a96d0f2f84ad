"""Every service, positive and negative, as bytes; the pure server without bus, clock or disk."""

from __future__ import annotations

import pytest
from garage import Garage

from watchkeeper import __version__
from watchkeeper.supervisor.uds.codes import Nrc, Session, Sid
from watchkeeper.supervisor.uds.unit import Identity
from watchkeeper.types import Cause, SystemState

_: str | None = None
_VIN = b"WVWZZZ1KZAW000001".hex(" ").upper()


@pytest.mark.parametrize(
    ("request_hex", "response"),
    [
        # clause 10.2
        ("10 01", "50 01 00 32 01 F4"), ("10 03", "50 03 00 32 01 F4"), ("10 83", _), ("10 02", "7F 10 12"),
        ("10 82", "7F 10 12"), ("10 04", "7F 10 12"), ("10", "7F 10 13"), ("10 01 00", "7F 10 13"),
        # clause 10.3: only in the extended session
        ("11 01", "7F 11 7F"), ("11", "7F 11 7F"),
        # clause 10.7
        ("3E 00", "7E 00"), ("3E 80", _), ("3E 01", "7F 3E 12"), ("3E", "7F 3E 13"), ("3E 00 00", "7F 3E 13"),
        ("3E 80 00", "7F 3E 13"),
        # clause 10.8, 10.4, 11.7, 13.2: not in the default session
        ("85 02", "7F 85 7F"), ("27 01", "7F 27 7F"), ("2E F1 90 00", "7F 2E 7F"), ("31 01 02 10", "7F 31 7F"),
        # clause 11.2
        ("22 F1 97", "62 F1 97 " + b"watchkeeper".hex(" ").upper()), ("22 F1 86", "62 F1 86 01"),
        ("22 F1 8C", "62 F1 8C " + b"WK-0001".hex(" ").upper()),
        ("22 F1 89", "62 F1 89 " + __version__.encode().hex(" ").upper()),
        ("22 F1 90", "7F 22 22"), ("22 F1 91 F1 86", "62 F1 91 68 6F 73 74 F1 86 01"),
        ("22 12 34", "7F 22 31"), ("22 12 34 F1 86", "62 F1 86 01"), ("22", "7F 22 13"), ("22 F1", "7F 22 13"),
        ("22 F1 86 F1", "7F 22 13"), ("22" + " F1 86" * 17, "7F 22 13"),
        ("22 FD 03", "62 FD 03 01 4D 01 4A 00 C8 00 32"),
        # clause 12.2
        ("14 FF FF FF", "54"), ("14 9A 04 31", "54"), ("14 12 34 56", "7F 14 31"), ("14 FF FF", "7F 14 13"),
        ("14 FF FF FF 00", "7F 14 13"),
        # clause 12.3
        ("19 01 FF", "59 01 FF 01 00 0F"), ("19 01 08", "59 01 FF 01 00 00"), ("19 02 08", "59 02 FF"),
        ("19 01", "7F 19 13"), ("19 02 FF 00", "7F 19 13"), ("19 05 00", "7F 19 12"), ("19", "7F 19 13"),
        ("19 03", "59 03"), ("19 04 9A 04 31 01", "59 04 9A 04 31 50"), ("19 04 9A 04 31 03", "7F 19 31"),
        ("19 04 12 34 56 01", "7F 19 31"), ("19 06 9A 04 31 FF", "59 06 9A 04 31 50 01 00 02 00"),
        ("19 06 9A 04 31 05", "7F 19 31"), ("19 0A 00", "7F 19 13"), ("19 81 FF", _),
        # not offered
        ("23 11 00 00", "7F 23 11"), ("34", "7F 34 11"), ("00", "7F 00 11"), ("7F 10 78", "7F 7F 11"),
    ],
)  # fmt: skip
def test_default_session(request_hex: str, response: str | None) -> None:
    garage = Garage()
    assert garage.ask(request_hex) == response


@pytest.mark.parametrize(
    ("request_hex", "response"),
    [
        ("22 F1 86", "62 F1 86 03"), ("11 01", "51 01"), ("11 03", "51 03"), ("11 81", _), ("11 02", "7F 11 12"),
        ("11 01 00", "7F 11 13"), ("85 01", "C5 01"), ("85 02", "C5 02"), ("85 82", _), ("85 02 FF FF FF", "C5 02"),
        ("85 02 00", "7F 85 31"), ("85 03", "7F 85 12"), ("85", "7F 85 13"),
        ("27 02" + " 00" * 16, "7F 27 24"), ("27 02 00", "7F 27 13"), ("27 01 00", "7F 27 13"), ("27 03", "7F 27 12"),
        ("2E F1 90 " + _VIN, "7F 2E 33"), ("31 01 02 10", "7F 31 33"), ("10 01", "50 01 00 32 01 F4"),
    ],
)  # fmt: skip
def test_extended_session(request_hex: str, response: str | None) -> None:
    assert Garage().extended().ask(request_hex) == response


@pytest.mark.parametrize(
    ("request_hex", "response"),
    [
        ("2E F1 90 " + _VIN, "6E F1 90"), ("2E F1 90 00", "7F 2E 13"), ("2E F1 90", "7F 2E 13"),
        ("2E F1 90 " + b"WVWZZZ1KZAW00000O".hex(), "7F 2E 31"), ("2E F1 90 " + "FF" * 17, "7F 2E 31"),
        ("2E F1 89 " + _VIN, "7F 2E 31"), ("2E 12 34 00", "7F 2E 31"),
        ("31 01 02 10", "71 01 02 10 00 00 00 00 00 00 00 00"), ("31 01 02 10 00", "7F 31 13"),
        ("31 01 99 99", "7F 31 31"), ("31 03 02 10", "7F 31 24"), ("31 02 02 10", "7F 31 24"),
        ("31 04 02 10", "7F 31 12"),
        ("31 01 02", "7F 31 13"), ("31 01 02 12 01 05", "71 01 02 12 00"), ("31 01 02 12 03 05", "7F 31 31"),
        ("31 01 02 12 01 0B", "7F 31 31"), ("31 01 02 12 01 00", "7F 31 31"), ("31 01 02 12", "7F 31 13"),
        ("31 01 02 11", "71 01 02 11 00"), ("27 01", "67 01" + " 00" * 16),
    ],
)  # fmt: skip
def test_unlocked(request_hex: str, response: str | None) -> None:
    assert Garage().unlocked().ask(request_hex) == response


@pytest.mark.parametrize(
    ("request_hex", "response"),
    [
        ("3E 00", "7E 00"), ("3E 80", _), ("10 03", "50 03 00 32 01 F4"), ("22 12 34", _), ("23 00", _), ("10 02", _),
        ("85 02", _), ("22 F1 86", "62 F1 86 01"), ("22 F1", "7F 22 13"), ("14 FF FF FF", "54"), ("14 12 34 56", _),
        ("22 F1 90", "7F 22 22"),
    ],
)  # fmt: skip
def test_functional_requests_are_not_told_what_other_servers_are_meant_for(
    request_hex: str, response: str | None
) -> None:
    assert Garage().ask(request_hex, functional=True) == response


def test_the_session_ends_five_seconds_after_the_last_request() -> None:
    garage = Garage().unlocked()
    garage.ask("85 02")
    garage.wait(4.9)
    assert garage.ask("3E 80") is None
    garage.wait(4.9)
    assert garage.ask("22 F1 86") == "62 F1 86 03"
    garage.wait(5.1)
    assert garage.ask("22 F1 86") == "62 F1 86 01"
    assert garage.dtcs.enabled, "the memory is on again"
    garage.extended()
    assert garage.ask("31 01 02 10") == "7F 31 33", "and locked again"


def test_a_new_session_locks() -> None:
    garage = Garage().unlocked()
    garage.ask("10 03")
    assert garage.ask("2E F1 90 " + _VIN) == "7F 2E 33"


def test_a_written_vin_is_read_back() -> None:
    garage = Garage().unlocked()
    garage.ask("2E F1 90 " + _VIN)
    assert garage.ask("22 F1 90") == "62 F1 90 " + _VIN


@pytest.mark.parametrize(
    ("speed", "seen", "response"),
    [
        (0.0, True, "51 01"), (3.0, True, "51 01"), (3.1, True, "7F 11 88"), (None, True, "7F 11 22"),
        (None, False, "51 01"),
    ],
)  # fmt: skip
def test_reset_only_while_standing(speed: float | None, seen: bool, response: str) -> None:
    garage = Garage().extended()
    garage.view.speed_kph, garage.view.speed_seen = speed, seen
    assert garage.ask("11 01") == response
    assert garage.diagnostics.take_restarts() == (False, response == "51 01")
    assert garage.diagnostics.take_restarts() == (False, False)
    assert garage.ask("22 F1 86") == ("62 F1 86 01" if response == "51 01" else "62 F1 86 03")


def test_soft_reset_is_of_vision_alone() -> None:
    garage = Garage().extended()
    assert garage.ask("11 03") == "51 03"
    assert garage.diagnostics.take_restarts() == (True, False)


def test_counters_and_condition_as_the_view_has_them() -> None:
    garage = Garage()
    garage.show(SystemState.ACTIVE)
    garage.picture(300)
    view = garage.view
    view.send_failures, view.slots_missed, view.jitter_p99_ms, view.frames_sent = 2, 3, 0.25, 70_000
    view.restarts, view.bus_off_count, view.speed_kph = 4, 5, 80.5
    assert garage.ask("22 FD 00") == "62 FD 00 02 00 00 14"
    assert garage.ask("22 FD 01") == "62 FD 01 00 00 01 2E 00 00 01 2C 00 00 00 02 00 00 00 01"
    assert garage.ask("22 FD 02") == "62 FD 02 00 D2 01 31 01 27 02 2B"
    assert garage.ask("22 FD 04") == "62 FD 04 00 01 11 70 00 00 00 02 00 00 00 03 00 FA"
    assert garage.ask("22 FD 05") == "62 FD 05 00 04 00 05 00 00 00 00 00 00"
    assert garage.ask("22 FD 06") == "62 FD 06 FF 00", "no sensor is not 0 degrees"
    assert garage.ask("22 FD 08") == "62 FD 08 1F 72 FF FF FF FF 00 00 00 00"
    view.jitter_p99_ms = 1e9
    assert (garage.ask("22 FD 04") or "").endswith("FF FE"), "saturates below `not known`"


def test_without_a_provisioned_serial_number_or_key_it_says_so() -> None:
    garage = Garage(Identity()).extended()
    assert garage.ask("22 F1 8C") == "7F 22 22"
    assert garage.ask("27 01") == "7F 27 22"


def test_every_identifier_reads_on_a_unit_that_knows_nothing_yet() -> None:
    garage = Garage(Identity(frame_period_ms=33.3))
    garage.show(SystemState.INIT, Cause.STARTING)
    for did in range(0x10000):
        response = garage.diagnostics.server.step(bytes((0x22,)) + did.to_bytes(2, "big"), garage.t_ns)
        assert response is not None
        assert response[0] == 0x62 or response[2] in (0x31, 0x22)


def test_the_numbers_are_those_of_the_standard() -> None:
    # ISO 14229-1:2020 table 2 and Annex A.1
    assert {sid.value for sid in Sid} == {0x10, 0x11, 0x14, 0x19, 0x22, 0x27, 0x2E, 0x31, 0x3E, 0x85}
    assert {nrc.name: nrc.value for nrc in Nrc if nrc.name.startswith(("RESPONSE", "BUSY", "WRONG"))} == {
        "WRONG_LENGTH": 0x13, "RESPONSE_TOO_LONG": 0x14, "BUSY_REPEAT_REQUEST": 0x21, "RESPONSE_PENDING": 0x78,
    }  # fmt: skip
    assert (Session.DEFAULT, Session.PROGRAMMING, Session.EXTENDED) == (1, 2, 3)
