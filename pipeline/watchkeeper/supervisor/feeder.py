"""Who is fed, and when: the hardware watchdog after every whole cycle of the supervisor, systemd's only while vision
makes progress or the supervisor is handling its loss."""

from __future__ import annotations

from watchkeeper.supervisor.hw_watchdog import HardwareWatchdog
from watchkeeper.supervisor.realtime import say
from watchkeeper.supervisor.systemd import Notifier


class Feeder:
    """`step` at the end of a whole cycle and nowhere else."""

    def __init__(self, watchdog: HardwareWatchdog | None, systemd: Notifier | None) -> None:
        self._watchdog, self._systemd = watchdog, systemd
        self._unfed_said = False

    def step(self, status: str, t_ns: int, *, attends: bool, stopping: bool) -> None:
        """status: one line for `systemctl status`. attends: vision makes progress or its loss is handled. stopping:
        an ordered end has just begun."""
        watchdog, systemd = self._watchdog, self._systemd
        if watchdog is not None and not watchdog.feed() and not self._unfed_said:
            self._unfed_said = True
            say(f"{watchdog.path} does not take its feed")
        if systemd is not None:
            systemd.ready()
            systemd.status(status)
            if stopping:
                systemd.stopping()
            if attends:
                systemd.feed(t_ns)
