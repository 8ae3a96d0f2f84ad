"""The contract as the integrator gets it."""

from __future__ import annotations

import json
from typing import Any

import cantools
import e2e.p02
import pytest

from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.dbc import dbc_text
from watchkeeper.supervisor.spec import MESSAGES, check_base_id, dbc_hash
from watchkeeper.supervisor.vectors import vectors
from watchkeeper.types import Cause, GazeZone, SystemState
from watchkeeper.types import Warning as DriverWarning

# The contract's table, written down a second time on purpose: identifier, cycle in ms, (signal, bits) in order.
_CONTRACT: dict[str, tuple[int, int, str]] = {
    "DMS_Status": (0x3A0, 50, "SystemState 4, Cause 6, FrameAge 10, Calibration 7, FrameRate 8, Profile 4"),
    "DMS_Warning": (0x3A1, 50, "ActiveWarning 4, Level 2, DistractionLevel 2, DrowsinessLevel 2, VisualRequest 1, "
                    "AcousticRequest 2, HapticRequest 1, WarningCount 8, Age 8, Acknowledged 1"),
    "DMS_Driver": (0x3A2, 50, "DriverPresent 2, EyeLeft 2, EyeRight 2, GazeZone 4, AwayTime 8, ClosedTime 8, "
                   "Perclos 8, Drowsiness 4, Confidence 2"),
    "DMS_Geometry": (0x3A3, 100, "HeadYaw 10, HeadPitch 10, HeadRoll 10, GazeYaw 10, GazePitch 10"),
    "DMS_Health": (0x3A4, 1000, "FramesDropped 12, DeadlineMisses 12, Temperature 8, Throttled 1, UnderVoltage 1, "
                   "Restarts 6, BusOffCount 6, Load 6"),
    "DMS_Identity": (0x3A5, 1000, "VersionMajor 6, VersionMinor 6, VersionPatch 8, DbcHash 24, BoardId 8"),
    "VEH_Input": (0x3B0, 20, "Speed 16, Ignition 1, TurnLeft 1, TurnRight 1, Reverse 1, Acknowledge 1, "
                  "SteeringAngle 14"),
}  # fmt: skip
_FLAGS_AND_COUNTERS = {
    "VisualRequest", "HapticRequest", "Acknowledged", "Throttled", "UnderVoltage", "Ignition", "TurnLeft", "TurnRight",
    "Reverse", "Acknowledge", "WarningCount", "FramesDropped", "DeadlineMisses", "Restarts", "BusOffCount",
    "VersionMajor", "VersionMinor", "VersionPatch", "DbcHash", "BoardId", "CRC", "Counter",
}  # fmt: skip


@pytest.fixture(scope="module")
def database() -> Any:
    return cantools.database.load_string(dbc_text(), "dbc", strict=True)


def test_messages_signals_and_bits_are_the_contracts(database: Any) -> None:
    found = {
        m.name: (
            m.frame_id, m.cycle_time,
            ", ".join(f"{s.name} {s.length}" for s in m.signals if s.name not in ("CRC", "Counter")),
        )
        for m in database.messages
    }  # fmt: skip
    assert found == _CONTRACT


def test_every_message_has_cycle_send_type_sender_and_length(database: Any) -> None:
    for message in database.messages:
        assert message.length == 8
        assert message.send_type == "Cyclic"
        assert message.senders == (["VEH"] if message.name == "VEH_Input" else ["DMS"])
        assert not message.is_extended_frame


def test_every_message_comment_has_its_data_id_list(database: Any) -> None:
    for message in database.messages:
        ids = [int(part) for part in message.comment.rstrip(".").rpartition(": ")[2].split(", ")]
        assert tuple(ids) == MESSAGES[message.name].data_ids


def test_every_signal_has_comment_receiver_range_start_value_and_intel_order(database: Any) -> None:
    for message in database.messages:
        for signal in message.signals:
            assert signal.comment, signal.name
            assert signal.receivers == (["DMS"] if message.name == "VEH_Input" else ["VEH"])
            assert signal.minimum < signal.maximum
            assert signal.raw_initial is not None
            assert signal.byte_order == "little_endian"


def test_every_measurement_and_enum_has_a_value_table(database: Any) -> None:
    for message in database.messages:
        for signal in message.signals:
            if signal.name not in _FLAGS_AND_COUNTERS:
                assert signal.choices, f"{message.name}.{signal.name}"


def _choices(database: Any, message: str, signal: str) -> dict[int, str]:
    choices = database.get_message_by_name(message).get_signal_by_name(signal).choices
    return {int(raw): str(label) for raw, label in choices.items()}


def test_enum_names_are_the_contracts(database: Any) -> None:
    states = _choices(database, "DMS_Status", "SystemState")
    assert states == {0: "Init", 1: "Standby", 2: "Active", 3: "Degraded", 4: "Unavailable", 5: "Fault", 15: "SNA"}
    assert set(SystemState) == set(states) - {15}
    causes = _choices(database, "DMS_Status", "Cause")
    assert causes == {cause.value: cause.label for cause in Cause}
    assert (causes[4], causes[11], causes[20]) == ("CameraLost", "StaleVision", "InternalError")
    warnings = _choices(database, "DMS_Warning", "ActiveWarning")
    assert warnings == {warning.value: warning.label for warning in DriverWarning}
    assert (warnings[1], warnings[8]) == ("LongDistraction", "SystemUnavailable")
    assert _choices(database, "DMS_Driver", "EyeLeft") == {0: "open", 1: "closed", 2: "unknown", 3: "SNA"}
    zones = _choices(database, "DMS_Driver", "GazeZone")
    assert (zones[0], zones[7], zones[10], zones[15]) == ("RoadAhead", "Lap", "Passenger", "Unknown")
    assert set(zones) == set(GazeZone)
    assert _choices(database, "DMS_Geometry", "HeadYaw") == {-512: "SNA"}
    assert _choices(database, "VEH_Input", "SteeringAngle") == {-8192: "SNA"}
    assert _choices(database, "VEH_Input", "Speed") == {65535: "SNA"}


def test_units_and_scales_are_the_contracts(database: Any) -> None:
    expected = {
        ("DMS_Status", "FrameAge"): (1, 0, "ms"), ("DMS_Status", "FrameRate"): (0.5, 0, "1/s"),
        ("DMS_Warning", "Age"): (0.1, 0, "s"), ("DMS_Driver", "AwayTime"): (0.1, 0, "s"),
        ("DMS_Driver", "ClosedTime"): (0.05, 0, "s"), ("DMS_Driver", "Perclos"): (0.5, 0, "%"),
        ("DMS_Geometry", "GazePitch"): (0.25, 0, "deg"), ("DMS_Health", "Temperature"): (1, -40, "degC"),
        ("DMS_Health", "Load"): (2, 0, "%"), ("VEH_Input", "Speed"): (0.01, 0, "km/h"),
        ("VEH_Input", "SteeringAngle"): (0.1, 0, "deg"),
    }  # fmt: skip
    for (message, name), (scale, offset, unit) in expected.items():
        signal = database.get_message_by_name(message).get_signal_by_name(name)
        assert (signal.scale, signal.offset, signal.unit) == (scale, offset, unit)


def test_base_id_moves_every_message() -> None:
    moved = cantools.database.load_string(dbc_text(0x500), "dbc", strict=True)
    assert isinstance(moved, cantools.database.Database)
    assert {m.name: m.frame_id - 0x500 for m in moved.messages} == {m.name: m.id_offset for m in MESSAGES.values()}


@pytest.mark.parametrize("base_id", [0, 0x3A0, 0x7EF])
def test_good_base_ids(base_id: int) -> None:
    assert check_base_id(base_id) == base_id


@pytest.mark.parametrize("base_id", [-1, 0x7F0, 0x800, 0x18FF0000])
def test_base_ids_beyond_11_bits_are_refused(base_id: int) -> None:
    with pytest.raises(BadInputError, match="base id: expected 0x0 to 0x7EF"):
        check_base_id(base_id)


@pytest.mark.parametrize("base_id", [0x7C0, 0x7C3, 0x7B0, 0x7DA])
def test_base_ids_on_a_diagnostic_identifier_are_refused(base_id: int) -> None:
    with pytest.raises(BadInputError, match="diagnostic identifier"):
        check_base_id(base_id)


def test_the_hash_stands_in_the_version(database: Any) -> None:
    assert database.version.endswith(f"0x{dbc_hash():06X}")
    assert 0 <= dbc_hash() < 1 << 24


def test_vectors_hold_for_both_other_implementations(database: Any) -> None:
    rows = vectors()
    assert len(rows) == 16 * len(MESSAGES)
    for row in rows:
        frame = bytes.fromhex(row["frame_hex"])
        assert e2e.p02.e2e_p02_check(frame, bytes(row["data_id_list"]))
        theirs = database.decode_message(row["id"], frame, decode_choices=False)
        assert theirs["Counter"] == row["counter"]
        for name, value in row["signals"].items():
            signal = database.get_message_by_name(row["message"]).get_signal_by_name(name)
            if value is None:
                assert signal.choices[signal.scaled_to_raw(theirs[name])] == "SNA"
            else:
                assert theirs[name] == pytest.approx(value)


def test_vectors_reach_both_ends_of_every_signal() -> None:
    rows = vectors(0x200)
    for message in MESSAGES.values():
        mine = [row for row in rows if row["message"] == message.name]
        assert [row["counter"] for row in mine] == list(range(16))
        assert {row["id"] for row in mine} == {message.frame_id(0x200)}
        for signal in message.signals:
            values = [value for row in mine if (value := row["signals"][signal.name]) is not None]
            ends = [raw * signal.scale + signal.offset for raw in (signal.raw_low, signal.raw_high)]
            assert len(set(values)) > 1
            if not signal.values:
                assert [min(values), max(values)] == pytest.approx(ends)
    json.dumps(rows)
