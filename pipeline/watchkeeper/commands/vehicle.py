"""`vehicle compile`, `vehicle check`: from an integrator's DBC and a mapping of names to the numbers that run on board.

Compiling needs cantools (`pip install watchkeeper[vehicle]`) and happens on a PC; `run --vehicle` reads the result.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from watchkeeper.errors import BadInputError
from watchkeeper.files import write_atomically
from watchkeeper.settings_table import Table, read_table
from watchkeeper.supervisor.vehicle_file import read_vehicle_file
from watchkeeper.supervisor.vehicle_map import CHECKSUM_KINDS, MEASUREMENTS, SIGNAL_NAMES

_MESSAGE_FIELDS = ("timeout_ms", "counter", "checksum", "max_lost")
_SIGNAL_FIELDS = (
    "message", "signal", "scale", "offset", "range", "max_rate_per_s", "not_available", "equals", "valid", "negative",
)  # fmt: skip


def run_check(args: argparse.Namespace) -> int:
    """Read a vehicle file as the supervisor does and say what it makes of it."""
    vehicle = read_vehicle_file(args.file)
    rows = []
    for signal in vehicle.signals:
        message = next(m for m in vehicle.messages if m.name == signal.message)
        rows.append({
            "signal": signal.name, "message": message.name, "id": message.id, "timeout_ms": message.timeout_ms,
            "counter": message.counter is not None, "checksum": message.checksum.kind if message.checksum else None,
        })  # fmt: skip
    if args.json:
        print(json.dumps({"name": vehicle.name, "signals": rows}, indent=2))
        return 0
    print(f"{vehicle.name}: {len(vehicle.messages)} messages")
    for row in rows:
        checks = [*(["counter"] if row["counter"] else []), *([str(row["checksum"])] if row["checksum"] else [])]
        print(f"{row['signal']:14} 0x{row['id']:03X} {row['message']:24} time-out {row['timeout_ms']} ms, "
              f"{' and '.join(checks) or 'not protected'}")  # fmt: skip
    missing = [name for name in SIGNAL_NAMES if name not in {row["signal"] for row in rows}]
    if missing:
        print(f"always unknown: {', '.join(missing)}")
    return 0


def run_compile(args: argparse.Namespace) -> int:
    """Write the vehicle file for a mapping. Raises BadInputError naming line and field, and for a missing cantools."""
    text = compile_mapping(args.mapping, args.dbc)
    if args.out is None:
        sys.stdout.write(text)
    else:
        write_atomically(args.out, text)
        read_vehicle_file(args.out)
    return 0


def compile_mapping(path: Path, dbc: Path | None = None) -> str:
    """The vehicle file of a mapping; dbc: instead of the one the mapping names (relative to it)."""
    top = read_table(path)
    top.keys_must_be("name", "source", "dbc", "messages", "signals")
    dbc_path = dbc if dbc is not None else path.parent / top.text("dbc")
    database = _load_dbc(dbc_path)
    signals = top.table("signals")
    signals.keys_must_be(*SIGNAL_NAMES)
    protection = top.table("messages") if "messages" in top else None
    used: dict[str, Any] = {}
    lines: list[str] = []
    for name in (name for name in SIGNAL_NAMES if name in signals):
        lines += ["", f"[signal.{name}]", *_signal_lines(signals.table(name), name, database, dbc_path, used)]
    if protection is not None:
        protection.keys_must_be(*used)
    head = [
        f"# Made by `watchkeeper vehicle compile {path.name}`: numbers only, read by `run --vehicle`. Do not edit.",
        f"name = {_toml(top.text('name'))}",
        f"source = {_toml(top.text('source'))}",
    ]
    for name, message in used.items():
        table = protection.table(name) if protection is not None and name in protection else None
        head += ["", "[[message]]", *_message_lines(table, message)]
    return "\n".join([*head, *lines]) + "\n"


def _load_dbc(path: Path) -> Any:
    try:
        database = importlib.import_module("cantools.database")
    except ImportError:
        raise BadInputError("compiling needs cantools: pip install 'watchkeeper[vehicle]'") from None
    try:
        return database.load_file(str(path), database_format="dbc", strict=False)
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from None
    except Exception as error:  # whatever its parser makes of a broken file
        raise BadInputError.at(path, f"expected a DBC: {' '.join(str(error).split())}") from None


def _find(items: Any, name: str, table: Table, key: str, where: str) -> Any:
    for item in items:
        if item.name == name:
            return item
    raise table.fail(key, f"{where} has no {name!r}")


def _signal_lines(table: Table, name: str, database: Any, dbc: Path, used: dict[str, Any]) -> list[str]:
    table.keys_must_be(*_SIGNAL_FIELDS)
    message = _find(database.messages, table.text("message"), table, "message", str(dbc))
    if message.is_extended_frame or message.length > 8:
        raise table.fail("message", f"{message.name}: expected a classic frame with an 11-bit identifier")
    used[message.name] = message
    signal = _plain(message, table, "signal")
    lines = [f"message = {_toml(message.name)}", *_bits(signal)]
    if name in MEASUREMENTS:
        factor = table.number("scale", default=1.0)
        low, high = table.pair("range")
        lines += [
            f"scale = {float(signal.scale) * factor:.12g}",
            f"offset = {float(signal.offset) * factor + table.number('offset', default=0.0):.12g}",
            f"range = [{low:.12g}, {high:.12g}]",
        ]
        if "max_rate_per_s" in table:
            lines.append(f"max_rate_per_s = {table.number('max_rate_per_s', default=0.0):.12g}")
    elif "equals" in table:
        lines.append(f"equals = {list(table.wholes('equals'))}")
    if "not_available" in table:
        lines.append(f"not_available = {list(table.wholes('not_available'))}")
    for field in ("valid", "negative"):
        if field in table:
            inner = table.table(field)
            inner.keys_must_be("signal", "equals")
            parts = [*_bits(_plain(message, inner, "signal")), f"equals = {list(inner.wholes('equals'))}"]
            lines.append(f"{field} = {{ {', '.join(parts)} }}")
    return lines


def _plain(message: Any, table: Table, key: str) -> Any:
    """A signal that is always there and a whole number. Raises BadInputError for a multiplexed or floating one."""
    signal = _find(message.signals, table.text(key), table, key, message.name)
    if signal.multiplexer_ids or signal.is_multiplexer or signal.is_float or signal.length > 32:
        raise table.fail(key, f"{signal.name}: expected a plain whole number of at most 32 bits, not multiplexed")
    return signal


def _bits(signal: Any) -> list[str]:
    order = "intel" if signal.byte_order == "little_endian" else "motorola"
    lines = [f"start = {signal.start}", f"length = {signal.length}", f'order = "{order}"']
    return [*lines, "signed = true"] if signal.is_signed else lines


def _message_lines(table: Table | None, message: Any) -> list[str]:
    lines = [f"name = {_toml(message.name)}", f"id = 0x{message.frame_id:X}", f"length = {message.length}"]
    if table is None:
        return lines
    table.keys_must_be(*_MESSAGE_FIELDS)
    if "timeout_ms" in table:
        lines.append(f"timeout_ms = {table.whole('timeout_ms', 20, 10_000)}")
    if "max_lost" in table:
        lines.append(f"max_lost = {table.whole('max_lost', 0, 14)}")
    if "counter" in table:
        lines.append(f"counter = {{ {', '.join(_bits(_plain(message, table, 'counter')))} }}")
    if "checksum" in table:
        inner = table.table("checksum")
        inner.keys_must_be("signal", "kind", "data_ids")
        signal = _plain(message, inner, "signal")
        low = signal.start if signal.byte_order == "little_endian" else signal.start - 7
        if signal.length != 8 or low % 8:
            raise inner.fail("signal", f"{signal.name}: expected a whole byte")
        parts = [f"kind = {_toml(inner.choice('kind', CHECKSUM_KINDS))}", f"byte = {low // 8}"]
        if "data_ids" in inner:
            parts.append(f"data_ids = {list(inner.wholes('data_ids'))}")
        lines.append(f"checksum = {{ {', '.join(parts)} }}")
    return lines


def _toml(text: str) -> str:
    return json.dumps(text)  # a TOML basic string is a JSON string as far as these texts go
