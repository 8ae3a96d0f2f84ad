"""When a recorded or generated frame is due: its own time stamps, laid on the one clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from fractions import Fraction

from watchkeeper.clock import NS_PER_S


class Timeline:
    """Time stamps of a stream -> nanoseconds since its first frame, strictly growing, also across repeats."""

    def __init__(self, time_base: Fraction, period_ns: int) -> None:
        self._time_base, self._period_ns = time_base, period_ns
        self._first_pts: int | None = None
        self._offset_ns = 0
        self._last_ns: int | None = None

    def place(self, pts: int | None) -> int:
        """This frame's time. One without a time stamp, or that goes back, comes one period after the last."""
        if pts is not None and self._first_pts is None:
            self._first_pts = pts
        t_ns = -1
        if pts is not None and self._first_pts is not None:
            t_ns = self._offset_ns + round((pts - self._first_pts) * self._time_base * NS_PER_S)
        if t_ns < 0 or (self._last_ns is not None and t_ns <= self._last_ns):
            t_ns = 0 if self._last_ns is None else self._last_ns + self._period_ns
        self._last_ns = t_ns
        return t_ns

    def repeat(self) -> None:
        """The stream begins again: its first frame comes one period after the last one placed."""
        self._first_pts = None
        self._offset_ns = 0 if self._last_ns is None else self._last_ns + self._period_ns


class Pacer:
    """Holds frames back until their time. The stream's time 0 is when the first frame is asked for."""

    def __init__(self, clock: Callable[[], int], closed: threading.Event) -> None:
        self._clock, self._closed = clock, closed
        self._start_ns: int | None = None

    def absolute_ns(self, t_ns: int) -> int:
        """Stream time on the clock."""
        if self._start_ns is None:
            self._start_ns = self._clock()
        return self._start_ns + t_ns

    def late_ns(self, t_ns: int) -> int:
        """How long ago this stream time was; negative when it is still to come."""
        due_ns = self.absolute_ns(t_ns)
        return self._clock() - due_ns

    def wait(self, t_ns: int, give_up_s: float) -> bool:
        """Wait for stream time `t_ns`. False when `time.monotonic()` reached `give_up_s` or the source closed first."""
        while not self._closed.is_set():
            early_ns = -self.late_ns(t_ns)
            if early_ns <= 0:
                return True
            left_s = give_up_s - time.monotonic()
            if left_s <= 0:
                return False
            self._closed.wait(min(early_ns / NS_PER_S, left_s))
        return False

    def shift(self, by_ns: int) -> None:
        """Let the rest of the stream come later: what the stream cannot deliver in time, it delivers slower."""
        self._start_ns = self.absolute_ns(by_ns)
