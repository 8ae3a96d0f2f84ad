"""Protected frames out of signal values, and signal values out of frames.

encoder = Encoder()
frame = encoder.encode("DMS_Status", {"SystemState": SystemState.ACTIVE, "FrameAge": 31.0})
if bus.send(frame):
    encoder.sent("DMS_Status")  # only now does the counter step
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchkeeper.supervisor import e2e, layout
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, MESSAGES, Message, check_base_id


@dataclass(frozen=True, slots=True)
class CanFrame:
    """A classic CAN data frame with an 11-bit identifier."""

    id: int
    data: bytes


class Encoder:
    """Packs and protects frames; holds one E2E counter a message. Raises BadInputError for an impossible base id."""

    def __init__(self, base_id: int = DEFAULT_BASE_ID) -> None:
        self.base_id = check_base_id(base_id)
        self._counters = dict.fromkeys(MESSAGES, 0)

    def encode(self, name: str, values: Mapping[str, float | None]) -> CanFrame:
        """The frame of message `name` with the counter of its next transmission.

        Values saturate; None is "not available"; signals left out carry their start value. Encoding twice without
        `sent` gives the same counter: what did not leave is not counted.
        """
        message = MESSAGES[name]
        payload = e2e.protect(layout.pack(message, values), message.data_ids, self._counters[name])
        return CanFrame(message.frame_id(self.base_id), payload)

    def sent(self, name: str) -> None:
        """Call once for each frame that really went out."""
        self._counters[name] = (self._counters[name] + 1) % e2e.COUNTER_MODULO


def message_of(frame_id: int, base_id: int = DEFAULT_BASE_ID) -> Message | None:
    """The message on an identifier, None for one that is not ours."""
    for message in MESSAGES.values():
        if message.frame_id(base_id) == frame_id:
            return message
    return None


@dataclass(frozen=True, slots=True)
class Decoded:
    """A frame's content. values: physical, None = not available. crc_ok: the E2E CRC holds."""

    name: str
    counter: int
    crc_ok: bool
    values: dict[str, float | None]


def decode(frame: CanFrame, base_id: int = DEFAULT_BASE_ID) -> Decoded | None:
    """Content of one of our frames; None for another identifier or a length other than 8."""
    message = message_of(frame.id, base_id)
    if message is None or len(frame.data) != 8:
        return None
    crc_ok = frame.data[0] == e2e.frame_crc(frame.data, message.data_ids)
    return Decoded(message.name, frame.data[1] & 0x0F, crc_ok, layout.unpack(message, frame.data))
