"""A vehicle's own messages at their bounds: ranges, rates, time-outs, counters, bits across bytes, and checksums."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from watchkeeper.supervisor.e2e import CheckState
from watchkeeper.supervisor.frames import CanFrame, Encoder
from watchkeeper.supervisor.mapped_vehicle import MappedVehicle
from watchkeeper.supervisor.vehicle_file import read_vehicle_file
from watchkeeper.supervisor.vehicle_input import VehicleInput
from watchkeeper.supervisor.vehicle_map import Bits, Checksum, Condition, MappedMessage, MappedSignal, VehicleMap

_MS, _S = 1_000_000, 1_000_000_000
_T = 7 * _S
_SPEED = MappedSignal("Speed", "M", Bits(0, 8), low=10.0, high=200.0)


def _car(*signals: MappedSignal) -> MappedVehicle:
    messages = MappedMessage("M", 0x100, 2, 500), MappedMessage("N", 0x101, 2, 100)
    return MappedVehicle(VehicleMap("car", messages, signals))


def _frame(first: int, second: int = 0, frame_id: int = 0x100) -> CanFrame:
    return CanFrame(frame_id, bytes((first, second)))


@pytest.mark.parametrize(("raw", "value"), [(9, None), (10, 10.0), (200, 200.0), (201, None)])
def test_both_ends_of_a_range_are_in_it(raw: int, value: float | None) -> None:
    assert _SPEED.value(bytes((raw, 0))) == value


def test_scale_offset_sign_and_what_is_not_available() -> None:
    signal = replace(_SPEED, scale=0.5, offset=-10.0, low=-100.0, high=100.0, not_available=(255,))
    assert [signal.value(bytes((raw, 0))) for raw in (0, 20, 220, 221, 255)] == [-10.0, 0.0, 100.0, None, None]
    backwards = replace(signal, negative=Condition(Bits(8, 1), (1,)), valid=Condition(Bits(9, 2), (1, 2)))
    assert [backwards.value(bytes((30, second))) for second in (0, 2, 3, 4, 6)] == [None, 5.0, -5.0, 5.0, None]


def test_a_flag_is_on_for_a_raw_value_of_one_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "car.toml"
    path.write_text(
        'name = "car"\n[[message]]\nname = "M"\nid = 256\nlength = 1\n'
        '[signal.TurnLeft]\nmessage = "M"\nstart = 0\nlength = 2\n'
        '[signal.TurnRight]\nmessage = "M"\nstart = 2\nlength = 2\nequals = [2, 3]\n'
    )
    left, right = read_vehicle_file(path).signals
    assert [left.value(bytes((raw,))) for raw in range(4)] == [False, True, False, False]
    assert [right.value(bytes((raw << 2,))) for raw in range(4)] == [False, False, True, True]


@pytest.mark.parametrize(("to", "used"), [(21, True), (22, False), (19, True), (18, False)])
def test_a_step_may_be_as_large_as_the_rate_allows_and_one_digit_more(to: int, used: bool) -> None:
    # 0.5 km/h in 50 ms at 10 km/h a second, and one step of the number on top
    car = _car(replace(_SPEED, max_rate_per_s=10.0, low=0.0))
    car.step([_frame(20)], _T)
    report = car.step([_frame(to)], _T + 50 * _MS)
    assert report.signals.speed_kph == (to if used else None)
    assert car.step([_frame(to)], _T + 100 * _MS).signals.speed_kph == to, "one sample is left out"


def test_two_frames_of_one_look_are_a_millisecond_apart() -> None:
    car = _car(replace(_SPEED, max_rate_per_s=2000.0, low=0.0))
    assert car.step([_frame(20), _frame(23)], _T).signals.speed_kph == 23
    assert car.step([_frame(20), _frame(24)], _T + _S).signals.speed_kph is None


def test_a_silent_message_is_unknown_after_its_time_out() -> None:
    car = _car(_SPEED, replace(_SPEED, name="SteeringAngle", message="N"))
    assert car.report.signals.speed_kph is None
    car.step([_frame(20), _frame(30, frame_id=0x101)], _T)
    assert car.step([], _T + 100 * _MS).signals.steering_deg == 30
    # the other one is told with the speed's next frame
    car.step([], _T + 100 * _MS + 1)
    assert car.step([_frame(20)], _T + 110 * _MS).signals.steering_deg is None
    newest_ns = _T + 110 * _MS
    assert car.step([], newest_ns + 500 * _MS).signals.speed_kph == 20
    assert car.step([], newest_ns + 500 * _MS + 1).signals.speed_kph is None


@pytest.mark.parametrize(
    ("counters", "verdicts"),
    [
        ((3, 4, 4, 6), ["INITIAL", "OK", "REPEATED", "OK_SOME_LOST"]),
        ((14, 15, 0, 2), ["INITIAL", "OK", "OK", "OK_SOME_LOST"]),
        ((0, 5, 11), ["INITIAL", "OK_SOME_LOST", "WRONG_SEQUENCE"]),
    ],
)  # fmt: skip
def test_counters_step_around(counters: tuple[int, ...], verdicts: list[str]) -> None:
    message = MappedMessage("M", 0x100, 2, 500, counter=Bits(8, 4))
    car = MappedVehicle(VehicleMap("car", (message,), (_SPEED,)))
    for k, counter in enumerate(counters):
        car.step([_frame(20, counter)], _T + k * 20 * _MS)
    assert {verdict.name: count for verdict, count in car.counts.items() if count} == {
        name: verdicts.count(name) for name in verdicts
    }


@pytest.mark.parametrize(
    ("bits", "raw", "last_byte"),
    [
        (Bits(0, 8), 0x12, 0), (Bits(4, 8), 0x41, 1), (Bits(8, 16), 0x5634, 2), (Bits(7, 8, "motorola"), 0x12, 0),
        (Bits(3, 8, "motorola"), 0x23, 1), (Bits(7, 16, "motorola"), 0x1234, 1), (Bits(15, 4, "motorola"), 0x3, 1),
        (Bits(23, 1, "motorola"), 0, 2), (Bits(18, 3, "motorola", True), -2, 2), (Bits(16, 3, signed=True), -2, 2),
        (Bits(16, 4, signed=True), 6, 2), (Bits(17, 2, signed=True), -1, 2),
    ],
)  # fmt: skip
def test_bits_across_bytes(bits: Bits, raw: int, last_byte: int) -> None:
    assert (bits.raw(b"\x12\x34\x56"), bits.last_byte) == (raw, last_byte)


@pytest.mark.parametrize(
    ("kind", "byte", "data"),
    [
        ("sum8", 0, "0a 03 07"), ("sum8", 2, "ff 03 02"), ("xor8", 1, "f0 ff 0f"), ("xor8", 0, "00 55 55"),
        # identifier 0x123: 0x23 + 0x01, three bytes, and the two others
        ("sum8-id-length", 2, "01 02 2a"),
    ],
)  # fmt: skip
def test_checksums(kind: str, byte: int, data: str) -> None:
    payload = bytearray.fromhex(data)
    checksum = Checksum(kind, byte)
    assert checksum.holds(0x123, bytes(payload), 0)
    for k in range(3):
        damaged = bytearray(payload)
        damaged[k] ^= 0x10
        assert not checksum.holds(0x123, bytes(damaged), 0)


def test_what_the_contracts_own_message_said_holds_for_half_a_second() -> None:
    encoder, car = Encoder(), VehicleInput()
    frame = encoder.encode("VEH_Input", {"Speed": 30.0, "TurnLeft": 1, "TurnRight": 0})
    report = car.step([CanFrame(0x123, frame.data), frame], _T)
    assert (report.t_ns, report.signals.speed_kph, report.signals.turn_left, report.signals.turn_right) == (
        _T, 30.0, True, False,
    )  # fmt: skip
    assert car.step([], _T + 500 * _MS) is report
    silent = car.step([], _T + 500 * _MS + 1)
    assert (silent.t_ns, silent.signals.speed_kph, silent.signals.turn_left) == (_T + 500 * _MS + 1, None, None)
    assert car.step([], _T + 9 * _S) is silent, "told once"
    assert {verdict: n for verdict, n in car.counts.items() if n} == {CheckState.INITIAL: 1}
