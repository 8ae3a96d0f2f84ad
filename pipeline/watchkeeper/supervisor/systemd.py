"""What systemd wants to hear from a service of Type=notify with WatchdogSec=, without libsystemd.

Source: sd_notify(3), sd_watchdog_enabled(3). Every call returns at once; outside of systemd nothing is said.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

_NS_PER_US = 1000


class Notifier:
    """One datagram socket to the service manager, from $NOTIFY_SOCKET and $WATCHDOG_USEC."""

    def __init__(self, environment: Mapping[str, str] = os.environ, pid: int | None = None) -> None:
        """environment: the process's. pid: this process's own; a watchdog meant for another one is not fed."""
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if address.startswith(("/", "@")):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        microseconds = environment.get("WATCHDOG_USEC", "")
        meant = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid() if pid is None else pid))
        usable = self._socket is not None and meant and microseconds.isascii() and microseconds.isdigit()
        # fed three times in each period: one late cycle is not a hang
        self.feed_every_ns = int(microseconds) * _NS_PER_US // 3 if usable else 0
        self._fed_ns: int | None = None
        self._status = ""
        self._ready = False

    def ready(self) -> None:
        """The first frames are on the bus. Said once."""
        if not self._ready:
            self._ready = self._say("READY=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`; said when it changes."""
        if text != self._status and self._say(f"STATUS={text}"):
            self._status = text

    def feed(self, t_ns: int) -> None:
        """WATCHDOG=1 when it is due."""
        if self.feed_every_ns and (self._fed_ns is None or t_ns - self._fed_ns >= self.feed_every_ns):
            self._say("WATCHDOG=1")
            self._fed_ns = t_ns

    def stopping(self) -> None:
        """An ordered end has begun."""
        self._say("STOPPING=1")

    def close(self) -> None:
        """Say nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _say(self, text: str) -> bool:
        if self._socket is None:
            return False
        with contextlib.suppress(OSError):  # a manager that is busy or gone must not stop the bus
            self._socket.sendto(text.encode(), self._address)
            return True
        return False
