"""Where a frame's time goes: the stages of one frame on one clock, and the running percentiles of each."""

from __future__ import annotations

from enum import IntEnum

from watchkeeper.clock import NS_PER_MS
from watchkeeper.trace.histogram import Window


class Stage(IntEnum):
    """Moments of a frame, in order. A stage's duration runs from the moment before it to its own."""

    EXPOSURE = 0  # end of exposure, as the driver stamped it
    TAKEN = 1  # the loop took the frame
    MEASURED = 2  # preprocess, inference and measure are done; the lease is released
    JUDGED = 3  # state.step is done
    PUBLISHED = 4  # the mailbox has it


class StageTimes:
    """Collects the moments of each frame; latency is EXPOSURE to PUBLISHED."""

    def __init__(self, window: int = 300) -> None:
        self._durations = [Window(window) for _ in Stage]
        self._latency = Window(window)

    def add(self, moments_ns: list[int]) -> None:
        """`moments_ns[stage]` for one frame, all on CLOCK_MONOTONIC."""
        for stage in range(1, len(moments_ns)):
            self._durations[stage].add(moments_ns[stage] - moments_ns[stage - 1])
        self._latency.add(moments_ns[Stage.PUBLISHED] - moments_ns[Stage.EXPOSURE])

    def latency_ms(self) -> tuple[float, float]:
        """(p50, p99) of end of exposure to published state."""
        p50, p99 = self._latency.percentile(0.5, 0.99)
        return p50 / NS_PER_MS, p99 / NS_PER_MS

    def median_ms(self) -> dict[str, float]:
        """Median duration by stage name."""
        return {stage.name.lower(): self._durations[stage].percentile(0.5)[0] / NS_PER_MS for stage in list(Stage)[1:]}
