"""Signals to bits and back, as the spec lays them out. Pure; saturates, never wraps a measurement, never raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from watchkeeper.supervisor.spec import FIRST_SIGNAL_BIT, PAYLOAD_BYTES, Message, Signal


def placed_signals(message: Message) -> Iterator[tuple[int, Signal]]:
    """(start bit, signal) in order; Intel numbering, so the start bit is the least significant one."""
    bit = FIRST_SIGNAL_BIT
    for signal in message.signals:
        yield bit, signal
        bit += signal.bits


def to_raw(signal: Signal, value: float | None) -> int:
    """Nearest raw value of a physical one; None and NaN give the SNA code (the start value where there is none)."""
    if value is None or value != value:
        return signal.raw_start if signal.sna is None else signal.sna
    if isinstance(value, int) and signal.scale == 1.0 and signal.offset == 0.0:
        raw = int(value)
    else:
        try:
            raw = round((value - signal.offset) / signal.scale)
        except OverflowError:  # infinite, or an int beyond any float
            raw = signal.raw_high if value > 0 else signal.raw_low
    if signal.wraps:
        return raw % (1 << signal.bits)
    if raw in signal.values:  # an enum may name its SNA code itself (EyeState.NOT_AVAILABLE)
        return raw
    return min(max(raw, signal.raw_low), signal.raw_high)


def to_physical(signal: Signal, raw: int) -> float | None:
    """Physical value of a raw one; None for the SNA code. Whole-numbered signals give an int."""
    if raw == signal.sna:
        return None
    if signal.scale == 1.0 and signal.offset == 0.0:
        return raw
    # 12 digits: what is left is the rounding of the decimal scale in binary (3 * 0.1), never a measured digit
    return round(raw * signal.scale + signal.offset, 12)


def pack(message: Message, values: Mapping[str, float | None]) -> bytes:
    """Payload with CRC and counter still 0. Signals that are not in `values` carry their start value."""
    word = 0
    for bit, signal in placed_signals(message):
        raw = to_raw(signal, values[signal.name]) if signal.name in values else signal.raw_start
        word |= (raw & ((1 << signal.bits) - 1)) << bit
    return word.to_bytes(PAYLOAD_BYTES, "little")


def unpack_raw(message: Message, payload: bytes) -> dict[str, int]:
    """Raw value of each signal of an 8-byte payload."""
    word = int.from_bytes(payload, "little")
    raws: dict[str, int] = {}
    for bit, signal in placed_signals(message):
        raw = (word >> bit) & ((1 << signal.bits) - 1)
        if signal.signed and raw >> (signal.bits - 1):
            raw -= 1 << signal.bits
        raws[signal.name] = raw
    return raws


def unpack(message: Message, payload: bytes) -> dict[str, float | None]:
    """Physical value of each signal of an 8-byte payload; None where the signal says "not available"."""
    raws = unpack_raw(message, payload)
    return {signal.name: to_physical(signal, raws[signal.name]) for signal in message.signals}
