"""How long something has been so, told from noisy samples at uneven times."""

from __future__ import annotations

from watchkeeper.state import limits

_SPAN_NS = limits.SAMPLE_SPAN_MAX.ns
_GAP_NS = limits.GAP.ns
_FORGET_NS = limits.FORGET.ns
_HALF_NS = limits.HALF_FRAME_MAX.ns


class Dwell:
    """A yes/no/unknown value and how long it has lasted, robust against single wrong samples and lost frames.

    The value turns only after the opposite has been seen for a hold time in balance (wrong samples weigh against right
    ones), and is then dated back to where the opposite began. Unknown samples neither turn nor extend it; a gap up to
    `limits.GAP` counts when both its ends agree, a longer one is taken out of the duration (frozen), and after
    `limits.FORGET` without a known sample the value is unknown again. What becomes known after frames that showed
    nothing of it is dated half way back to the last of these.

    opposed: the newest known sample says otherwise, which has not lasted long enough to count.
    keep: never forget; set while a warning hangs on the value.
    hold_true_ns, hold_false_ns: time to turn to True, to False.
    """

    __slots__ = (
        "_evidence_ns",
        "_hold_false_ns",
        "_hold_true_ns",
        "_last_ns",
        "_reach_ns",
        "_start_ns",
        "_step_ns",
        "_turn_ns",
        "keep",
        "known_ns",
        "opposed",
        "value",
    )

    def __init__(self, hold_true_ns: int, hold_false_ns: int) -> None:
        self._hold_true_ns, self._hold_false_ns = hold_true_ns, hold_false_ns
        self.value: bool | None = None
        self.keep = self.opposed = False
        self.known_ns: int | None = None  # time of the newest known sample
        self._step_ns: int | None = None
        self._start_ns = self._last_ns = self._turn_ns = self._reach_ns = 0
        self._evidence_ns = 0

    @property
    def duration_ns(self) -> int:
        """How long the present value has been seen to last, up to the newest sample that agrees with it."""
        return self._last_ns - self._start_ns if self.value is not None else 0

    def beyond_ns(self, limit_ns: int) -> int:
        """How far past a limit the value has lasted, negative before it.

        Times are told at the frame nearest to a limit, not at the first one after it: a sample speaks for half the time
        to its neighbours, here as when a value turns. At most `limits.HALF_FRAME_MAX`, for frames may be lost.
        """
        return self._reach_ns - self._start_ns - limit_ns if self.value is not None else -limit_ns

    def since_start_of_judging(self, t_ns: int) -> None:
        """Count nothing that lay before `t_ns`."""
        self._start_ns = max(self._start_ns, t_ns)
        self._turn_ns = max(self._turn_ns, t_ns)
        self._last_ns = max(self._last_ns, t_ns)
        self._reach_ns = max(self._reach_ns, t_ns)

    def step(self, raw: bool | None, t_ns: int) -> None:
        """Take the sample of time `t_ns`, which never decreases from call to call."""
        known_ns, step_ns = self.known_ns, self._step_ns
        self._step_ns = t_ns
        if known_ns is not None and t_ns - known_ns > _FORGET_NS and not self.keep:
            self.value = None
        if raw is None:
            return
        self.known_ns = t_ns
        if self.value is None or known_ns is None:
            self.value, self.opposed, self._evidence_ns = raw, False, 0
            before_ns = t_ns if step_ns is None or t_ns - step_ns > _GAP_NS else step_ns
            half_ns = min(t_ns - before_ns, _SPAN_NS) // 2
            self._start_ns, self._last_ns, self._reach_ns = t_ns - half_ns, t_ns, t_ns
            return
        dt_ns = t_ns - known_ns
        half_ns = min(dt_ns // 2, _HALF_NS)
        if dt_ns > _GAP_NS:
            # never past now: judging may have begun within the gap
            self._start_ns = min(self._start_ns + dt_ns, t_ns)
            self._last_ns = min(self._last_ns + dt_ns, t_ns)
            self._turn_ns = min(self._turn_ns + dt_ns, t_ns)
            self._reach_ns = min(self._reach_ns + dt_ns, t_ns + _HALF_NS)  # what was reached stays reached
        span_ns = min(dt_ns, _SPAN_NS)
        self.opposed = raw is not self.value
        if not self.opposed:
            self._last_ns = t_ns
            self._reach_ns = max(self._reach_ns, t_ns + half_ns)
            self._evidence_ns = max(0, self._evidence_ns - span_ns)
            return
        if self._evidence_ns == 0:
            # It turned somewhere between the two samples: half way is right on average, at every frame rate.
            self._turn_ns = t_ns - span_ns // 2
            self._evidence_ns = max(1, span_ns // 2)
        else:
            self._evidence_ns += span_ns
        if self._evidence_ns >= (self._hold_true_ns if raw else self._hold_false_ns):
            self.value, self.opposed, self._evidence_ns = raw, False, 0
            self._start_ns, self._last_ns, self._reach_ns = self._turn_ns, t_ns, t_ns + half_ns
