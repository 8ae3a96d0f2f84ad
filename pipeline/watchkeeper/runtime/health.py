"""Vision's own counters, as the bus and the live table report them."""

from __future__ import annotations

from collections import deque

from watchkeeper.clock import NS_PER_S
from watchkeeper.trace.histogram import Window
from watchkeeper.trace.stages import StageTimes
from watchkeeper.types import VisionHealth

_PERCENTILES_EVERY_NS = NS_PER_S // 2


class HealthMeter:
    """frame_period_ns: the board's, which 100 % load would fill."""

    def __init__(self, frame_period_ns: int) -> None:
        self._period_ns = frame_period_ns
        self.times = StageTimes()
        self.processed = self.misses = 0
        self._durations = Window(90)
        self._arrivals: deque[int] = deque()
        self._percentiles = (0.0, 0.0)
        self._percentiles_due_ns = 0
        self._load_pct = 0.0

    def judged(self, taken_ns: int, judged_ns: int) -> None:
        """A frame was judged; its report comes next."""
        self.processed += 1
        self._durations.add(judged_ns - taken_ns)
        self._arrivals.append(judged_ns)
        while judged_ns - self._arrivals[0] > NS_PER_S:
            self._arrivals.popleft()

    def report(self, t_ns: int, captured: int, dropped: int, rung: int) -> VisionHealth:
        """As of now. captured, dropped: frames since the start, those dropped anywhere before judgement."""
        span_ns = t_ns - self._arrivals[0]
        if t_ns >= self._percentiles_due_ns:  # sorting the window on every frame would be work for nobody
            self._percentiles = self.times.latency_ms()
            self._percentiles_due_ns = t_ns + _PERCENTILES_EVERY_NS
            self._load_pct = 100.0 * self._durations.percentile(0.5)[0] / self._period_ns
        return VisionHealth(
            frames_captured=captured,
            frames_processed=self.processed,
            frames_dropped=dropped,
            deadline_misses=self.misses,
            frame_rate_hz=(len(self._arrivals) - 1) * NS_PER_S / span_ns if span_ns else 0.0,
            latency_p50_ms=self._percentiles[0],
            latency_p99_ms=self._percentiles[1],
            load_pct=self._load_pct,
            rung=rung,
        )
