"""PERCLOS P80 and the driver's closures, both over time in which the lids were seen; unseen time is in neither term."""

from __future__ import annotations

from watchkeeper.state import limits
from watchkeeper.state.closures import Closures

_BLINK_NS, _SPAN_NS, _GAP_NS = limits.BLINK.ns, limits.SAMPLE_SPAN_MAX.ns, limits.GAP.ns
_BUCKET_NS, _BUCKETS = limits.PERCLOS_BUCKET.ns, round(limits.PERCLOS_WINDOW.ns / limits.PERCLOS_BUCKET.ns)
_KEPT, _NEEDED = int(limits.CLOSURES_KEPT.value), int(limits.CLOSURES_NEEDED.value)


class Perclos:
    """value: share of the last 60 s of valid time with the lids down, blinks (up to `limits.BLINK`) left out; None
    until so much valid time has passed. long_share: of the last closures those longer than a blink, None while there
    are few. long_closure_ns: when lids were last seen shut for longer than a blink.
    """

    __slots__ = (
        "_bucket", "_closed", "_closures", "_counted_ns", "_durations", "_filled", "_last_ns", "_next", "_open_ns",
        "_seen", "_valid_ns", "long_closure_ns", "long_share", "value",
    )  # fmt: skip

    def __init__(self, closures: Closures) -> None:
        self._closures = closures
        self._closed = [0] * _BUCKETS  # ns closed in each bucket of valid time
        self._bucket = self._filled = 0
        self._valid_ns = self._counted_ns = self._open_ns = 0
        self._durations: list[int] = []  # of the last closures, a ring
        self._next = 0
        self._seen = False
        self._last_ns: int | None = None
        self.value: float | None = None
        self.long_share: float | None = None
        self.long_closure_ns: int | None = None

    def step(self, t_ns: int) -> None:
        """After the closures' own step of the same time."""
        # A gap with lids seen at both its ends counts as a whole, as it does for the lids themselves.
        most_ns = _GAP_NS if self._seen else _SPAN_NS
        dt_ns = 0 if self._last_ns is None else min(t_ns - self._last_ns, most_ns)
        self._last_ns = t_ns
        self._seen = self._closures.closed_now is not None
        if not self._seen:
            return
        lids = self._closures.lids
        if lids.value:
            self._open_ns = duration_ns = lids.duration_ns
            if duration_ns > _BLINK_NS:
                # a closure that turns out longer than a blink counts from its start
                self._closed[self._bucket] += max(0, duration_ns - self._counted_ns)
                self._counted_ns = max(duration_ns, self._counted_ns)
                self.long_closure_ns = t_ns
        elif self._open_ns:
            self._ended(self._open_ns)
            self._open_ns = self._counted_ns = 0
        self._valid_ns += dt_ns
        if self._valid_ns >= _BUCKET_NS:
            self._valid_ns -= _BUCKET_NS
            self._bucket = (self._bucket + 1) % _BUCKETS
            self._filled = min(self._filled + 1, _BUCKETS)
            if self._filled == _BUCKETS:
                self.value = min(sum(self._closed) / (_BUCKETS * _BUCKET_NS), 1.0)
            self._closed[self._bucket] = 0

    def _ended(self, duration_ns: int) -> None:
        if len(self._durations) < _KEPT:
            self._durations.append(duration_ns)
        else:
            self._durations[self._next] = duration_ns
            self._next = (self._next + 1) % _KEPT
        count = len(self._durations)
        if count >= _NEEDED:
            self.long_share = sum(d > _BLINK_NS for d in self._durations) / count
