"""The contract as a page to read (Markdown): bit pictures, signals, value tables, timing, E2E Data IDs. Generated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from watchkeeper.supervisor.dbc import all_signals
from watchkeeper.supervisor.layout import to_physical
from watchkeeper.supervisor.spec import (
    CONTRACT_VERSION,
    DEFAULT_BASE_ID,
    MESSAGES,
    PAYLOAD_BYTES,
    Message,
    Signal,
    check_base_id,
    dbc_hash,
)

_CELL = 9  # characters a bit in the picture
_HEAD = """\
# The CAN contract

<!-- Generated from supervisor/spec.py by `watchkeeper dbc --as page --out docs/can.md`. Do not edit. -->

Contract {major}.{minor}, hash 0x{hash:06X} (DMS_Identity.DbcHash and the DBC's VERSION carry the same number).
Classic CAN, 500 kbit/s, 11-bit identifiers, 8 bytes a message, Intel byte order: a start bit is the least significant
bit of its signal, bit 0 is bit 0 of byte 0. Identifiers below are for the base identifier 0x{base:X}.

A receiver treats a code that its own table does not name as "not available". Bits that no signal owns are sent as 0 and
must not be read.
"""
_PROTECTION = """\
## Protection

AUTOSAR E2E profile 2 on every message. Byte 0 is the CRC-8 (polynomial 0x2F, initial value 0xFF, final XOR 0xFF) over
bytes 1 to 7 and then one Data ID; the counter in the low nibble of byte 1 picks it out of the message's list. The
counter steps by one with each frame that went out, 15 is followed by 0.

A receiver accepts a frame when its length is 8, its CRC holds, and its counter is 1 to 5 steps after that of the last
frame whose CRC held (a step above 1: frames were lost). The same counter again, or a greater step, is not accepted; the
next frame is judged from the new counter. What is not accepted is never read. `watchkeeper vectors` prints 16 frames a
message to test against; examples/receiver has a receiver in C.
"""


def page_text(base_id: int = DEFAULT_BASE_ID) -> str:
    """The whole page. Raises BadInputError for an impossible base id."""
    check_base_id(base_id)
    major, minor = CONTRACT_VERSION
    blocks = [
        _HEAD.format(major=major, minor=minor, hash=dbc_hash(), base=base_id),
        _timing(base_id),
        _PROTECTION,
        *(_message(message, base_id) for message in MESSAGES.values()),
    ]
    return "\n".join(blocks)


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _timing(base_id: int) -> str:
    rows = [
        (
            m.name, f"0x{m.frame_id(base_id):X}", f"{m.sender} to {m.receiver}", f"{m.cycle_ms} ms",
            f"{m.cycle_ms // 2} ms", f"{m.timeout_ms} ms",
        )
        for m in MESSAGES.values()
    ]  # fmt: skip
    return "\n".join([
        "## Messages, timing and time-outs\n",
        _table(("message", "identifier", "direction", "cycle", "never closer than", "time-out"), rows),
        "The sender keeps absolute deadlines and skips a slot it missed; it never sends a burst. A message without an "
        "accepted\nframe for its time-out is given up: all of its signals are then not available.\n",
    ])  # fmt: skip


def _message(message: Message, base_id: int) -> str:
    signals = [
        (
            f"`{s.name}`", f"{start}", f"{s.bits}", "signed" if s.signed else "unsigned",
            _number(s.scale), _number(s.offset), s.unit or "-", _range(s), _raw(s.sna), _raw(s.raw_start), s.comment,
        )
        for start, s in all_signals(message)
    ]  # fmt: skip
    header = ("signal", "start", "bits", "sign", "scale", "offset", "unit", "range", "SNA", "start value", "meaning")
    parts = [
        f"## {message.name} (0x{message.frame_id(base_id):X}, {message.cycle_ms} ms)\n",
        message.comment + "\n",
        "```\n" + "\n".join(_picture(message)) + "\n```\n",
        _table(header, signals),
        *_value_tables(message),
        f"E2E Data IDs for counter 0 to 15: {', '.join(map(str, message.data_ids))}.\n",
    ]
    return "\n".join(parts)


def _number(value: float) -> str:
    return f"{value:.12g}"


def _raw(value: int | None) -> str:
    return "-" if value is None else str(value)


def _range(signal: Signal) -> str:
    low, high = (to_physical(signal, raw) for raw in (signal.raw_low, signal.raw_high))
    assert low is not None
    assert high is not None
    return f"{_number(low)} to {_number(high)}"


def _value_tables(message: Message) -> Iterator[str]:
    for signal in message.signals:
        if signal.labels:
            codes = ", ".join(f"{raw} {label}" for raw, label in sorted(signal.labels.items()))
            yield f"`{signal.name}`: {codes}.\n"


def _picture(message: Message) -> Iterator[str]:
    """Eight rows of eight bits, most significant first; a signal in several bytes shows which of its bits are where."""
    owner: dict[int, tuple[Signal, int]] = {}
    for start, signal in all_signals(message):
        owner.update({start + bit: (signal, bit) for bit in range(signal.bits)})
    rule = "       +" + "+".join("-" * _CELL for _ in range(8)) + "+"
    yield "       |" + "|".join(f"bit {bit}".center(_CELL) for bit in range(7, -1, -1)) + "|"
    yield rule
    for byte in range(PAYLOAD_BYTES):
        cells = _cells([owner.get(byte * 8 + bit) for bit in range(7, -1, -1)])
        height = max(len(lines) for _, lines in cells)
        for line in range(height):
            label = f"byte {byte}" if line == 0 else ""
            content = "|".join(
                (lines[line] if line < len(lines) else "").center(width * (_CELL + 1) - 1) for width, lines in cells
            )
            yield f"{label:7}|{content}|"
        yield rule


def _cells(bits: list[tuple[Signal, int] | None]) -> list[tuple[int, list[str]]]:
    """(bits wide, lines of text) of each run of bits with the same owner in one byte."""
    runs: list[list[tuple[Signal, int] | None]] = []
    for bit in bits:
        if runs and (runs[-1][0][0] if runs[-1][0] else None) is (bit[0] if bit else None):
            runs[-1].append(bit)
        else:
            runs.append([bit])
    cells = []
    for run in runs:
        width = len(run) * (_CELL + 1) - 1
        first, last = run[0], run[-1]
        if first is None or last is None:
            cells.append((len(run), ["-"]))
            continue
        lines = _wrapped(first[0].name, width)
        if len(run) < first[0].bits:
            lines.append(f"{first[1]}" if len(run) == 1 else f"{first[1]}..{last[1]}")
        cells.append((len(run), lines))
    return cells


def _wrapped(name: str, width: int) -> list[str]:
    """A name in lines of at most `width`, broken at its capitals where that fits."""
    if len(name) <= width:
        return [name]
    lines = [""]
    for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|[0-9_]+", name):
        if len(lines[-1]) + len(part) <= width:
            lines[-1] += part
            continue
        pieces = [part[i : i + width] for i in range(0, len(part), width)]
        lines += pieces
    return [line for line in lines if line]
