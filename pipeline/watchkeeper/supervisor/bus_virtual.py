"""`virtual:NAME`: a bus between the processes of this machine, for a PC without CAN hardware.

Every node binds one of a few numbered names in the kernel's abstract socket namespace; a frame goes to all the others.
The names vanish with their process. Limits: no arbitration, no bit rate, no acknowledge (a frame counts as sent with
nobody there), and a node that does not read loses frames (counted as an overrun), as a slow controller would.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import struct
from collections.abc import Collection

from watchkeeper.clock import now_ns
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.kernel_stamp import STAMP_SPACE, ask_for_stamps, stamp_ns

NODES = 8
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_FRAME = struct.Struct("<HB8s")  # identifier, length, data


class VirtualPort:
    """One node. Raises BadInputError for a name that cannot be one and when all places are taken."""

    def __init__(self, uri: str, target: str, receive: Collection[int] | None, listen_only: bool) -> None:
        if _NAME.fullmatch(target) is None:
            raise BadInputError.at(uri, "expected a name of 1 to 60 letters, digits, `.`, `_` or `-`", field="bus")
        self.bus_off_count = 0
        self.overruns = 0
        self._ear: socket.socket | None = None
        self._ear_address = f"\0watchkeeper-ear:{target}:{os.getpid()}:{id(self)}".encode()
        self._own_ids: frozenset[int] = frozenset()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        addresses = [f"\0watchkeeper-can:{target}:{node}".encode() for node in range(NODES)]
        for own in addresses:
            try:
                self._socket.bind(own)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                self._socket.close()
                raise BadInputError.at(uri, f"cannot be opened: {error.strerror}", field="bus") from None
            self._others = [address for address in addresses if address != own]
            return
        self._socket.close()
        raise BadInputError.at(uri, f"all {NODES} places on this virtual bus are taken", field="bus")

    def write(self, frame: CanFrame) -> None:
        """Send to every other node."""
        data = _FRAME.pack(frame.id, len(frame.data), frame.data)
        for address in self._others:
            self._deliver(data, address)
        if self._ear is not None and frame.id in self._own_ids:
            with contextlib.suppress(BlockingIOError):  # nobody looks at the echoes: the oldest stay
                self._socket.sendto(data, self._ear_address)

    def hear_own(self, frame_ids: Collection[int]) -> None:
        """Send own frames to an ear of this node's too, as a controller hears itself. Kernel time stamps."""
        self._own_ids = frozenset(frame_ids)
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._ear.bind(self._ear_address)
        ask_for_stamps(self._ear)

    def echoes(self) -> list[tuple[CanFrame, int]]:
        """Own frames since the last call, with their times."""
        heard: list[tuple[CanFrame, int]] = []
        while self._ear is not None:
            try:
                data, ancillary, _, _ = self._ear.recvmsg(_FRAME.size, STAMP_SPACE)
            except BlockingIOError:
                break
            frame_id, length, content = _FRAME.unpack(data)
            heard.append((CanFrame(frame_id, content[:length]), stamp_ns(ancillary) or now_ns()))
        return heard

    def _deliver(self, data: bytes, address: bytes) -> None:
        try:
            self._socket.sendto(data, address)
        except BlockingIOError:
            self.overruns += 1
        except (ConnectionRefusedError, ConnectionResetError):
            pass  # nobody there

    def read(self, limit: int) -> list[CanFrame]:
        """Frames that have arrived."""
        frames: list[CanFrame] = []
        while len(frames) < limit:
            try:
                data = self._socket.recv(_FRAME.size + 1)
            except BlockingIOError:
                break
            if len(data) == _FRAME.size:
                frame_id, length, content = _FRAME.unpack(data)
                frames.append(CanFrame(frame_id, content[:length]))
        return frames

    def fileno(self) -> int:
        """Descriptor to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Leave the bus."""
        self._socket.close()
        if self._ear is not None:
            self._ear.close()
