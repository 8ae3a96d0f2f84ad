"""Published test vectors: 16 protected frames of every message, one a counter value, for an integrator's receiver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from watchkeeper.supervisor import e2e, layout
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, MESSAGES, Message, Signal, check_base_id


class Vector(TypedDict):
    """One protected frame; signals: its physical values, None for "not available"."""

    message: str
    id: int
    data_id_list: list[int]
    counter: int
    frame_hex: str
    signals: dict[str, float | None]


def vectors(base_id: int = DEFAULT_BASE_ID) -> list[Vector]:
    """The vectors of all messages in the contract's order. Raises BadInputError for an impossible base id.

    Counter 0 carries the lowest value of every signal, 1 the highest, 15 "not available"; between them the values
    spread over each signal's range.
    """
    check_base_id(base_id)
    return [vector for message in MESSAGES.values() for vector in _of_message(message, base_id)]


def _of_message(message: Message, base_id: int) -> Iterator[Vector]:
    for counter in range(e2e.COUNTER_MODULO):
        values = {
            signal.name: layout.to_physical(signal, _raw(signal, index, counter))
            for index, signal in enumerate(message.signals)
        }
        payload = e2e.protect(layout.pack(message, values), message.data_ids, counter)
        yield {
            "message": message.name,
            "id": message.frame_id(base_id),
            "data_id_list": list(message.data_ids),
            "counter": counter,
            "frame_hex": payload.hex(),
            "signals": layout.unpack(message, payload),
        }


def _raw(signal: Signal, index: int, counter: int) -> int:
    last = e2e.COUNTER_MODULO - 1
    if counter == last:
        return signal.raw_start if signal.sna is None else signal.sna
    # 7 steps a signal keep neighbours apart, so that a swapped pair of signals shows
    step = counter * (last - 1) if counter < 2 else (counter * 3 + index * 7) % last
    codes = sorted(code for code in signal.values if code != signal.sna)
    if codes:
        return codes[step * (len(codes) - 1) // (last - 1)]
    return signal.raw_low + step * (signal.raw_high - signal.raw_low) // (last - 1)
