"""The slots of the bus on absolute deadlines: what was missed is skipped and counted, never caught up. Pure."""

from __future__ import annotations

_KEPT = 1200  # deviations to take the 99th percentile of: one minute of 50 ms slots


class Cycle:
    """Slot k is due at start + k * period.

    A slot that comes late by up to half a period is still sent; beyond that it is skipped, so that two frames of one
    message are never nearer than half a period.
    """

    def __init__(self, start_ns: int, period_ns: int) -> None:
        self._start_ns, self._period_ns = start_ns, period_ns
        self.slot = 0
        self.missed = 0
        self._deviations_ns: list[int] = []
        self._count = 0

    @property
    def due_ns(self) -> int:
        """When the current slot is due."""
        return self._start_ns + self.slot * self._period_ns

    def arrive(self, t_ns: int) -> bool:
        """Awake at `t_ns`, at or after `due_ns`. True: send the current slot now. False: wait for the current slot,
        which is a later one than before."""
        beyond_ns = 2 * (t_ns - self.due_ns) - self._period_ns
        if beyond_ns > 0:
            skipped = -(-beyond_ns // (2 * self._period_ns))
            self.slot += skipped
            self.missed += skipped
        late_ns = t_ns - self.due_ns
        if late_ns < 0:
            return False
        self._note(late_ns)
        return True

    def done(self) -> None:
        """The current slot was sent; the next one is current."""
        self.slot += 1

    def deviation_p99_ns(self) -> int:
        """99th percentile of how late slots were, over the last minute; 0 before the first."""
        ordered = sorted(self._deviations_ns)
        return ordered[(99 * len(ordered)) // 100] if ordered else 0

    def _note(self, late_ns: int) -> None:
        if len(self._deviations_ns) < _KEPT:
            self._deviations_ns.append(late_ns)
        else:
            self._deviations_ns[self._count % _KEPT] = late_ns
        self._count += 1
