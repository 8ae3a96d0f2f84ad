"""The one clock. Every time in watchkeeper is an int of nanoseconds on CLOCK_MONOTONIC, and its name ends in `_ns`."""

from __future__ import annotations

import time

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


def now_ns() -> int:
    """Nanoseconds on CLOCK_MONOTONIC; the same in every process of this machine, unlike wall-clock time."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def sleep_until_ns(deadline_ns: int) -> None:
    """Sleep to an absolute time on `now_ns`'s clock; returns at once when it has passed.

    The deadline is absolute so that the time a cycle's work took never shifts the next cycle.
    """
    while (left_ns := deadline_ns - now_ns()) > 0:
        time.sleep(left_ns / NS_PER_S)
