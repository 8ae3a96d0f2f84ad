"""The other end of the bus in `bench can`: a listener on a virtual bus, or an slcan adapter played on a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import tty
from collections.abc import Iterator
from typing import Protocol

from watchkeeper.clock import now_ns
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.bus import Bus, open_listener
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.sender_check import SenderCheck
from watchkeeper.supervisor.spec import receive_ids

BUSES = ("virtual", "slcan-pty")
_WAIT_S = 0.1
_VEHICLE_IDS = receive_ids()  # of the simulated vehicle, which is not under test
_PRIORITY = 10  # below the supervisor's: a listener that starves says nothing about the sender


class Listener(Protocol):
    """uri: what the supervisor is to open. check: what was heard."""

    uri: str
    check: SenderCheck

    def wait_and_step(self) -> None:
        """Wait a little for frames and take them in."""


@contextlib.contextmanager
def open_bench_bus(kind: str) -> Iterator[Listener]:
    """The listener of that kind. Raises BadInputError for an unknown one."""
    if kind not in BUSES:
        raise BadInputError(f"--bus {kind}: expected {' or '.join(BUSES)}")
    with contextlib.suppress(OSError):  # not permitted: more frames may go by unheard, which is reported
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(_PRIORITY))
    listener = VirtualListener() if kind == "virtual" else SlcanAdapter()
    try:
        yield listener
    finally:
        listener.close()
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class VirtualListener:
    """A node on a virtual bus of this process's own."""

    def __init__(self) -> None:
        self.uri = f"virtual:bench-{os.getpid()}"
        self.check = SenderCheck()
        self._bus: Bus = open_listener(self.uri)

    def wait_and_step(self) -> None:
        """Wait a little for frames and take them in."""
        select.select([self._bus.fileno()], [], [], _WAIT_S)
        t_ns = now_ns()
        for frame in self._bus.receive():
            if frame.id not in _VEHICLE_IDS:
                self.check.step(frame, t_ns)

    def close(self) -> None:
        """Leave the bus."""
        self._bus.close()


class SlcanAdapter:
    """The adapter's end of a pseudo-terminal: takes commands and frames as LAWICEL wrote them down, answers nothing."""

    def __init__(self) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.uri = f"slcan:{os.ttyname(self._slave)}@500000"
        self.check = SenderCheck()
        self._rest = b""

    def wait_and_step(self) -> None:
        """Wait a little for lines and take them in."""
        ready, _, _ = select.select([self._master], [], [], _WAIT_S)
        if not ready:
            return
        t_ns = now_ns()
        *lines, self._rest = (self._rest + os.read(self._master, 4096)).split(b"\r")
        for line in lines:
            if line[:1] == b"t":
                self.check.step(CanFrame(int(line[1:4], 16), bytes.fromhex(line[5:].decode("ascii"))), t_ns)

    def close(self) -> None:
        """Release both ends."""
        os.close(self._master)
        os.close(self._slave)
