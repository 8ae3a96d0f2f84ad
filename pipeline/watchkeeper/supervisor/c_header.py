"""The contract as one C header for receivers: identifiers, Data IDs, time-outs, codes, an unpack function a message.

Plain C99, no library but <stdint.h> and <stdbool.h>, nothing allocated. Generated into examples/receiver.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchkeeper.supervisor.layout import placed_signals
from watchkeeper.supervisor.spec import (
    CONTRACT_VERSION,
    DEFAULT_BASE_ID,
    TRANSMITTED,
    Message,
    Signal,
    check_base_id,
    dbc_hash,
)

_TOP = """\
/* The watchkeeper CAN contract {major}.{minor} for a receiver in C99. Generated from supervisor/spec.py by
 * `watchkeeper dbc --as c --out examples/receiver/dms_contract.h`. Do not edit. */
#ifndef DMS_CONTRACT_H
#define DMS_CONTRACT_H

#include <stdbool.h>
#include <stdint.h>

#define DMS_CONTRACT_HASH 0x{hash:06X}u /* what DMS_Identity.DbcHash must be */
#define DMS_BASE_ID 0x{base:X}u
#define DMS_PAYLOAD_BYTES 8u
"""
_BITS = """\
/* `length` bits from bit `start` of an 8-byte payload, Intel order. */
static inline uint32_t dms_bits(const uint8_t *data, unsigned start, unsigned length) {
    uint64_t word = 0;
    for (unsigned i = 0; i < DMS_PAYLOAD_BYTES; i++) word |= (uint64_t)data[i] << (8u * i);
    return (uint32_t)((word >> start) & ((UINT64_C(1) << length) - 1u));
}

static inline int32_t dms_signed(uint32_t raw, unsigned length) {
    return (raw >> (length - 1u)) ? (int32_t)raw - (int32_t)(UINT32_C(1) << length) : (int32_t)raw;
}
"""


def header_text(base_id: int = DEFAULT_BASE_ID) -> str:
    """The header. Raises BadInputError for an impossible base id."""
    check_base_id(base_id)
    major, minor = CONTRACT_VERSION
    blocks = [
        _TOP.format(major=major, minor=minor, hash=dbc_hash(), base=base_id),
        "\n".join(_message_table(base_id)),
        *(block for message in TRANSMITTED for block in _codes(message)),
        _BITS,
        *(_struct(message) for message in TRANSMITTED),
        "#endif\n",
    ]
    return "\n".join(blocks)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _message_table(base_id: int) -> Iterator[str]:
    yield "/* In the order of the tables below. */"
    yield "enum dms_message {"
    yield from (f"    {m.name.upper()}," for m in TRANSMITTED)
    yield "    DMS_MESSAGES\n};\n"
    yield "struct dms_message_info {"
    yield "    const char *name;\n    uint32_t id;\n    uint32_t cycle_ms;"
    yield "    uint32_t timeout_ms; /* without an accepted frame; then nothing in it is available */"
    yield "    uint8_t data_ids[16];\n};\n"
    yield "static const struct dms_message_info dms_messages[DMS_MESSAGES] = {"
    for m in TRANSMITTED:
        ids = ", ".join(str(data_id) for data_id in m.data_ids)
        yield f'    {{"{m.name}", 0x{m.frame_id(base_id):X}u, {m.cycle_ms}u, {m.timeout_ms}u,'
        yield f"     {{{ids}}}}},"
    yield "};\n"


def _codes(message: Message) -> Iterator[str]:
    for signal in message.signals:
        prefix = f"{message.name}_{_snake(signal.name)}".upper()
        if signal.values:
            rows = "\n".join(
                f"    {prefix}_{_snake(label).upper()} = {raw}," for raw, label in sorted(signal.labels.items())
            )
            yield f"enum {prefix.lower()} {{\n{rows}\n}};\n"
        elif signal.sna is not None:
            yield f"#define {prefix}_SNA ({signal.sna}) /* not available */\n"


def _struct(message: Message) -> str:
    name = message.name.lower()
    fields, reads = [], []
    for start, signal in placed_signals(message):
        field = _snake(signal.name)
        fields.append(f"    {_c_type(signal)} {field}; /* {_meaning(signal)} */")
        bits = f"dms_bits(data, {start}u, {signal.bits}u)"
        if signal.signed:
            bits = f"dms_signed({bits}, {signal.bits}u)"
        reads.append(f"    out->{field} = ({_c_type(signal)}){bits};")
    struct = f"/* Raw values of {message.name}. */\nstruct {name} {{\n" + "\n".join(fields) + "\n};\n"
    return (
        f"{struct}\nstatic inline void {name}_unpack(const uint8_t *data, struct {name} *out) {{\n"
        + "\n".join(reads)
        + "\n}\n"
    )


def _c_type(signal: Signal) -> str:
    size = next(size for size in (8, 16, 32) if signal.bits <= size)
    return f"int{size}_t" if signal.signed else f"uint{size}_t"


def _meaning(signal: Signal) -> str:
    scale = f"raw * {signal.scale:g}"
    if signal.offset:
        scale += f" {'-' if signal.offset < 0 else '+'} {abs(signal.offset):g}"
    physical = f"{scale} {signal.unit}; " if signal.unit else ""
    return physical + signal.comment.replace("*/", "* /")
