"""What perception tells of a frame while it works on it: stages that ended, and whether a task still fits."""

from __future__ import annotations

from collections.abc import Callable

from watchkeeper.board_budget import FrameBudget
from watchkeeper.clock import now_ns
from watchkeeper.runtime.budget import Scheduler
from watchkeeper.runtime.nvtx_ranges import NvtxRanges
from watchkeeper.runtime.shares import StageShares
from watchkeeper.trace.recorder import Recorder
from watchkeeper.trace.ring import Ring
from watchkeeper.trace.rows import STAGES, Kind, Task


class Unhurried:
    """Nobody waits (`measure`, warm-up): everything is done, nothing recorded."""

    def mark(self, kind: Kind, detail: int = 0) -> int:
        """A stage is over. Returns now, 0 where nobody looks at a clock."""
        return 0

    def now(self) -> int:
        """The clock, 0 where nobody looks at it."""
        return 0

    def beside(self, kind: Kind, began_ns: int) -> None:
        """Work on the last frame that its result did not wait for is over."""

    def allows(self, task: Task) -> bool:
        """Always."""
        return True

    def done(self, task: Task) -> None:
        """A task that was allowed is over."""


class FrameWork(Unhurried):
    """The real thing, for the loop's thread: recorder and scheduler on one clock. budget: the board's shares."""

    def __init__(
        self,
        recorder: Recorder | None = None,
        clock: Callable[[], int] = now_ns,
        budget: FrameBudget | None = None,
    ) -> None:
        self.recorder = recorder or Recorder(Ring(rows=1024), clock)
        self.shares = StageShares(budget)
        self.scheduler = Scheduler(self.shares)
        self._ranges = NvtxRanges()
        self._clock = clock
        self._last_ns = self._since_ns = 0

    def begin(self, seq: int, exposure_ns: int, dequeued_ns: int, taken_ns: int, budget_ns: int) -> None:
        """A frame was taken and has to be out `budget_ns` after its exposure."""
        self.recorder.begin(seq, exposure_ns, dequeued_ns, taken_ns)
        self.scheduler.begin(exposure_ns + budget_ns)
        self._ranges.begin()
        self._last_ns = taken_ns

    def mark(self, kind: Kind, detail: int = 0) -> int:
        t_ns = self.recorder.mark(kind, detail)
        self.shares.add(kind, t_ns - self._last_ns)
        self._last_ns = t_ns
        self._ranges.mark(kind, detail)
        return t_ns

    def now(self) -> int:
        return self._clock()

    def beside(self, kind: Kind, began_ns: int) -> None:
        self.recorder.beside(kind, began_ns)

    def finish(self, *, late: bool) -> None:
        """The frame was published at the last mark."""
        recorder, share_ns = self.recorder, self.shares.share_ns
        for kind in STAGES:
            if recorder.took_ns[kind] > share_ns[kind]:
                recorder.over(kind, recorder.took_ns[kind] - share_ns[kind])
        recorder.finish(late=late, rung=self.scheduler.rung)
        self._ranges.finish()

    def abandon(self) -> None:
        """A stage failed; the frame will not be published."""
        self._ranges.finish()

    def allows(self, task: Task) -> bool:
        self._since_ns = self._clock()
        if self.scheduler.allows(task, self._since_ns):
            return True
        self.recorder.skip(task)
        return False

    def done(self, task: Task) -> None:
        self.scheduler.done(task, self._clock() - self._since_ns)
