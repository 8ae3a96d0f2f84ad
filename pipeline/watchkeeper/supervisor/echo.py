"""When a slot's last frame was heard back from the bus, laid on the picture that was sent with it. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.types import SendStamp

_KEPT = 16  # as many as vision is told


class SendLog:
    """The newest pictures whose results went out. `stamps`: oldest first."""

    def __init__(self) -> None:
        self._stamps: deque[SendStamp] = deque(maxlen=_KEPT)
        self._waiting: CanFrame | None = None

    @property
    def stamps(self) -> tuple[SendStamp, ...]:
        """For VehicleReport.sends."""
        return tuple(self._stamps)

    def sent(self, exposure_ns: int, last: CanFrame, t_ns: int) -> bool:
        """A slot went out whose last frame was `last`; only the first one of a picture counts. Whether it is new."""
        if not exposure_ns or (self._stamps and self._stamps[-1].exposure_ns == exposure_ns):
            return False
        self._stamps.append(SendStamp(exposure_ns, t_ns))
        self._waiting = last
        return True

    def heard(self, echoes: Iterable[tuple[CanFrame, int]]) -> bool:
        """Own frames that came back, each with its time, ns. Whether one of them was waited for."""
        for frame, t_ns in echoes:
            if frame == self._waiting:
                self._waiting = None
                stamp = self._stamps[-1]
                self._stamps[-1] = replace(stamp, echo_ns=max(t_ns, stamp.sent_ns))
                return True
        return False
