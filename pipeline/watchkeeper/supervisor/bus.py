"""The bus behind one small interface that can neither block nor fail its caller.

    bus = open_bus("socketcan:can0")      # or virtual:NAME, slcan:/dev/ttyACM0@500000
    if bus.send(frame): ...               # False: did not leave; try again with the next cycle's value
    for frame in bus.receive(): ...

What is particular to a kind of bus is its port: `bus_virtual`, `bus_socketcan`, `bus_slcan`, imported when used. They
are built on non-blocking descriptors of the standard library rather than on python-can, whose import alone costs a
tenth of a second on a PC, whose slcan sleeps two seconds on opening and blocks on a full port, and whose virtual bus
ends at the process.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from watchkeeper.clock import NS_PER_S, now_ns
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, receive_ids, transmit_ids

_PORTS = {
    "virtual": "watchkeeper.supervisor.bus_virtual:VirtualPort",
    "socketcan": "watchkeeper.supervisor.bus_socketcan:SocketCanPort",
    "slcan": "watchkeeper.supervisor.bus_slcan:SlcanPort",
}
_EXAMPLES = "virtual:NAME, socketcan:can0 or slcan:/dev/ttyACM0@500000"

# A receive call hands over at most this many frames, so that a flooded bus cannot hold the sender up.
_RECEIVE_LIMIT = 64
_REOPEN_AFTER_NS = NS_PER_S
# The device behind the descriptor has gone; only opening it anew can help.
_GONE = (errno.ENODEV, errno.ENXIO, errno.EIO, errno.EBADF)


class Port(Protocol):
    """One kind of bus. Every call returns at once; what cannot be done now raises OSError."""

    @property
    def bus_off_count(self) -> int:
        """Bus-off events seen."""

    overruns: int  # frames the adapter or a listener threw away

    def write(self, frame: CanFrame) -> None:
        """Hand one whole frame to the device, or raise OSError and have sent nothing of it."""

    def read(self, limit: int) -> list[CanFrame]:
        """Up to `limit` data frames that have arrived."""

    def fileno(self) -> int:
        """Descriptor to wait on for frames."""

    def close(self) -> None:
        """Release the device."""


@runtime_checkable
class HearsItself(Protocol):
    """A port that can say when its own frames were on the bus."""

    def hear_own(self, frame_ids: Collection[int]) -> None:
        """Keep own frames with these identifiers for `echoes`."""

    def echoes(self) -> list[tuple[CanFrame, int]]:
        """Those that `read` came across since the last call, each with when it was on the bus, ns."""


PortClass = Callable[[str, str, "Collection[int] | None", bool], Port]


@dataclass(slots=True)
class BusStats:
    """Counters since the bus was opened."""

    sent: int = 0
    send_failures: int = 0
    refused: int = 0  # not on the transmit whitelist
    reopened: int = 0


class Bus:
    """A port with the transmit whitelist in front of it and with every failure turned into a count."""

    def __init__(
        self,
        uri: str,
        open_port: Callable[[], Port],
        *,
        receive: Collection[int] | None,
        transmit: Collection[int],
        diagnostic: Collection[int] = (),
        lock: socket.socket | None = None,
        clock: Callable[[], int] = now_ns,
    ) -> None:
        self.uri = uri
        self.stats = BusStats()
        self._open_port, self._clock, self._lock = open_port, clock, lock
        self._receive = None if receive is None else frozenset(receive)
        self._transmit, self._diagnostic = frozenset(transmit), frozenset(diagnostic)
        self._bus_off_before = self._overruns_before = 0
        self._next_try_ns = 0
        self._closed = False
        self._port: Port | None = self._opened()

    @property
    def channel(self) -> str:
        """Name of the bus in a candump log."""
        scheme, _, target = self.uri.partition(":")
        return target if scheme == "socketcan" else "can0"

    @property
    def bus_off_count(self) -> int:
        """Bus-off events since the bus was opened."""
        return self._bus_off_before + (self._port.bus_off_count if self._port else 0)

    @property
    def overruns(self) -> int:
        """Frames that the adapter or a listener on a virtual bus had no room for."""
        return self._overruns_before + (self._port.overruns if self._port else 0)

    def send(self, frame: CanFrame) -> bool:
        """True when the frame left. Never blocks, never raises; nothing is queued for later."""
        return self._send(frame, self._transmit)

    def send_diagnostic(self, frame: CanFrame) -> bool:
        """As `send`, for the diagnostic server's identifiers and no others."""
        return self._send(frame, self._diagnostic)

    def _send(self, frame: CanFrame, allowed: frozenset[int]) -> bool:
        if frame.id not in allowed:
            self.stats.refused += 1
            return False
        port = self._usable_port()
        if port is not None:
            try:
                port.write(frame)
            except OSError as error:
                self._note(error)
            else:
                self.stats.sent += 1
                return True
        self.stats.send_failures += 1
        return False

    def receive(self) -> list[CanFrame]:
        """Frames that have arrived and that were asked for, oldest first. Never blocks, never raises."""
        port = self._usable_port()
        if port is None:
            return []
        try:
            frames = port.read(_RECEIVE_LIMIT)
        except OSError as error:
            self._note(error)
            return []
        return [frame for frame in frames if self._receive is None or frame.id in self._receive]

    def echoes(self) -> list[tuple[CanFrame, int]]:
        """Own frames heard back since the last call, with their times; found by `receive`. Empty where a bus does not
        say (slcan) and for who may send nothing."""
        return self._port.echoes() if isinstance(self._port, HearsItself) else []

    def fileno(self) -> int:
        """Descriptor to wait on, -1 while the device is gone."""
        return self._port.fileno() if self._port else -1

    def close(self) -> None:
        """Release device and claim; later calls do nothing."""
        self._closed = True
        self._drop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _usable_port(self) -> Port | None:
        if self._port is None and not self._closed and self._clock() >= self._next_try_ns:
            try:
                self._port = self._opened()
                self.stats.reopened += 1
            except (BadInputError, OSError):
                self._next_try_ns = self._clock() + _REOPEN_AFTER_NS
        return self._port

    def _opened(self) -> Port:
        port = self._open_port()
        if self._lock is not None and self._transmit and isinstance(port, HearsItself):
            port.hear_own(self._transmit)  # for the one sender of a bus; other nodes have no use for it
        return port

    def _note(self, error: OSError) -> None:
        if error.errno in _GONE:
            self._drop()
            self._next_try_ns = self._clock() + _REOPEN_AFTER_NS

    def _drop(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            self._bus_off_before += port.bus_off_count
            self._overruns_before += port.overruns
            with contextlib.suppress(OSError):  # it was gone already
                port.close()


def open_bus(
    uri: str,
    *,
    base_id: int = DEFAULT_BASE_ID,
    receive: Collection[int] | None = None,
    transmit: Collection[int] | None = None,
    diagnostic: Collection[int] = (),
    listen_only: bool = False,
) -> Bus:
    """The bus to send on; this process is its only watchkeeper sender until `close` or its end, however it ends.

    receive, transmit: identifiers; default: the spec's at `base_id`. diagnostic: what `send_diagnostic` may send.
    listen_only: nothing is ever sent, whatever is asked for (every frame is counted as refused), and an slcan adapter
    does not even acknowledge. Raises BadInputError naming the URI for an unknown scheme, a device that is not there or
    may not be opened, and a bus that another watchkeeper sends on.
    """
    open_port = _port_opener(uri, receive_ids(base_id) if receive is None else receive, listen_only=listen_only)
    lock = _claim(uri)
    try:
        return Bus(
            uri,
            open_port,
            receive=receive_ids(base_id) if receive is None else receive,
            transmit=() if listen_only else transmit_ids(base_id) if transmit is None else transmit,
            diagnostic=() if listen_only else diagnostic,
            lock=lock,
        )
    except BaseException:
        lock.close()
        raise


def open_node(uri: str, *, receive: Collection[int], transmit: Collection[int]) -> Bus:
    """Another node beside the sender (the simulated vehicle): its own identifiers, no claim. Errors as in open_bus."""
    return Bus(uri, _port_opener(uri, receive, listen_only=False), receive=receive, transmit=transmit)


def open_listener(uri: str) -> Bus:
    """Receives everything, can send nothing (slcan adapters are opened listen-only). Errors as in open_bus."""
    return Bus(uri, _port_opener(uri, None, listen_only=True), receive=None, transmit=())


def _port_opener(uri: str, receive: Collection[int] | None, *, listen_only: bool) -> Callable[[], Port]:
    scheme, colon, target = uri.partition(":")
    if scheme not in _PORTS or not colon or not target:
        raise BadInputError.at(uri, f"unknown bus; expected {_EXAMPLES}", field="bus")
    module, _, name = _PORTS[scheme].partition(":")
    port_class: PortClass = getattr(importlib.import_module(module), name)
    return lambda: port_class(uri, target, receive, listen_only)


def _claim(uri: str) -> socket.socket:
    """Hold the one sender's place on a bus: a name in the kernel that goes with the process, even after SIGKILL."""
    scheme, _, target = uri.partition(":")
    if scheme == "slcan":
        target = str(Path(target.rpartition("@")[0] or target).resolve())
    name = f"watchkeeper-sender:{scheme}:{target}".encode()
    if len(name) > 100:  # sun_path holds 108 bytes
        name = b"watchkeeper-sender:" + hashlib.sha256(name).hexdigest().encode()
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        lock.bind(b"\0" + name)
    except OSError as error:
        lock.close()
        if error.errno != errno.EADDRINUSE:
            raise BadInputError.at(uri, f"cannot be claimed: {error.strerror}", field="bus") from None
        raise BadInputError.at(
            uri, "in use: another watchkeeper sends on it; stop that one or name another bus", field="bus"
        ) from None
    return lock
