"""Vehicle files: TOML with the bit layout as plain numbers, read and checked with errors that name line and field.

`watchkeeper vehicle compile` makes them from an integrator's DBC on a PC. So the supervisor needs no DBC reader, what
it reads is what was reviewed, and a DBC that changes later changes nothing on the road.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from watchkeeper.settings_table import Table, read_table
from watchkeeper.supervisor.e2e import DATA_ID_COUNT
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, DIAGNOSTIC_IDS, MAX_STANDARD_ID, transmit_ids
from watchkeeper.supervisor.vehicle_map import (
    CHECKSUM_KINDS,
    MEASUREMENTS,
    SIGNAL_NAMES,
    Bits,
    Checksum,
    Condition,
    MappedMessage,
    MappedSignal,
    VehicleMap,
)

_ORDERS = ("intel", "motorola")
_LONGEST_TIMEOUT_MS = 10_000
_BITS = ("start", "length", "order", "signed")
_MESSAGE_FIELDS = ("name", "id", "length", "timeout_ms", "counter", "checksum", "max_lost")
_SIGNAL_FIELDS = (
    "message", *_BITS, "scale", "offset", "range", "max_rate_per_s", "not_available", "equals", "valid", "negative",
)  # fmt: skip


def read_vehicle_file(path: Path, base_id: int = DEFAULT_BASE_ID) -> VehicleMap:
    """The vehicle of a file. Raises BadInputError naming file, line, field and what was expected."""
    top = read_table(path)
    if "dbc" in top:
        raise top.fail("dbc", "a mapping of names; expected the numbers that `watchkeeper vehicle compile` makes of it")
    top.keys_must_be("name", "source", "message", "signal")
    messages = tuple(_message(table, base_id) for table in top.tables("message"))
    for field in ("name", "id"):
        values = [getattr(message, field) for message in messages]
        for index, value in enumerate(values):
            if value in values[:index]:
                raise top.tables("message")[index].fail(field, f"{value!r} is another message's too")
    table = top.table("signal")
    table.keys_must_be(*SIGNAL_NAMES)
    lengths = {message.name: message.length for message in messages}
    signals = tuple(_signal(table.table(name), name, lengths) for name in SIGNAL_NAMES if name in table)
    if not signals:
        raise top.fail("signal", f"expected at least one of {', '.join(SIGNAL_NAMES)}")
    return VehicleMap(top.text("name"), messages, signals)


def _message(table: Table, base_id: int) -> MappedMessage:
    table.keys_must_be(*_MESSAGE_FIELDS)
    frame_id = table.whole("id", 0, MAX_STANDARD_ID)
    if frame_id in transmit_ids(base_id) or frame_id in DIAGNOSTIC_IDS:
        raise table.fail("id", f"0x{frame_id:X} is one that watchkeeper sends or is asked on")
    length = table.whole("length", 1, 8)
    counter = _bits(table.table("counter"), length, _BITS[:3]) if "counter" in table else None
    return MappedMessage(
        name=table.text("name"),
        id=frame_id,
        length=length,
        timeout_ms=table.whole("timeout_ms", 20, _LONGEST_TIMEOUT_MS, 500),
        counter=counter,
        checksum=_checksum(table.table("checksum"), length, counter) if "checksum" in table else None,
        max_lost=table.whole("max_lost", 0, 14, 4),
    )


def _checksum(table: Table, length: int, counter: Bits | None) -> Checksum:
    table.keys_must_be("kind", "byte", "data_ids")
    kind = table.choice("kind", CHECKSUM_KINDS)
    byte = table.whole("byte", 0, length - 1)
    data_ids: tuple[int, ...] = ()
    if kind == "e2e-p02":
        if counter is None:
            raise table.fail("kind", "e2e-p02 picks its Data ID by the counter; expected one in this message")
        data_ids = table.wholes("data_ids")
        if len(data_ids) != DATA_ID_COUNT or not all(0 <= data_id <= 255 for data_id in data_ids):
            raise table.fail("data_ids", f"expected {DATA_ID_COUNT} numbers of 0 to 255")
    return Checksum(kind, byte, data_ids)


def _bits(table: Table, length: int, known: tuple[str, ...] = _BITS) -> Bits:
    table.keys_must_be(*known)
    return read_bits(table, length)


def read_bits(table: Table, frame_length: int) -> Bits:
    """The fields start, length, order, signed of a table. Raises BadInputError for bits outside the frame."""
    bits = Bits(
        start=table.whole("start", 0, 63),
        length=table.whole("length", 1, 32),
        order=table.choice("order", _ORDERS) if "order" in table else "intel",
        signed=table.flag("signed"),
    )
    if bits.last_byte >= frame_length:
        raise table.fail("start", f"expected all bits inside the {frame_length} bytes of the message")
    return bits


def _condition(table: Table, length: int) -> Condition:
    table.keys_must_be(*_BITS, "equals")
    return Condition(read_bits(table, length), table.wholes("equals"))


def _signal(table: Table, name: str, lengths: Mapping[str, int]) -> MappedSignal:
    table.keys_must_be(*_SIGNAL_FIELDS)
    message = table.choice("message", tuple(lengths))
    length = lengths[message]
    conditions = {field: _condition(table.table(field), length) for field in ("valid", "negative") if field in table}
    common: dict[str, Any] = {
        "name": name, "message": message, "bits": read_bits(table, length),
        "not_available": table.wholes("not_available") if "not_available" in table else (), **conditions,
    }  # fmt: skip
    if name not in MEASUREMENTS:
        for field in ("scale", "offset", "range", "max_rate_per_s", "negative"):
            if field in table:
                raise table.fail(field, f"{name} is true or false; expected `equals` instead")
        return MappedSignal(**common, equals=table.wholes("equals") if "equals" in table else (1,))
    if "equals" in table:
        raise table.fail("equals", f"{name} is a measurement; expected scale, offset and range instead")
    low, high = table.pair("range")
    return MappedSignal(
        **common, low=low, high=high,
        scale=table.number("scale", default=1.0), offset=table.number("offset", default=0.0),
        max_rate_per_s=table.number("max_rate_per_s", default=0.0) or None,
    )  # fmt: skip
