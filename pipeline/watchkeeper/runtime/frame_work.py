"""What perception tells of a frame while it works on it: stages that ended, and whether a task still fits."""

from __future__ import annotations

from collections.abc import Callable

from watchkeeper.clock import now_ns
from watchkeeper.runtime.budget import Scheduler
from watchkeeper.runtime.nvtx_ranges import NvtxRanges
from watchkeeper.trace.recorder import Recorder
from watchkeeper.trace.ring import Ring
from watchkeeper.trace.rows import Kind, Task


class Unhurried:
    """Nobody waits (`measure`, warm-up): everything is done, nothing recorded."""

    def mark(self, kind: Kind, detail: int = 0) -> None:
        """A stage is over."""

    def allows(self, task: Task) -> bool:
        """Always."""
        return True

    def done(self, task: Task) -> None:
        """A task that was allowed is over."""


class FrameWork(Unhurried):
    """The real thing, for the loop's thread: recorder and scheduler on one clock."""

    def __init__(self, recorder: Recorder | None = None, clock: Callable[[], int] = now_ns) -> None:
        self.recorder = recorder or Recorder(Ring(rows=1024), clock)
        self.scheduler = Scheduler()
        self.ranges = NvtxRanges()
        self._clock = clock
        self._since_ns = 0

    def mark(self, kind: Kind, detail: int = 0) -> None:
        self.recorder.mark(kind, detail)
        self.ranges.mark(kind, detail)

    def allows(self, task: Task) -> bool:
        self._since_ns = self._clock()
        if self.scheduler.allows(task, self._since_ns):
            return True
        self.recorder.skip(task)
        return False

    def done(self, task: Task) -> None:
        self.scheduler.done(task, self._clock() - self._since_ns)
