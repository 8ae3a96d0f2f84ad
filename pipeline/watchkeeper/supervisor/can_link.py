"""State of a CAN interface from the kernel's link messages, and the request that takes it out of bus-off.

A link comes up with restart-ms 0 and then stays in bus-off until it is told to restart; error frames tell of bus-off
only while the socket's queue has room for them, link messages tell of it too.

Sources: rtnetlink(7), include/uapi/linux/{if_link,rtnetlink,can/netlink}.h.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from dataclasses import dataclass
from enum import IntEnum

_ROUTE, _GROUP_LINK = 0, 1  # NETLINK_ROUTE, RTMGRP_LINK
_NEWLINK, _DELLINK = 16, 17
_REQUEST, _ACK = 1, 4
_ERROR = 2
_IFF_UP = 1
_IFLA_IFNAME, _IFLA_LINKINFO, _INFO_KIND, _INFO_DATA, _CAN_STATE, _CAN_RESTART_MS, _CAN_RESTART = 3, 18, 1, 2, 4, 6, 7
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_LINK = struct.Struct("=BxHiII")  # struct ifinfomsg
_ATTRIBUTE = struct.Struct("=HH")
_NUMBER = struct.Struct("=I")
_TYPE_MASK = 0x3FFF
_PACKET_MAX = 32768
_BATCH = 16  # messages looked at in one call, so that a flood of them cannot hold the caller up


class CanState(IntEnum):
    """enum can_state."""

    ERROR_ACTIVE = 0
    ERROR_WARNING = 1
    ERROR_PASSIVE = 2
    BUS_OFF = 3
    STOPPED = 4
    SLEEPING = 5


@dataclass(frozen=True, slots=True)
class LinkNews:
    """One message about a link. state, restart_ms: None where the driver has none (vcan)."""

    index: int
    name: str
    up: bool
    gone: bool = False
    state: CanState | None = None
    restart_ms: int | None = None


class LinkWatch:
    """Listens to link messages. Raises OSError where the kernel gives no such socket."""

    def __init__(self) -> None:
        flags = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, flags, _ROUTE)
        try:
            self._socket.bind((0, _GROUP_LINK))
        except OSError:
            self._socket.close()
            raise

    def read(self) -> list[LinkNews]:
        """What has changed since the last call. Never blocks, never raises."""
        news: list[LinkNews] = []
        with contextlib.suppress(OSError):  # nothing more, or too much at once: the next message is newer anyway
            for _ in range(_BATCH):
                news += parse(self._socket.recv(_PACKET_MAX))
        return news

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def parse(data: bytes) -> list[LinkNews]:
    """Link messages out of one packet; others and broken ones are left out."""
    news = []
    while len(data) >= _HEADER.size:
        length, kind, _, _, _ = _HEADER.unpack_from(data)
        if not _HEADER.size <= length <= len(data):
            break
        body = data[_HEADER.size : length]
        if kind in (_NEWLINK, _DELLINK) and len(body) >= _LINK.size:
            news.append(_link(body, kind == _DELLINK))
        data = data[(length + 3) & ~3 :]
    return news


def _link(body: bytes, gone: bool) -> LinkNews:
    _, _, index, flags, _ = _LINK.unpack_from(body)
    attributes = _attributes(body[_LINK.size :])
    name = attributes.get(_IFLA_IFNAME, b"").rstrip(b"\0").decode(errors="replace")
    info = _attributes(attributes.get(_IFLA_LINKINFO, b""))
    is_can = info.get(_INFO_KIND, b"").rstrip(b"\0") == b"can"
    can = _attributes(info.get(_INFO_DATA, b"")) if is_can else {}
    state, restart_ms = _number(can.get(_CAN_STATE)), _number(can.get(_CAN_RESTART_MS))
    known = CanState(state) if state is not None and state in list(CanState) else None
    return LinkNews(index, name, bool(flags & _IFF_UP), gone, known, restart_ms)


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if not _ATTRIBUTE.size <= length <= len(data):
            break
        found[kind & _TYPE_MASK] = data[_ATTRIBUTE.size : length]
        data = data[(length + 3) & ~3 :]
    return found


def _number(data: bytes | None) -> int | None:
    return int(_NUMBER.unpack_from(data)[0]) if data is not None and len(data) >= 4 else None


def request_restart(index: int) -> None:
    """`ip link set DEV type can restart`; where the driver has no such call (slcan), down and up again.

    Raises OSError as the kernel answers: EPERM without CAP_NET_ADMIN, EBUSY when the link is not in bus-off.
    """
    restart = _attribute(_CAN_RESTART, struct.pack("=I", 1))
    info = _attribute(_INFO_KIND, b"can\0") + _attribute(_INFO_DATA, restart)
    try:
        _change(_LINK.pack(0, 0, index, 0, 0) + _attribute(_IFLA_LINKINFO, info))
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        _change(_LINK.pack(0, 0, index, 0, _IFF_UP))
        _change(_LINK.pack(0, 0, index, _IFF_UP, _IFF_UP))


def _change(body: bytes) -> None:
    message = _HEADER.pack(_HEADER.size + len(body), _NEWLINK, _REQUEST | _ACK, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, _ROUTE) as link:
        link.sendto(message, (0, 0))
        answer = link.recv(_PACKET_MAX)  # the kernel has answered before sendto returns
    _, kind, _, _, _ = _HEADER.unpack_from(answer)
    code = struct.unpack_from("=i", answer, _HEADER.size)[0] if kind == _ERROR else 0
    if code:
        raise OSError(-code, os.strerror(-code))


def _attribute(kind: int, content: bytes) -> bytes:
    data = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(content), kind) + content
    return data + bytes(-len(data) % 4)
