"""The contract as a record, and what a change of it does to receivers that are already built. Pure.

    change = compare(old_record, spec_record())
    problem = version_problem(old_record, spec_record())     # None when the version number says what the change does

Breaking: a receiver built for the old contract would misread or reject what is sent now, or wait for what never comes.
Compatible: it misses something new and reads the rest as before. Neither: comments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from watchkeeper.supervisor.dbc import all_signals
from watchkeeper.supervisor.spec import CONTRACT_VERSION, MESSAGES, Message, Signal, dbc_hash

Record = Mapping[str, Any]


class Severity(IntEnum):
    """What a change does; the greater the worse."""

    NONE = 0
    COMPATIBLE = 1
    BREAKING = 2


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. what: message and signal, the old and the new."""

    severity: Severity
    what: str


def spec_record(
    messages: Iterable[Message] | None = None, version: tuple[int, int] = CONTRACT_VERSION
) -> dict[str, Any]:
    """Everything a receiver is built from, as plain JSON values; identifiers relative to the base identifier."""
    table = MESSAGES.values() if messages is None else messages
    return {
        "contract_version": list(version),
        "dbc_hash": f"0x{dbc_hash():06X}",
        "messages": {message.name: _message_record(message) for message in table},
    }


def _message_record(message: Message) -> dict[str, Any]:
    return {
        "id_offset": message.id_offset,
        "cycle_ms": message.cycle_ms,
        "sender": message.sender,
        "receiver": message.receiver,
        "data_ids": list(message.data_ids),
        "comment": message.comment,
        "signals": {signal.name: _signal_record(start, signal) for start, signal in all_signals(message)},
    }


def _signal_record(start: int, signal: Signal) -> dict[str, Any]:
    return {
        "start_bit": start,
        "bits": signal.bits,
        "signed": signal.signed,
        "scale": signal.scale,
        "offset": signal.offset,
        "unit": signal.unit,
        "low": signal.raw_low,
        "high": signal.raw_high,
        "sna": signal.sna,
        "start": signal.raw_start,
        "wraps": signal.wraps,
        "values": {str(raw): label for raw, label in sorted(signal.labels.items())},
        "comment": signal.comment,
    }


def compare(old: Record, new: Record) -> list[Change]:
    """The differences between two records, worst first."""
    changes = []
    for name, before in old["messages"].items():
        after = new["messages"].get(name)
        if after is None:
            changes.append(Change(Severity.BREAKING, f"{name}: is gone"))
        else:
            changes += _compare_message(name, before, after)
    added = [name for name in new["messages"] if name not in old["messages"]]
    changes += [Change(Severity.COMPATIBLE, f"{name}: is new") for name in added]
    return sorted(changes, key=lambda change: -change.severity)


def _compare_message(name: str, old: Record, new: Record) -> list[Change]:
    changes = _fields(name, old, new, ("id_offset", "cycle_ms", "sender", "receiver", "data_ids"), Severity.BREAKING)
    changes += _fields(name, old, new, ("comment",), Severity.NONE)
    for signal, before in old["signals"].items():
        after = new["signals"].get(signal)
        if after is None:
            changes.append(Change(Severity.BREAKING, f"{name}.{signal}: is gone"))
        else:
            changes += _compare_signal(f"{name}.{signal}", before, after)
    added = [signal for signal in new["signals"] if signal not in old["signals"]]
    # Bits that were 0 and that nobody read.
    return changes + [Change(Severity.COMPATIBLE, f"{name}.{signal}: is new") for signal in added]


def _compare_signal(name: str, old: Record, new: Record) -> list[Change]:
    fixed = ("start_bit", "bits", "signed", "scale", "offset", "unit", "sna", "wraps")
    changes = _fields(name, old, new, fixed, Severity.BREAKING)
    changes += _fields(name, old, new, ("start",), Severity.COMPATIBLE)
    changes += _fields(name, old, new, ("comment",), Severity.NONE)
    for raw, label in old["values"].items():
        if new["values"].get(raw) != label:
            changes.append(Change(Severity.BREAKING, f"{name}: code {raw} was {label}, is {new['values'].get(raw)}"))
    codes = [raw for raw in new["values"] if raw not in old["values"]]
    changes += [Change(Severity.COMPATIBLE, f"{name}: code {raw} ({new['values'][raw]}) is new") for raw in codes]
    # An enum's range follows its codes, which a receiver takes as "not available" where it does not know them. A
    # measurement's range is what a receiver checks against.
    enum = set(old["values"]) - {str(old["sna"])}
    if not enum:
        changes += _fields(name, old, new, ("low", "high"), Severity.BREAKING)
    elif (new["low"], new["high"]) != (old["low"], old["high"]) and not codes:
        changes.append(Change(Severity.BREAKING, f"{name}: range was {old['low']} to {old['high']}"))
    return changes


def _fields(name: str, old: Record, new: Record, fields: Iterable[str], severity: Severity) -> list[Change]:
    return [
        Change(severity, f"{name}: {field} was {old[field]}, is {new[field]}")
        for field in fields
        if old[field] != new[field]
    ]


def severity_of(changes: Iterable[Change]) -> Severity:
    """The worst of them."""
    return max((change.severity for change in changes), default=Severity.NONE)


def version_problem(old: Record, new: Record) -> str | None:
    """Why the new record's contract version does not fit its changes; None when it does."""
    (old_major, old_minor), (major, minor) = old["contract_version"], new["contract_version"]
    worst = severity_of(compare(old, new))
    least = {
        Severity.NONE: (old_major, old_minor),
        Severity.COMPATIBLE: (old_major, old_minor + 1),
        Severity.BREAKING: (old_major + 1, 0),
    }[worst]
    if (major, minor) >= least:
        return None
    return (
        f"the change is {worst.name.lower()}: expected contract version {least[0]}.{least[1]} or higher, "
        f"got {major}.{minor} (CONTRACT_VERSION in supervisor/spec.py)"
    )
