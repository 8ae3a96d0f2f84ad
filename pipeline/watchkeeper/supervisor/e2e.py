"""AUTOSAR E2E profile 2: CRC-8 with polynomial 0x2F and a 4-bit counter that picks one of 16 Data IDs.

Byte 0 is the CRC over bytes 1.. and then the Data ID; the counter is the low nibble of byte 1.
Source: AUTOSAR Specification of SW-C End-to-End Communication Protection Library, profile 2 and Crc_CalculateCRC8H2F.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

COUNTER_MODULO = 16
DATA_ID_COUNT = 16
_POLYNOMIAL = 0x2F


def _crc_table() -> bytes:
    table = bytearray(256)
    for index in range(256):
        crc = index
        for _ in range(8):
            crc = (crc << 1) ^ _POLYNOMIAL if crc & 0x80 else crc << 1
        table[index] = crc & 0xFF
    return bytes(table)


_TABLE = _crc_table()


def crc8h2f(data: bytes) -> int:
    """CRC-8H2F: polynomial 0x2F, initial value 0xFF, final XOR 0xFF, nothing reflected."""
    crc = 0xFF
    for byte in data:
        crc = _TABLE[crc ^ byte]
    return crc ^ 0xFF


def frame_crc(payload: bytes, data_ids: Sequence[int]) -> int:
    """CRC of a payload whose counter is already in place; data_ids: the message's 16 Data IDs."""
    return crc8h2f(payload[1:] + bytes((data_ids[payload[1] & 0x0F],)))


def protect(payload: bytes, data_ids: Sequence[int], counter: int) -> bytes:
    """The payload with `counter` (modulo 16) in the low nibble of byte 1 and the CRC in byte 0."""
    protected = bytearray(payload)
    protected[1] = (protected[1] & 0xF0) | (counter % COUNTER_MODULO)
    protected[0] = frame_crc(bytes(protected), data_ids)
    return bytes(protected)


class CheckState(Enum):
    """Verdict on one received frame. Only those with `accepted` may be read."""

    INITIAL = "initial"  # the first frame with a right CRC: nothing to compare its counter with
    OK = "ok"  # the counter stepped by one
    OK_SOME_LOST = "ok_some_lost"  # stepped by more, within the tolerance
    REPEATED = "repeated"  # same counter: a stuck sender or a copy
    WRONG_SEQUENCE = "wrong_sequence"  # stepped by more than tolerated, or backwards
    WRONG_CRC = "wrong_crc"  # damaged, wrong length or another message's

    @property
    def accepted(self) -> bool:
        """True when the frame's signals may be used."""
        return self in (CheckState.INITIAL, CheckState.OK, CheckState.OK_SOME_LOST)


class Checker:
    """Checks the received frames of one message, in order.

    max_delta: largest counter step that still counts as lost frames; anything above could as well be an old frame.
    After a wrong sequence the checker takes the new counter as its reference, so the next frame in order is accepted.
    """

    def __init__(self, data_ids: Sequence[int], *, length: int = 8, max_delta: int = 5) -> None:
        self._data_ids = tuple(data_ids)
        self._length = length
        self._max_delta = max_delta
        self._last: int | None = None

    def check(self, payload: bytes) -> CheckState:
        """Verdict on the next frame's payload, CRC and counter included."""
        if len(payload) != self._length or payload[0] != frame_crc(payload, self._data_ids):
            return CheckState.WRONG_CRC
        counter = payload[1] & 0x0F
        last, self._last = self._last, counter
        if last is None:
            return CheckState.INITIAL
        delta = (counter - last) % COUNTER_MODULO
        if delta == 0:
            return CheckState.REPEATED
        if delta == 1:
            return CheckState.OK
        return CheckState.OK_SOME_LOST if delta <= self._max_delta else CheckState.WRONG_SEQUENCE
