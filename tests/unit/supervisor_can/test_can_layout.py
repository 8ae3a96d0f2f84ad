"""Bits and values: saturation, "not available", agreement with cantools on the generated DBC."""

from __future__ import annotations

import math
from typing import Any

import cantools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.supervisor import layout
from watchkeeper.supervisor.dbc import dbc_text
from watchkeeper.supervisor.frames import CanFrame, Encoder, decode
from watchkeeper.supervisor.spec import FIRST_SIGNAL_BIT, MESSAGES, Message, Signal
from watchkeeper.types import EyeState, GazeZone

_DATABASE: Any = cantools.database.load_string(dbc_text(), "dbc", strict=True)
_SIGNALS = [(message, signal) for message in MESSAGES.values() for signal in message.signals]
_messages = st.sampled_from(list(MESSAGES.values()))
_numbers = st.floats() | st.integers() | st.none()


def _signal(message: str, name: str) -> Signal:
    return next(s for s in MESSAGES[message].signals if s.name == name)


@settings(deadline=None)
@given(data=st.data(), message=_messages)
def test_cantools_reads_what_we_pack(data: st.DataObject, message: Message) -> None:
    values = {s.name: data.draw(_numbers, s.name) for s in message.signals}
    payload = layout.pack(message, values)
    theirs = _DATABASE.decode_message(message.name, payload, decode_choices=False, scaling=False)
    ours = layout.unpack_raw(message, payload)
    assert ours == {name: raw for name, raw in theirs.items() if name in ours}


@settings(deadline=None)
@given(data=st.data(), message=_messages)
def test_cantools_packs_the_same_bits(data: st.DataObject, message: Message) -> None:
    raws = {s.name: data.draw(st.integers(s.raw_low, s.raw_high), s.name) for s in message.signals}
    physical = {s.name: layout.to_physical(s, raws[s.name]) for s in message.signals}
    theirs = _DATABASE.encode_message(message.name, {**physical, "CRC": 0, "Counter": 0})
    assert layout.pack(message, physical) == theirs


@settings(deadline=None)
@given(data=st.data(), message=_messages)
def test_what_is_packed_comes_back(data: st.DataObject, message: Message) -> None:
    raws = {s.name: data.draw(st.integers(s.raw_low, s.raw_high), s.name) for s in message.signals}
    physical = {s.name: layout.to_physical(s, raws[s.name]) for s in message.signals}
    payload = layout.pack(message, physical)
    assert layout.unpack_raw(message, payload) == raws
    assert layout.unpack(message, payload) == physical


@settings(deadline=None)
@given(data=st.data())
def test_any_number_is_taken_and_saturates(data: st.DataObject) -> None:
    _, signal = data.draw(st.sampled_from(_SIGNALS))
    value = data.draw(st.floats(allow_nan=False) | st.integers(-(10**400), 10**400))
    raw = layout.to_raw(signal, value)
    if signal.wraps:
        assert 0 <= raw < 1 << signal.bits
    elif raw not in signal.values:
        exact = (value - signal.offset) / signal.scale if abs(value) < 1e15 else math.inf * (1 if value > 0 else -1)
        assert abs(raw - min(max(exact, signal.raw_low), signal.raw_high)) <= 0.5 + 1e-6


@pytest.mark.parametrize(("message", "signal"), _SIGNALS, ids=lambda x: x.name)
def test_a_measurement_is_never_mistaken_for_not_available(message: Message, signal: Signal) -> None:
    # an enum may name its own SNA code; only that very number gives it
    for value in (-1e30, -1.0, 0.0, 1e30, math.inf, -math.inf):
        if layout.to_raw(signal, value) == signal.sna:
            assert value == signal.sna


@pytest.mark.parametrize(("message", "signal"), _SIGNALS, ids=lambda x: x.name)
def test_unknown_gives_the_not_available_code(message: Message, signal: Signal) -> None:
    expected = signal.raw_start if signal.sna is None else signal.sna
    assert layout.to_raw(signal, None) == expected
    assert layout.to_raw(signal, math.nan) == expected
    if signal.sna is not None:
        assert layout.unpack(message, layout.pack(message, {signal.name: None}))[signal.name] is None


@pytest.mark.parametrize(
    ("message", "signal", "value", "raw"),
    [
        ("DMS_Status", "FrameAge", 31.4, 31),
        ("DMS_Status", "FrameAge", 5000.0, 1022),
        ("DMS_Status", "FrameAge", -3.0, 0),
        ("DMS_Status", "FrameRate", 29.97, 60),
        ("DMS_Warning", "WarningCount", 256, 0),
        ("DMS_Health", "FramesDropped", 4097, 1),
        ("DMS_Health", "Temperature", 61.6, 102),
        ("DMS_Health", "Temperature", -80.0, 0),
        ("DMS_Health", "Restarts", 1000, 63),
        ("DMS_Geometry", "HeadYaw", -30.0, -120),
        ("DMS_Geometry", "HeadYaw", -1000.0, -511),
        ("DMS_Geometry", "HeadYaw", 1000.0, 511),
        ("DMS_Driver", "Perclos", 140.0, 200),
        ("DMS_Driver", "Drowsiness", 0, 1),
        ("DMS_Driver", "EyeLeft", EyeState.NOT_AVAILABLE, 3),
        ("DMS_Driver", "GazeZone", GazeZone.UNKNOWN, 15),
        ("VEH_Input", "Speed", 655.35, 65534),
        ("VEH_Input", "SteeringAngle", -9999.0, -8191),
    ],
)
def test_examples(message: str, signal: str, value: float, raw: int) -> None:
    assert layout.to_raw(_signal(message, signal), value) == raw


def test_signals_fill_the_frame_from_bit_12_without_gap_or_overlap() -> None:
    for message in MESSAGES.values():
        bit = FIRST_SIGNAL_BIT
        for start, signal in layout.placed_signals(message):
            assert start == bit
            bit += signal.bits
        assert bit <= 64


def test_bits_beyond_the_last_signal_are_0() -> None:
    for message in MESSAGES.values():
        end = FIRST_SIGNAL_BIT + sum(s.bits for s in message.signals)
        word = int.from_bytes(layout.pack(message, dict.fromkeys((s.name for s in message.signals), 1e9)), "little")
        assert word >> end == 0


def test_signals_left_out_carry_their_start_value() -> None:
    for message in MESSAGES.values():
        raws = layout.unpack_raw(message, layout.pack(message, {}))
        assert raws == {s.name: s.raw_start for s in message.signals}


def test_counter_steps_only_when_a_frame_went_out() -> None:
    encoder = Encoder()

    def counter() -> int:
        decoded = decode(encoder.encode("DMS_Status", {}))
        assert decoded is not None
        assert decoded.crc_ok
        return decoded.counter

    assert [counter(), counter()] == [0, 0]
    seen = []
    for _ in range(17):
        encoder.sent("DMS_Status")
        seen.append(counter())
    assert seen == [*range(1, 16), 0, 1]


def test_counters_of_messages_are_independent() -> None:
    encoder = Encoder()
    encoder.sent("DMS_Status")
    other = decode(encoder.encode("DMS_Warning", {}))
    assert other is not None
    assert other.counter == 0


def test_decode_knows_only_our_identifiers_and_lengths() -> None:
    frame = Encoder(0x100).encode("DMS_Driver", {})
    assert frame.id == 0x102
    assert decode(frame, 0x100) is not None
    assert decode(frame) is None
    assert decode(CanFrame(0x3A0, b"\x00\x00")) is None
