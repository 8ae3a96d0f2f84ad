"""A slot's frames onto the bus: what left is counted, logged, and told to vision with its time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from watchkeeper.clock import now_ns
from watchkeeper.supervisor.bus import Bus
from watchkeeper.supervisor.candump import CanLog
from watchkeeper.supervisor.core import Outgoing, SupervisorCore
from watchkeeper.types import SendStamp


class SlotSender:
    """frames_sent, send_failures: frames that left, and that the bus did not take."""

    def __init__(self, core: SupervisorCore, bus: Bus, can_log: CanLog | None) -> None:
        self._core, self._bus, self._log = core, bus, can_log
        self.frames_sent = self.send_failures = 0
        self._stamps: deque[SendStamp] = deque(maxlen=16)

    @property
    def stamps(self) -> tuple[SendStamp, ...]:
        """When the results of the newest pictures went out, the newest last."""
        return tuple(self._stamps)

    def send(self, due: Iterable[Outgoing]) -> bool:
        """Each frame once; True when any of them left."""
        any_sent = False
        for name, frame in due:
            if not self._bus.send(frame):
                self.send_failures += 1
                continue
            self._core.sent(name)
            any_sent = True
            self.frames_sent += 1
            if self._log is not None:
                self._log.write(now_ns(), frame)
        return any_sent

    def stamp(self, exposure_ns: int) -> bool:
        """The result of the picture of `exposure_ns` (0: there is none) is out. True when it was not before."""
        if not exposure_ns or (self._stamps and self._stamps[-1].exposure_ns == exposure_ns):
            return False
        self._stamps.append(SendStamp(exposure_ns, now_ns()))
        return True
