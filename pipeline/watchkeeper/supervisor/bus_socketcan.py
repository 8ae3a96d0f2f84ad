"""`socketcan:can0`: a CAN interface of the Linux kernel, through a raw socket of the standard library.

Sources: Linux Documentation/networking/can.rst, include/uapi/linux/can.h, can/raw.h and can/error.h.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Collection
from pathlib import Path

from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.frames import CanFrame

_FRAME = struct.Struct("=IB3x8s")  # struct can_frame
_FILTER = struct.Struct("=II")  # struct can_filter
_EFF, _RTR, _ERR = 0x80000000, 0x40000000, 0x20000000
_SFF_MASK = 0x7FF
_ERR_BUS_OFF, _ERR_RESTARTED = 0x40, 0x100
# include/uapi/linux/can/raw.h; by number, because which of them `socket` knows depends on how Python was built
_SOL_CAN_RAW, _CAN_RAW_FILTER, _CAN_RAW_ERR_FILTER = 101, 1, 2
_ARPHRD_CAN = "280"


class SocketCanPort:
    """A raw socket bound to one interface. Raises BadInputError when the kernel or the interface is not there."""

    def __init__(self, uri: str, target: str, receive: Collection[int] | None, listen_only: bool) -> None:
        self.bus_off_count = 0
        self.overruns = 0
        if not hasattr(socket, "AF_CAN"):
            raise BadInputError.at(uri, "this Python was built without SocketCAN", field="bus")
        try:
            self._socket = socket.socket(socket.AF_CAN, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.CAN_RAW)
        except OSError as error:
            raise BadInputError.at(
                uri, f"this kernel offers no SocketCAN ({error.strerror}); load its module can_raw", field="bus"
            ) from None
        try:
            self._configure(receive)
            self._socket.bind((target,))
        except OSError as error:
            self._socket.close()
            raise BadInputError.at(uri, _why(error, target), field="bus") from None

    def _configure(self, receive: Collection[int] | None) -> None:
        if receive is not None:
            # data frames with exactly these 11-bit identifiers; an empty list receives nothing
            filters = b"".join(_FILTER.pack(frame_id, _SFF_MASK | _EFF | _RTR) for frame_id in receive)
            self._socket.setsockopt(_SOL_CAN_RAW, _CAN_RAW_FILTER, filters)
        errors = struct.pack("=I", _ERR_BUS_OFF | _ERR_RESTARTED)
        self._socket.setsockopt(_SOL_CAN_RAW, _CAN_RAW_ERR_FILTER, errors)
        # The smallest buffer the kernel gives (eight frames on Linux 6.1): on a stuck link the rest is refused here and
        # coalesces to the newest value instead of leaving as a burst of old ones later.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)

    def write(self, frame: CanFrame) -> None:
        """Queue one frame in the interface."""
        self._socket.send(_FRAME.pack(frame.id, len(frame.data), frame.data))

    def read(self, limit: int) -> list[CanFrame]:
        """Data frames that have arrived; error frames are counted."""
        frames: list[CanFrame] = []
        for _ in range(limit):
            try:
                data = self._socket.recv(_FRAME.size)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno == errno.ENETDOWN:
                    break  # the link went down; the socket lives on and works again when it is up
                raise
            if len(data) != _FRAME.size:
                continue
            can_id, length, content = _FRAME.unpack(data)
            if can_id & _ERR:
                self.bus_off_count += bool(can_id & _ERR_BUS_OFF)
            elif not can_id & (_EFF | _RTR):
                frames.append(CanFrame(can_id & _SFF_MASK, content[: min(length, 8)]))
        return frames

    def fileno(self) -> int:
        """Descriptor to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Release the socket."""
        self._socket.close()


def _why(error: OSError, target: str) -> str:
    if error.errno != errno.ENODEV:
        return f"cannot be opened: {error.strerror or error}"
    known = can_interfaces()
    have = f"this machine has {', '.join(known)}" if known else "this machine has none"
    return f"there is no CAN interface {target}; {have}"


def can_interfaces(sys_root: Path = Path("/sys")) -> list[str]:
    """Names of the CAN interfaces in this network namespace."""
    return sorted(path.parent.name for path in sys_root.glob("class/net/*/type") if _is_can(path))


def _is_can(type_file: Path) -> bool:
    try:
        return type_file.read_text(encoding="ascii").strip() == _ARPHRD_CAN
    except OSError:
        return False  # gone since it was listed
