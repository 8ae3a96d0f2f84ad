"""Requests off the bus and responses onto it: by the kernel's ISO-TP where there is one, else by our own.

Functional requests (0x7DF) are single frames and come through the bus's own receive path either way. Every call returns
at once; a response is paced so that at most FRAMES_PER_STEP of its frames stand in front of a cyclic one.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Protocol

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.spec import DIAGNOSTIC_IDS
from watchkeeper.supervisor.uds.isotp import MESSAGE_MAX, PADDING, IsoTp

REQUEST_ID, RESPONSE_ID, FUNCTIONAL_ID = DIAGNOSTIC_IDS
FRAMES_PER_STEP = 4
"""1 ms of a bus with 500 kbit/s; a step is made every 10 ms."""

# include/uapi/linux/can/isotp.h; by number, because which of them `socket` knows depends on how Python was built
_CAN_ISOTP, _SOL_CAN_ISOTP = 6, 106
_OPTIONS, _FLOW_OPTIONS = 1, 2  # CAN_ISOTP_OPTS, CAN_ISOTP_RECV_FC
_TX_PADDING = 0x04
_REOPEN_AFTER_NS = NS_PER_S
_MESSAGES_PER_STEP = 16
_FRAME_GAP_NS = NS_PER_MS  # between two frames of a response, besides the tester's own, so that cyclic ones fit in
_GONE = (errno.ENODEV, errno.ENXIO, errno.EBADF, errno.EADDRNOTAVAIL, errno.ENOTCONN)


class Transport(Protocol):
    """ISO-TP with one tester at a time. errors: messages given up, either way."""

    @property
    def errors(self) -> int: ...

    @property
    def sending(self) -> bool:
        """Whether a response is still on its way out."""

    @property
    def receive_ids(self) -> tuple[int, ...]:
        """Identifiers that `receive` wants to see."""

    def receive(self, frames: Iterable[CanFrame], t_ns: int) -> list[tuple[bytes, bool]]:
        """(request, whether functionally addressed) of all that is complete."""

    def send(self, response: bytes, t_ns: int) -> bool:
        """Begin to send; False: not possible now."""

    def step(self, t_ns: int) -> None:
        """Put on the bus what is due."""

    def close(self) -> None:
        """Let go."""


class FrameTransport:
    """Our own state machine over the frames of any bus. send: puts one frame with RESPONSE_ID on the bus, or not."""

    receive_ids = (REQUEST_ID, FUNCTIONAL_ID)

    def __init__(self, send: Callable[[CanFrame], bool]) -> None:
        self._put = send
        self._link = IsoTp()

    @property
    def errors(self) -> int:
        """Messages given up."""
        return self._link.errors

    @property
    def sending(self) -> bool:
        """As in Transport."""
        return self._link.sending

    def receive(self, frames: Iterable[CanFrame], t_ns: int) -> list[tuple[bytes, bool]]:
        """As in Transport."""
        requests = []
        for frame in frames:
            if frame.id == FUNCTIONAL_ID:
                requests += functional_request(frame.data)
            elif frame.id == REQUEST_ID:
                request = self._link.receive(frame.data, t_ns)
                if request is not None:
                    requests.append((request, False))
        return requests

    def send(self, response: bytes, t_ns: int) -> bool:
        """As in Transport."""
        return self._link.send(response, t_ns)

    def step(self, t_ns: int) -> None:
        """As in Transport."""
        for _ in range(FRAMES_PER_STEP):
            data = self._link.due(t_ns)
            if data is None or not self._put(CanFrame(RESPONSE_ID, data)):
                return  # what did not leave stays due
            self._link.sent(t_ns)

    def close(self) -> None:
        """Nothing is held."""


class KernelTransport:
    """The kernel's ISO-TP socket on one CAN interface (Linux 5.10 or newer with can-isotp). It can send RESPONSE_ID
    only.

    An interface that goes away is tried again every second. Raises OSError when the kernel or this Python has no
    ISO-TP.
    """

    receive_ids = (FUNCTIONAL_ID,)

    def __init__(self, interface: str) -> None:
        self._interface = interface
        self.errors = 0
        self._waiting: bytes | None = None  # a response that the kernel had no room for
        self._next_try_ns = 0
        self._socket: socket.socket | None = self._open()

    @property
    def sending(self) -> bool:
        """As in Transport. What the kernel has taken over counts as gone: a later one is refused until it is."""
        return self._waiting is not None

    def receive(self, frames: Iterable[CanFrame], t_ns: int) -> list[tuple[bytes, bool]]:
        """As in Transport."""
        requests = [request for f in frames if f.id == FUNCTIONAL_ID for request in functional_request(f.data)]
        if self._socket is None and t_ns >= self._next_try_ns:
            self._reopen(t_ns)
        while len(requests) < _MESSAGES_PER_STEP and (message := self._next(t_ns)) is not None:
            requests.append((message, False))
        return [(request, functional) for request, functional in requests if len(request) <= MESSAGE_MAX]

    def send(self, response: bytes, t_ns: int) -> bool:
        """As in Transport."""
        if self._waiting is not None:
            return False
        self._waiting = response
        self.step(t_ns)
        return True

    def step(self, t_ns: int) -> None:
        """As in Transport."""
        if self._waiting is None:
            return
        if self._socket is not None:
            try:
                self._socket.send(self._waiting)
            except BlockingIOError:
                return
            except OSError as error:
                self._note(error, t_ns)
        self._waiting = None

    def close(self) -> None:
        """Release the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _next(self, t_ns: int) -> bytes | None:
        if self._socket is None:
            return None
        try:
            return self._socket.recv(MESSAGE_MAX + 1)
        except BlockingIOError:
            return None
        except OSError as error:
            self._note(error, t_ns)
            return None

    def _open(self) -> socket.socket:
        link = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, _CAN_ISOTP)
        try:
            # flags, frame_txtime (ns), ext_address, txpad, rxpad, rx_ext_address
            options = struct.pack("=IIBBBB", _TX_PADDING, _FRAME_GAP_NS, 0, PADDING, 0, 0)
            link.setsockopt(_SOL_CAN_ISOTP, _OPTIONS, options)
            # the kernel reads for itself and needs no pauses: block size 0 (all), separation 0, no waits
            link.setsockopt(_SOL_CAN_ISOTP, _FLOW_OPTIONS, struct.pack("=BBB", 0, 0, 0))
            link.bind((self._interface, REQUEST_ID, RESPONSE_ID))
        except BaseException:
            link.close()
            raise
        return link

    def _reopen(self, t_ns: int) -> None:
        self._next_try_ns = t_ns + _REOPEN_AFTER_NS
        try:
            self._socket = self._open()
        except OSError:
            self._socket = None

    def _note(self, error: OSError, t_ns: int) -> None:
        # protocol errors (wrong sequence, time-out, overflow) come back this way too, and are ordinary
        self.errors += 1
        if error.errno in _GONE:
            self.close()
            self._next_try_ns = t_ns + _REOPEN_AFTER_NS


def functional_request(data: bytes) -> list[tuple[bytes, bool]]:
    """The request in a single frame; nothing for any other frame (ISO 15765-2: functional is unsegmented)."""
    if data and data[0] >> 4 == 0 and 1 <= (length := data[0]) <= min(7, len(data) - 1):
        return [(bytes(data[1 : 1 + length]), True)]
    return []


def open_kernel_transport(uri: str) -> KernelTransport | None:
    """The kernel's ISO-TP on a socketcan bus; None where there is none (another bus, an older kernel)."""
    scheme, _, interface = uri.partition(":")
    if scheme != "socketcan" or not hasattr(socket, "AF_CAN"):
        return None
    try:
        return KernelTransport(interface)
    except OSError:
        return None
