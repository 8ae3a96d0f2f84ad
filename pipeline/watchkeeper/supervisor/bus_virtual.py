"""`virtual:NAME`: a bus between the processes of this machine, for a PC without CAN hardware.

Every node binds one of a few numbered names in the kernel's abstract socket namespace; a frame goes to all the others.
The names vanish with their process. Limits: no arbitration, no bit rate, no acknowledge (a frame counts as sent with
nobody there), and a node that does not read loses frames (counted as an overrun), as a slow controller would.
"""

from __future__ import annotations

import errno
import re
import socket
import struct
from collections.abc import Collection

from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.frames import CanFrame

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
