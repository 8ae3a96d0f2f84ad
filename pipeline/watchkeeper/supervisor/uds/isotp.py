"""ISO-TP (ISO 15765-2:2016) on classic CAN with normal 11-bit addressing: one state machine, no thread, no clock.

    link = IsoTp()
    request = link.receive(frame_data, t_ns)      # a whole message, or None
    link.send(response, t_ns)
    while (data := link.due(t_ns)) is not None:   # the frame to put on the bus now
        if not bus.send(...): break               # it stays due
        link.sent(t_ns)

An own machine rather than the package can-isotp: that one reads its own clock and queues, wants python-can's messages
and would be the supervisor's first third-party import; tests use it as the second opinion instead. What it refuses is
counted, never raised: every byte sequence is an ordinary input.
"""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.clock import NS_PER_MS, NS_PER_S

MESSAGE_MAX = 4095
"""Longest message of a 12-bit first frame; a longer one announced is refused with flow status OVFLW (9.6.5.1)."""
BLOCK_SIZE = 8
"""Consecutive frames taken between two flow controls: less than the smallest queue a bus of ours has (ten frames)."""
SEPARATION_MS = 0
TIMEOUT_NS = NS_PER_S
"""N_As, N_Bs and N_Cr (clause 9.8, table 21)."""
WAITS_MAX = 10
"""Flow controls with WAIT in a row before the transmission is given up (N_WFTmax)."""
PADDING = 0xCC  # keeps the line free of stuff bits; ISO 15765-2 clause 10.4.2.1
_SINGLE, _FIRST, _CONSECUTIVE, _FLOW = 0, 1, 2, 3
_CONTINUE, _WAIT, _OVERFLOW = 0, 1, 2


@dataclass(slots=True)
class _Incoming:
    """A segmented message on its way in."""

    length: int
    data: bytearray
    deadline_ns: int
    sequence: int = 1
    left_in_block: int = BLOCK_SIZE


@dataclass(slots=True)
class _Outgoing:
    """A message on its way out. waiting: for the receiver's flow control. block_left: None for no limit."""

    data: bytes
    deadline_ns: int
    position: int = 0
    sequence: int = 1
    waiting: bool = False
    waits: int = 0
    block_left: int | None = None
    separation_ns: int = 0
    not_before_ns: int = 0


class IsoTp:
    """One pair of identifiers: what the tester sends here, what goes back. Both directions at once are possible."""

    def __init__(self) -> None:
        self._in: _Incoming | None = None
        self._out: _Outgoing | None = None
        self._flow: bytes | None = None  # a flow control of ours that is due
        self.errors = 0  # messages given up, either way

    @property
    def sending(self) -> bool:
        """Whether a message is on its way out."""
        return self._out is not None

    @property
    def receiving(self) -> bool:
        """Whether a segmented message is on its way in."""
        return self._in is not None

    def receive(self, data: bytes, t_ns: int) -> bytes | None:
        """Take in one frame's data bytes; the message that it completes, else None."""
        self._expire(t_ns)
        if not data:
            return None
        kind = data[0] >> 4
        if kind == _SINGLE:
            return self._single(data)
        if kind == _FIRST:
            self._first(data, t_ns)
        elif kind == _CONSECUTIVE:
            return self._consecutive(data, t_ns)
        elif kind == _FLOW:
            self._flow_control(data, t_ns)
        return None  # other types are reserved: ignored (9.6.6)

    def send(self, message: bytes, t_ns: int) -> bool:
        """Begin to send a message of 1 to MESSAGE_MAX bytes. False: one is still on its way, or the length is wrong."""
        if self._out is not None or not 1 <= len(message) <= MESSAGE_MAX:
            return False
        self._out = _Outgoing(message, t_ns + TIMEOUT_NS)
        return True

    def due(self, t_ns: int) -> bytes | None:
        """Data of the frame to be sent now, None for none. Call `sent` once it left."""
        self._expire(t_ns)
        if self._flow is not None:
            return _padded(self._flow)
        out = self._out
        if out is None or out.waiting or t_ns < out.not_before_ns:
            return None
        if out.position:
            return _padded(bytes((0x20 | out.sequence,)) + out.data[out.position : out.position + 7])
        if len(out.data) <= 7:
            return _padded(bytes((len(out.data),)) + out.data)
        return bytes((0x10 | len(out.data) >> 8, len(out.data) & 0xFF)) + out.data[:6]

    def sent(self, t_ns: int) -> None:
        """The frame that `due` gave has left."""
        if self._flow is not None:
            self._flow = None
            return
        out = self._out
        if out is None:
            return
        out.deadline_ns = t_ns + TIMEOUT_NS
        if not out.position:
            out.position = 6 if len(out.data) > 7 else len(out.data)
            out.waiting = len(out.data) > 7
        else:
            out.position += 7
            out.sequence = (out.sequence + 1) & 0xF
            out.not_before_ns = t_ns + out.separation_ns
            if out.block_left is not None:
                out.block_left -= 1
                out.waiting = out.block_left == 0
        if out.position >= len(out.data):
            self._out = None

    def _single(self, data: bytes) -> bytes | None:
        length = data[0] & 0xF
        if not 1 <= length <= min(7, len(data) - 1):
            return None  # 9.6.2.2: ignored
        self._abandon()  # an unexpected new message ends the old one (9.8.3)
        return bytes(data[1 : 1 + length])

    def _first(self, data: bytes, t_ns: int) -> None:
        if len(data) < 8:
            return
        length = (data[0] & 0xF) << 8 | data[1]
        if not length:  # 32-bit length follows: longer than anything taken here
            self._abandon()
            self._flow = bytes((0x30 | _OVERFLOW, 0, 0))
            self.errors += 1
        elif length > 7:  # shorter would have been a single frame: ignored (9.6.3.2)
            self._abandon()
            self._in = _Incoming(length, bytearray(data[2:8]), t_ns + TIMEOUT_NS)
            self._flow = bytes((0x30 | _CONTINUE, BLOCK_SIZE, SEPARATION_MS))

    def _consecutive(self, data: bytes, t_ns: int) -> bytes | None:
        incoming = self._in
        if incoming is None:
            return None
        part = data[1 : 1 + incoming.length - len(incoming.data)]
        whole = len(incoming.data) + len(part) == incoming.length
        if data[0] & 0xF != incoming.sequence or (len(part) < 7 and not whole):
            self._abandon()
            return None
        incoming.data += part
        if whole:
            self._in = None
            return bytes(incoming.data)
        incoming.sequence = (incoming.sequence + 1) & 0xF
        incoming.deadline_ns = t_ns + TIMEOUT_NS
        incoming.left_in_block -= 1
        if not incoming.left_in_block:
            incoming.left_in_block = BLOCK_SIZE
            self._flow = bytes((0x30 | _CONTINUE, BLOCK_SIZE, SEPARATION_MS))
        return None

    def _flow_control(self, data: bytes, t_ns: int) -> None:
        out = self._out
        if out is None or not out.waiting or len(data) < 3:
            return
        status = data[0] & 0xF
        if status == _CONTINUE:
            out.waiting, out.waits = False, 0
            out.block_left = data[1] or None
            out.separation_ns = _separation_ns(data[2])
            out.not_before_ns = t_ns
            out.deadline_ns = t_ns + TIMEOUT_NS
        elif status == _WAIT and out.waits < WAITS_MAX:
            out.waits += 1
            out.deadline_ns = t_ns + TIMEOUT_NS
        else:  # OVFLW, a reserved status (N_INVALID_FS) or too many waits
            self._out = None
            self.errors += 1

    def _abandon(self) -> None:
        if self._in is not None:
            self._in, self._flow = None, None
            self.errors += 1

    def _expire(self, t_ns: int) -> None:
        if self._in is not None and t_ns > self._in.deadline_ns:
            self._abandon()
        if self._out is not None and t_ns > self._out.deadline_ns:
            self._out = None
            self.errors += 1


def _separation_ns(code: int) -> int:
    """STmin (9.6.5.4, table 20): ms, or 100 us steps from 0xF1 to 0xF9; reserved codes count as the longest."""
    if code <= 0x7F:
        return code * NS_PER_MS
    if 0xF1 <= code <= 0xF9:
        return (code - 0xF0) * NS_PER_MS // 10
    return 0x7F * NS_PER_MS


def _padded(data: bytes) -> bytes:
    return data + bytes((PADDING,)) * (8 - len(data))
