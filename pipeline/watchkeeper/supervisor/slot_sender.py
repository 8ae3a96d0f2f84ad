"""A slot's frames onto the bus: what left is counted, logged, and told to vision with its time."""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.clock import now_ns
from watchkeeper.supervisor.bus import Bus
from watchkeeper.supervisor.candump import CanLog
from watchkeeper.supervisor.core import Outgoing, SupervisorCore
from watchkeeper.supervisor.echo import SendLog
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.types import SendStamp


class SlotSender:
    """frames_sent, send_failures: frames that left, and that the bus did not take."""

    def __init__(self, core: SupervisorCore, bus: Bus, can_log: CanLog | None) -> None:
        self._core, self._bus, self._log = core, bus, can_log
        self.frames_sent = self.send_failures = 0
        self._sends = SendLog()
        self._last: CanFrame | None = None  # of this slot that left
        self._handed_ns = 0

    @property
    def stamps(self) -> tuple[SendStamp, ...]:
        """When the results of the newest pictures went out, the newest last."""
        return self._sends.stamps

    def send(self, due: Iterable[Outgoing]) -> bool:
        """Each frame once; True when any of them left."""
        self._last = None
        for name, frame in due:
            began_ns = now_ns()
            if not self._bus.send(frame):
                self.send_failures += 1
                continue
            self._core.sent(name)
            self._last, self._handed_ns = frame, began_ns
            self.frames_sent += 1
            if self._log is not None:
                self._log.write(now_ns(), frame)
        return self._last is not None

    def stamp(self, exposure_ns: int) -> bool:
        """The result of the picture of `exposure_ns` (0: there is none) is out. True when it was not before."""
        return self._last is not None and self._sends.sent(exposure_ns, self._last, self._handed_ns)

    def heard(self) -> bool:
        """Take in own frames that came back from the bus. Whether one was waited for: `stamps` has changed."""
        return self._sends.heard(self._bus.echoes())
