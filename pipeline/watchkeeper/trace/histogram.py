"""Percentiles of the newest values, over a fixed window, without allocation per value."""

from __future__ import annotations

from array import array


class Window:
    """Ring of the newest `size` values; percentiles by nearest rank.

    Values are ints of nanoseconds. `add` costs one store; `percentile` sorts a copy, so call it a few times a second.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError("size must be at least 1")
        self._values = array("q", bytes(8 * size))
        self._next = 0
        self.count = 0  # values ever added

    def add(self, value: int) -> None:
        """Take one value in; the oldest falls out when the ring is full."""
        self._values[self._next] = value
        self._next = (self._next + 1) % len(self._values)
        self.count += 1

    def percentile(self, *shares: float) -> tuple[int, ...]:
        """Nearest-rank percentiles for shares 0..1 (0.5 = median); zeros when nothing was added."""
        held = min(self.count, len(self._values))
        if held == 0:
            return (0,) * len(shares)
        ordered = sorted(self._values[:held])
        return tuple(ordered[min(held - 1, max(0, -int(-share * held // 1) - 1))] for share in shares)
