"""Quantiles of a value over time: a histogram in which each sample weighs as long as it lasted."""

from __future__ import annotations

from watchkeeper.state import limits

_BINS = int(limits.BASELINE_BINS.value)


class TimeHistogram:
    """Time spent at each value between `low` and `high` (same unit; values outside count at the nearer end).

    weight_ns: time counted. Fixed size, so that nothing grows.
    """

    __slots__ = ("_low", "_time_ns", "_width", "weight_ns")

    def __init__(self, low: float, high: float) -> None:
        self._low, self._width = low, (high - low) / _BINS
        self._time_ns = [0] * _BINS
        self.weight_ns = 0

    def add(self, value: float, dt_ns: int) -> None:
        """`value` (finite) held for `dt_ns`."""
        k = int(min(max((value - self._low) / self._width, 0), _BINS - 1))
        self._time_ns[k] += dt_ns
        self.weight_ns += dt_ns

    def median(self) -> float | None:
        """The value that was exceeded half of the time, linear within a bin; None before any time was counted."""
        if self.weight_ns <= 0:
            return None
        below, half = 0, self.weight_ns / 2
        k = 0
        while below + self._time_ns[k] < half:
            below += self._time_ns[k]
            k += 1
        return self._low + self._width * (k + (half - below) / self._time_ns[k])
