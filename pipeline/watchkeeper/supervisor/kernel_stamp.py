"""When the kernel saw a message, on the clock that everything else here uses.

Sources: socket(7), SO_TIMESTAMPNS; include/uapi/asm-generic/socket.h (the numbers; `socket` does not know them all).
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterable

from watchkeeper.clock import NS_PER_S, now_ns

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
STAMP_SPACE = socket.CMSG_SPACE(_TIMESPEC.size)
"""Bytes of ancillary data that `recvmsg` is to make room for."""


def ask_for_stamps(sock: socket.socket) -> None:
    """Have the kernel stamp what arrives at `sock`. One that cannot leaves the stamps out."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def wall_stamp_ns(ancillary: Iterable[tuple[int, int, bytes]]) -> int | None:
    """The message's stamp as the kernel gave it, ns of CLOCK_REALTIME; None where there is none."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, rest_ns = _TIMESPEC.unpack_from(data)
            return int(seconds) * NS_PER_S + int(rest_ns)
    return None


def stamp_ns(ancillary: Iterable[tuple[int, int, bytes]]) -> int | None:
    """The message's stamp as CLOCK_MONOTONIC ns; None where there is none. The kernel's is wall-clock time: it is moved
    by the distance of the two clocks now, so a clock that is set in between falsifies this one stamp."""
    wall_ns = wall_stamp_ns(ancillary)
    return None if wall_ns is None else now_ns() - (time.time_ns() - wall_ns)
