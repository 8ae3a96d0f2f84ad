"""Whether a table of messages is a sound contract: every rule of can.md that a table can break. Pure.

    problems = lint()          # of the shipped spec; [] when nothing is wrong

Each problem is one line naming message and signal, what is wrong and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from watchkeeper.supervisor.dbc import all_signals
from watchkeeper.supervisor.e2e import DATA_ID_COUNT
from watchkeeper.supervisor.spec import (
    DEFAULT_BASE_ID,
    DIAGNOSTIC_IDS,
    MAX_STANDARD_ID,
    MESSAGES,
    PAYLOAD_BYTES,
    SENDER,
    VEHICLE,
    Message,
    Signal,
)

_NODES = (SENDER, VEHICLE)
# A DBC symbol; longer than 32 characters many tools cut off.
_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CYCLES_MS = (10, 1000)
_CYCLE_STEP_MS = 10


def lint(messages: Iterable[Message] | None = None, base_id: int = DEFAULT_BASE_ID) -> list[str]:
    """Everything wrong with `messages` (default: the shipped spec), in their order."""
    table = tuple(MESSAGES.values() if messages is None else messages)
    problems = [*_between_messages(table, base_id)]
    for message in table:
        problems += [f"{message.name}: {problem}" for problem in _of_message(message)]
        placed = tuple(all_signals(message))
        problems += [f"{message.name}: {problem}" for problem in overlaps(placed)]
        for _, signal in placed:
            problems += [f"{message.name}.{signal.name}: {problem}" for problem in _of_signal(signal)]
    return problems


def overlaps(placed: Iterable[tuple[int, Signal]]) -> Iterator[str]:
    """Bits that two signals claim, and bits beyond the payload. placed: (start bit, signal), Intel numbering."""
    owners: dict[int, str] = {}
    for start, signal in placed:
        clash: set[str] = set()
        for bit in range(start, start + signal.bits):
            if bit in owners:
                clash.add(owners[bit])
            owners[bit] = signal.name
        for other in sorted(clash):
            yield f"{signal.name} overlaps {other}"
        if start + signal.bits > PAYLOAD_BYTES * 8:
            yield f"{signal.name} ends at bit {start + signal.bits - 1}; the last one is {PAYLOAD_BYTES * 8 - 1}"


def _between_messages(table: tuple[Message, ...], base_id: int) -> Iterator[str]:
    names: set[str] = set()
    ids: dict[int, str] = {}
    data_ids: dict[tuple[int, int], str] = {}
    for message in table:
        if message.name in names:
            yield f"{message.name}: two messages of this name"
        names.add(message.name)
        frame_id = message.frame_id(base_id)
        if frame_id in ids:
            yield f"{message.name}: identifier 0x{frame_id:X} is {ids[frame_id]}'s too"
        ids[frame_id] = message.name
        if not 0 <= frame_id <= MAX_STANDARD_ID:
            yield f"{message.name}: identifier 0x{frame_id:X}: expected 11 bits"
        elif frame_id in DIAGNOSTIC_IDS:
            yield f"{message.name}: identifier 0x{frame_id:X} is a diagnostic one"
        # A Data ID shared at one counter value would let a frame pass as another message's.
        for counter, data_id in enumerate(message.data_ids):
            other = data_ids.setdefault((counter, data_id), message.name)
            if other != message.name:
                yield f"{message.name}: Data ID {data_id} at counter {counter} is {other}'s too"


def _of_message(message: Message) -> Iterator[str]:
    if not _SYMBOL.fullmatch(message.name):
        yield "expected a name of at most 32 letters, digits and underscores"
    low, high = _CYCLES_MS
    if not low <= message.cycle_ms <= high or message.cycle_ms % _CYCLE_STEP_MS:
        yield f"cycle {message.cycle_ms} ms: expected {low} to {high} ms in steps of {_CYCLE_STEP_MS}"
    for role, node, other in (
        ("sender", message.sender, message.receiver),
        ("receiver", message.receiver, message.sender),
    ):
        if node not in _NODES or node == other:
            yield f"{role} {node!r}: expected one of {', '.join(_NODES)}, and another one than its opposite"
    if len(message.data_ids) != DATA_ID_COUNT or not all(0 <= data_id <= 255 for data_id in message.data_ids):
        yield f"Data ID list: expected {DATA_ID_COUNT} numbers of 0 to 255"
    elif len(set(message.data_ids)) != DATA_ID_COUNT:
        yield "Data ID list: expected every number once, so that a wrong counter shows in the CRC"
    yield from _of_comment(message.comment)
    names = [signal.name for _, signal in all_signals(message)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"two signals of the name {name}"


def _of_comment(comment: str) -> Iterator[str]:
    if not comment.strip():
        yield "expected a comment"
    elif not comment.isascii() or not comment.isprintable() or '"' in comment:
        yield "comment: expected printable ASCII without double quotes"


def _of_signal(signal: Signal) -> Iterator[str]:
    if not _SYMBOL.fullmatch(signal.name):
        yield "expected a name of at most 32 letters, digits and underscores"
    if not 1 <= signal.bits <= 32:
        yield f"{signal.bits} bits: expected 1 to 32"
        return
    if not signal.scale > 0:
        yield f"scale {signal.scale:g}: expected above 0"
    if not signal.unit.isascii() or '"' in signal.unit:
        yield f"unit {signal.unit!r}: expected ASCII"
    yield from _of_comment(signal.comment)
    yield from _of_codes(signal)


def _of_codes(signal: Signal) -> Iterator[str]:
    lowest = -(1 << (signal.bits - 1)) if signal.signed else 0
    highest = (1 << (signal.bits - (1 if signal.signed else 0))) - 1
    low, high = signal.raw_low, signal.raw_high
    if not lowest <= low < high <= highest:
        yield f"range {low} to {high}: expected two rising values that {signal.bits} bits can hold"
    if signal.sna is not None:
        if not lowest <= signal.sna <= highest:
            yield f"SNA code {signal.sna}: expected one that {signal.bits} bits can hold"
        if low <= signal.sna <= high:
            yield f"SNA code {signal.sna}: lies inside the range {low} to {high}"
        if signal.labels[signal.sna] != "SNA":
            yield f"SNA code {signal.sna}: its label is {signal.labels[signal.sna]!r}, expected SNA"
        if signal.wraps:
            yield "a rolling counter always has a value; expected no SNA code"
    elif signal.unit:
        yield "a measurement needs a code for not available; expected an SNA code"
    start = signal.raw_start
    if not (low <= start <= high or start == signal.sna):
        yield f"start value {start}: expected one of the range {low} to {high} or the SNA code"
    for raw, label in signal.values.items():
        if raw != signal.sna and not low <= raw <= high:
            yield f"value {raw} ({label}): outside the range {low} to {high}"
    labels = list(signal.labels.values())
    if len(set(labels)) != len(labels) or not all(_LABEL.fullmatch(label) for label in labels):
        yield "value table: expected a different name of letters, digits and underscores for each code"
