"""What fits into a frame: expected times that remember their peaks, and the ladder of what is left out otherwise.

After betaflight's scheduler: an optional task runs only if its expected time plus a guard fits what is left; the
expectation is a slowly decaying peak, and a task that was refused often gets cheaper until it runs once.
"""

from __future__ import annotations

from enum import IntEnum

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.runtime.shares import StageShares
from watchkeeper.trace.rows import Task

_DECAY = 64  # an estimate loses this part of itself at each shorter run
_GUARD_NS = NS_PER_MS // 2
_GUARD_MOST_NS = 4 * NS_PER_MS
_RELIEF = 16  # refusals until a task costs nothing and runs

OPTIONAL = (Task.QUALITY, Task.REFINE)
"""Left out first; detection too, once the time is short, but a face must be found again."""


class Estimate:
    """Expected duration of one task: its newest peak, slowly forgotten."""

    def __init__(self) -> None:
        self.peak_ns = 0
        self.refused = 0

    def add(self, took_ns: int) -> None:
        """It ran."""
        self.peak_ns = max(took_ns, self.peak_ns - self.peak_ns // _DECAY)
        self.refused = 0

    @property
    def expected_ns(self) -> int:
        """With the relief for a task that starves."""
        return self.peak_ns * max(0, _RELIEF - self.refused) // _RELIEF


class Rung(IntEnum):
    """What is left out, each rung on top of the one before. Above FULL the bus says Degraded, cause Overrun."""

    FULL = 0
    NO_OPTIONAL = 1
    LANDMARKS_ALTERNATE = 2
    HALF_RATE = 3


class Ladder:
    """Up a rung when deadlines are missed, down again after a calm that grows each time it proved too short.

    Up: three misses within a second, at most one rung a second. Down: 5 s without one; doubled up to 80 s when the rung
    below brought misses back before it had held as long.
    """

    MISSES, WITHIN_NS, CALM_NS, CALM_MOST_NS = 3, NS_PER_S, 5 * NS_PER_S, 80 * NS_PER_S

    def __init__(self) -> None:
        self.rung = Rung.FULL
        self._misses_ns = [-(1 << 62)] * self.MISSES
        self._changed_ns = -(1 << 62)
        self._came_down = False
        self._calm_ns = self.CALM_NS

    def step(self, missed: bool, t_ns: int) -> Rung:
        """After each frame; `missed`: it came after its deadline or was too old to be processed at all."""
        if missed:
            self._misses_ns = [*self._misses_ns[1:], t_ns]
            crowded = t_ns - self._misses_ns[0] <= self.WITHIN_NS
            if crowded and self.rung < Rung.HALF_RATE and t_ns - self._changed_ns >= self.WITHIN_NS:
                if self._came_down and t_ns - self._changed_ns < self._calm_ns:
                    self._calm_ns = min(2 * self._calm_ns, self.CALM_MOST_NS)
                self._move(Rung(self.rung + 1), t_ns)
            return self.rung
        calm_since_ns = max(self._misses_ns[-1], self._changed_ns)
        if t_ns - calm_since_ns >= self._calm_ns:
            if self.rung > Rung.FULL:
                self._move(Rung(self.rung - 1), t_ns)
            elif self._calm_ns > self.CALM_NS:
                self._calm_ns = self.CALM_NS
        return self.rung

    def _move(self, rung: Rung, t_ns: int) -> None:
        self._came_down = rung < self.rung
        self.rung, self._changed_ns = rung, t_ns


class Scheduler:
    """Decides, inside a frame, what still fits. `begin` once a frame; `allows` before a task, `done` after it.

    shares: the board's, so that what is allowed leaves the mandatory stages behind it their part of the frame.
    """

    def __init__(self, shares: StageShares | None = None) -> None:
        self._shares = shares or StageShares()
        self.rung = Rung.FULL
        self._estimates = {task: Estimate() for task in Task}
        self._guard_ns = _GUARD_NS
        self._deadline_ns = 0
        self._number = 0

    @property
    def guard_ns(self) -> int:
        """Kept free at the end of a frame; grows after an overrun, shrinks back slowly."""
        return self._guard_ns

    def takes(self) -> bool:
        """Whether the next frame is processed at all; at half rate every second is not."""
        self._number += 1
        return self.rung < Rung.HALF_RATE or self._number % 2 == 0

    def begin(self, deadline_ns: int) -> None:
        """A frame that has to be out by `deadline_ns`."""
        self._deadline_ns = deadline_ns

    def allows(self, task: Task, t_ns: int) -> bool:
        """Whether `task` is to be done now. The landmarks are never refused for lack of time, only by the ladder."""
        estimate = self._estimates[task]
        if task is Task.LANDMARKS:
            return self.rung != Rung.LANDMARKS_ALTERNATE or self._number % 2 == 0
        if self.rung >= Rung.NO_OPTIONAL and task in OPTIONAL:
            # picture quality tells a covered lens: rarely, but never not at all
            allowed = task is Task.QUALITY and estimate.refused >= _RELIEF
        else:
            until_ns = self._deadline_ns - self._guard_ns - self._shares.reserve_ns(task)
            allowed = t_ns + estimate.expected_ns <= until_ns or estimate.refused >= _RELIEF
        if not allowed:
            estimate.refused += 1
        return allowed

    def done(self, task: Task, took_ns: int) -> None:
        """`task` ran."""
        self._estimates[task].add(took_ns)

    def finish(self, missed: bool) -> None:
        """The frame is out."""
        if missed:
            self._guard_ns = min(2 * self._guard_ns, _GUARD_MOST_NS)
        else:
            self._guard_ns = max(_GUARD_NS, self._guard_ns - self._guard_ns // _DECAY)
