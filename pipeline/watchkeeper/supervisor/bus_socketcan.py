"""`socketcan:can0`: a CAN interface of the Linux kernel, through a raw socket of the standard library.

Bus-off is learned from error frames and from link messages, counted once, and left by a restart of the controller with
a growing back-off, unless the link restarts by itself (restart-ms).

Sources: Linux Documentation/networking/can.rst, include/uapi/linux/can.h, can/raw.h and can/error.h.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from collections.abc import Collection
from pathlib import Path

from watchkeeper.clock import NS_PER_MS, NS_PER_S, now_ns
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.can_link import CanState, LinkWatch, request_restart
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.kernel_stamp import STAMP_SPACE, ask_for_stamps, stamp_ns

_FRAME = struct.Struct("=IB3x8s")  # struct can_frame
_FILTER = struct.Struct("=II")  # struct can_filter
_EFF, _RTR, _ERR = 0x80000000, 0x40000000, 0x20000000
_SFF_MASK = 0x7FF
_ERR_BUS_OFF, _ERR_RESTARTED = 0x40, 0x100
# include/uapi/linux/can/raw.h; by number, because which of them `socket` knows depends on how Python was built
_SOL_CAN_RAW, _CAN_RAW_FILTER, _CAN_RAW_ERR_FILTER, _CAN_RAW_RECV_OWN_MSGS = 101, 1, 2, 4
_MSG_CONFIRM = 0x800  # <linux/socket.h>: sent by this very socket
_ECHOES_KEPT = 16
_ARPHRD_CAN = "280"
RESTART_BACK_OFF_NS = (200 * NS_PER_MS, 500 * NS_PER_MS, NS_PER_S, 2 * NS_PER_S, 5 * NS_PER_S)
"""From bus-off to the next restart of the controller: one step further after each. ISO 11898-1 alone waits 128 x 11
bits, 2.8 ms at 500 kbit/s."""
_CALM_NS = 10 * NS_PER_S  # this long without bus-off takes the back-off to its beginning


class BusOff:
    """Bus-off of one controller, whoever tells of it, and when to restart it. Pure."""

    def __init__(self) -> None:
        self.count = 0
        self.is_off = False
        self._level = 0
        self._due_ns = self._off_ns = 0

    def went_off(self, t_ns: int) -> None:
        """An error frame or a link message says bus-off; counted when it was not before."""
        if self.is_off:
            return
        if t_ns - self._off_ns > _CALM_NS:
            self._level = 0
        self.is_off, self._off_ns = True, t_ns
        self.count += 1
        self._due_ns = t_ns + RESTART_BACK_OFF_NS[self._level]

    def came_back(self) -> None:
        """The controller takes part again."""
        self.is_off = False

    def restart_due(self, t_ns: int) -> bool:
        """Whether to restart it now; the next try comes later."""
        if not self.is_off or t_ns < self._due_ns:
            return False
        self._level = min(self._level + 1, len(RESTART_BACK_OFF_NS) - 1)
        self._due_ns = t_ns + RESTART_BACK_OFF_NS[self._level]
        return True


class SocketCanPort:
    """A raw socket bound to one interface. Raises BadInputError when the kernel or the interface is not there."""

    def __init__(self, uri: str, target: str, receive: Collection[int] | None, listen_only: bool) -> None:
        self.overruns = 0
        self._target, self._listen_only = target, listen_only
        self._receive = receive
        self._own: list[tuple[CanFrame, int]] = []
        self._bus_off = BusOff()
        self._restarts_itself = False
        self._links: LinkWatch | None = None
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
        with contextlib.suppress(OSError):  # forbidden in some sandboxes; error frames remain
            self._links = LinkWatch()

    @property
    def bus_off_count(self) -> int:
        """Bus-off events seen."""
        return self._bus_off.count

    def _configure(self, receive: Collection[int] | None) -> None:
        if receive is not None:
            self._filter(receive)
        errors = struct.pack("=I", _ERR_BUS_OFF | _ERR_RESTARTED)
        self._socket.setsockopt(_SOL_CAN_RAW, _CAN_RAW_ERR_FILTER, errors)
        # The smallest buffer the kernel gives (eight frames on Linux 6.1): on a stuck link the rest is refused here and
        # coalesces to the newest value instead of leaving as a burst of old ones later.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)

    def _filter(self, frame_ids: Collection[int]) -> None:
        """Data frames with exactly these 11-bit identifiers; an empty list receives nothing."""
        filters = b"".join(_FILTER.pack(frame_id, _SFF_MASK | _EFF | _RTR) for frame_id in frame_ids)
        self._socket.setsockopt(_SOL_CAN_RAW, _CAN_RAW_FILTER, filters)

    def hear_own(self, frame_ids: Collection[int]) -> None:
        """Have the kernel hand back what has left: the driver's word, after the frame was acknowledged on the wire."""
        if self._receive is not None:
            self._filter([*self._receive, *frame_ids])
        self._socket.setsockopt(_SOL_CAN_RAW, _CAN_RAW_RECV_OWN_MSGS, 1)
        ask_for_stamps(self._socket)

    def echoes(self) -> list[tuple[CanFrame, int]]:
        """Own frames since the last call, with their times."""
        own, self._own = self._own, []
        return own

    def write(self, frame: CanFrame) -> None:
        """Queue one frame in the interface; refused in bus-off, where the queue takes it and nothing leaves."""
        if self._bus_off.is_off:
            raise OSError(errno.ENETDOWN, os.strerror(errno.ENETDOWN))
        self._socket.send(_FRAME.pack(frame.id, len(frame.data), frame.data))

    def read(self, limit: int) -> list[CanFrame]:
        """Data frames that have arrived; error frames are counted."""
        self._follow_link()
        frames: list[CanFrame] = []
        for _ in range(limit):
            try:
                data, ancillary, flags, _ = self._socket.recvmsg(_FRAME.size, STAMP_SPACE)
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
                if can_id & _ERR_BUS_OFF:
                    self._bus_off.went_off(now_ns())
                elif can_id & _ERR_RESTARTED:
                    self._bus_off.came_back()
            elif not can_id & (_EFF | _RTR):
                frame = CanFrame(can_id & _SFF_MASK, content[: min(length, 8)])
                if flags & _MSG_CONFIRM:
                    self._own = [*self._own[1 - _ECHOES_KEPT :], (frame, stamp_ns(ancillary) or now_ns())]
                else:
                    frames.append(frame)
        return frames

    def _follow_link(self) -> None:
        """Take in what the kernel says about the link; restart a controller that is off when its time has come."""
        t_ns = now_ns()
        for news in self._links.read() if self._links is not None else ():
            if news.name != self._target or news.gone:
                continue
            self._restarts_itself = bool(news.restart_ms)
            if news.state is CanState.BUS_OFF:
                self._bus_off.went_off(t_ns)
            elif news.state is not None:
                self._bus_off.came_back()
        if not (self._listen_only or self._restarts_itself) and self._bus_off.restart_due(t_ns):
            with contextlib.suppress(OSError):  # not permitted, or no longer off: error frames and news will tell
                request_restart(socket.if_nametoindex(self._target))

    def fileno(self) -> int:
        """Descriptor to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Release the sockets."""
        self._socket.close()
        if self._links is not None:
            self._links.close()


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
