"""The DBC of everything on the bus, generated from the spec."""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchkeeper import __version__
from watchkeeper.supervisor.e2e import COUNTER_MODULO
from watchkeeper.supervisor.layout import placed_signals, to_physical
from watchkeeper.supervisor.spec import (
    CONTRACT_VERSION,
    DEFAULT_BASE_ID,
    MESSAGES,
    PAYLOAD_BYTES,
    SENDER,
    VEHICLE,
    Message,
    Signal,
    check_base_id,
    dbc_hash,
)

_NEW_SYMBOLS = (
    "NS_DESC_", "CM_", "BA_DEF_", "BA_", "VAL_", "CAT_DEF_", "CAT_", "FILTER", "BA_DEF_DEF_", "EV_DATA_",
    "ENVVAR_DATA_", "SGTYPE_", "SGTYPE_VAL_", "BA_DEF_SGTYPE_", "BA_SGTYPE_", "SIG_TYPE_REF_", "VAL_TABLE_",
    "SIG_GROUP_", "SIG_VALTYPE_", "SIGTYPE_VALTYPE_", "BO_TX_BU_", "BA_DEF_REL_", "BA_REL_", "BA_DEF_DEF_REL_",
    "BU_SG_REL_", "BU_EV_REL_", "BU_BO_REL_", "SG_MUL_VAL_",
)  # fmt: skip
_SEND_TYPES = ("Cyclic", "OnChange", "NoMsgSendType")
# The protection's own two signals, the same in every message.
_CRC = Signal("CRC", 8, "AUTOSAR E2E profile 2: CRC-8 0x2F over bytes 1 to 7 and the counter's Data ID")
_COUNTER = Signal("Counter", 4, "AUTOSAR E2E profile 2: steps by one with each frame that went out, 0 to 15")
_CRC_BIT, _COUNTER_BIT = 0, 8


def all_signals(message: Message) -> Iterator[tuple[int, Signal]]:
    """(start bit, signal) of a whole frame: protection first, then the message's own."""
    yield _CRC_BIT, _CRC
    yield _COUNTER_BIT, _COUNTER
    yield from placed_signals(message)


def dbc_text(base_id: int = DEFAULT_BASE_ID) -> str:
    """The file's text, ASCII. Raises BadInputError for an impossible base id."""
    check_base_id(base_id)
    messages = tuple(MESSAGES.values())
    major, minor = CONTRACT_VERSION
    blocks = [
        f'VERSION "watchkeeper {__version__} contract {major}.{minor} 0x{dbc_hash():06X}"',
        "NS_ :\n" + "\n".join(f"\t{symbol}" for symbol in _NEW_SYMBOLS),
        "BS_:",
        f"BU_: {SENDER} {VEHICLE}",
        *(_message_block(message, base_id) for message in messages),
        "\n".join(_comments(messages, base_id)),
        "\n".join(_attributes(messages, base_id)),
        "\n".join(_value_tables(messages, base_id)),
    ]
    return "\n\n".join(blocks) + "\n"


def _number(value: float | None) -> str:
    assert value is not None
    return f"{value:.12g}"


def _message_block(message: Message, base_id: int) -> str:
    lines = [f"BO_ {message.frame_id(base_id)} {message.name}: {PAYLOAD_BYTES} {message.sender}"]
    for bit, signal in all_signals(message):
        low, high = (_number(to_physical(signal, raw)) for raw in (signal.raw_low, signal.raw_high))
        lines.append(
            f" SG_ {signal.name} : {bit}|{signal.bits}@1{'-' if signal.signed else '+'}"
            f" ({_number(signal.scale)},{_number(signal.offset)}) [{low}|{high}]"
            f' "{signal.unit}" {message.receiver}'
        )
    return "\n".join(lines)


def _text(comment: str) -> str:
    return re.sub(r'["\\]', "'", comment)


def _comments(messages: tuple[Message, ...], base_id: int) -> Iterator[str]:
    yield f'CM_ BU_ {SENDER} "watchkeeper driver monitoring";'
    yield f'CM_ BU_ {VEHICLE} "The vehicle: gives VEH_Input and receives everything else";'
    for message in messages:
        frame_id = message.frame_id(base_id)
        ids = ", ".join(str(data_id) for data_id in message.data_ids)
        yield (
            f'CM_ BO_ {frame_id} "{_text(message.comment)} Protected with AUTOSAR E2E profile 2;'
            f' Data ID list for counter 0 to {COUNTER_MODULO - 1}: {ids}.";'
        )
        for _, signal in all_signals(message):
            yield f'CM_ SG_ {frame_id} {signal.name} "{_text(signal.comment)}";'


def _attributes(messages: tuple[Message, ...], base_id: int) -> Iterator[str]:
    send_types = ",".join(f'"{name}"' for name in _SEND_TYPES)
    yield 'BA_DEF_ "BusType" STRING;'
    yield 'BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;'
    yield f'BA_DEF_ BO_ "GenMsgSendType" ENUM {send_types};'
    yield 'BA_DEF_ SG_ "GenSigStartValue" INT -2147483648 2147483647;'
    yield 'BA_DEF_DEF_ "BusType" "CAN";'
    yield 'BA_DEF_DEF_ "GenMsgCycleTime" 0;'
    yield 'BA_DEF_DEF_ "GenMsgSendType" "NoMsgSendType";'
    yield 'BA_DEF_DEF_ "GenSigStartValue" 0;'
    yield 'BA_ "BusType" "CAN";'
    for message in messages:
        frame_id = message.frame_id(base_id)
        yield f'BA_ "GenMsgCycleTime" BO_ {frame_id} {message.cycle_ms};'
        yield f'BA_ "GenMsgSendType" BO_ {frame_id} {_SEND_TYPES.index("Cyclic")};'
        for _, signal in all_signals(message):
            yield f'BA_ "GenSigStartValue" SG_ {frame_id} {signal.name} {signal.raw_start};'


def _value_tables(messages: tuple[Message, ...], base_id: int) -> Iterator[str]:
    for message in messages:
        for signal in message.signals:
            if signal.labels:
                entries = " ".join(f'{raw} "{label}"' for raw, label in sorted(signal.labels.items()))
                yield f"VAL_ {message.frame_id(base_id)} {signal.name} {entries} ;"
