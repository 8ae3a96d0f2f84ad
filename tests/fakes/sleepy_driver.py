"""A driver for the estimate of sleepiness: lids set by hand over a minute, yawns and nods on top."""

from __future__ import annotations

from set_timers import MS, S, SetClosures

from watchkeeper.state.baseline import Baseline
from watchkeeper.state.sleepiness import Sleepiness
from watchkeeper.types import Head, Measurement, Mouth

T0 = 5 * S
MINUTE_NS = 60 * S


class Driver:
    """A driver whose lids are set by hand. `judged` gives the level that is told first, after a minute of seen time."""

    def __init__(self, closed_ns: int = 0, baseline: Baseline | None = None) -> None:
        """closed_ns: of the minute."""
        self.closures = SetClosures()
        self.sleepiness = Sleepiness(self.closures, baseline if baseline is not None else Baseline())
        self.t_ns = T0
        self._seen, self._seen_ns = False, 0
        self.lids(False)
        if closed_ns:
            self.lids(True, closed_ns, after_ns=100 * MS).lids(False, after_ns=100 * MS)

    def lids(self, closed_now: bool | None, closed_ns: int | None = None, after_ns: int = 0) -> Driver:
        """A step without a frame of which more than the lids is known."""
        return self.frame(None, closed_now, closed_ns, after_ns)

    def frame(
        self, m: Measurement | None, closed_now: bool | None, closed_ns: int | None = None, after_ns: int = 100 * MS
    ) -> Driver:
        """One frame, of which `m` is known."""
        self.t_ns += after_ns
        if closed_now is not None:
            self._seen_ns += min(after_ns, 500 * MS if self._seen else 200 * MS)
        self._seen = closed_now is not None
        self.closures.show(closed_now, closed_ns)
        self.sleepiness.step(m, self.t_ns)
        return self

    def judged(self, at_ns: int | None = None) -> int | None:
        """The level that is told first, at this time on the driver's clock (as soon as can be by default)."""
        while self._seen_ns < MINUTE_NS - 500 * MS:
            self.lids(False, after_ns=min(500 * MS if self._seen else 200 * MS, MINUTE_NS - 500 * MS - self._seen_ns))
        assert self.sleepiness.kss is None
        if at_ns is not None:
            self.t_ns = at_ns - 500 * MS
        self.lids(None).lids(False, after_ns=200 * MS)
        self.lids(False, after_ns=MINUTE_NS - self._seen_ns)
        assert self.sleepiness.perclos is not None
        return self.sleepiness.kss

    def yawn(self, lasted_ns: int = 2 * S, opened: float = 0.5) -> Driver:
        """In time in which the lids are not seen; a pause of 3 s after it."""
        for k in range(0, lasted_ns, 400 * MS):
            self.frame(mouth(opened), None, after_ns=400 * MS if k else 0)
        self.frame(mouth(opened), None, after_ns=lasted_ns - (lasted_ns - 1) // (400 * MS) * 400 * MS)
        self.t_ns += 3 * S
        return self

    def nod(self, fallen_deg: float = 12.0, closed_ns: int = 500 * MS) -> Driver:
        self.frame(head(3.0), None)
        return self.frame(head(3.0 - fallen_deg), True, closed_ns)


def mouth(opened: float) -> Measurement:
    return Measurement(0, mouth=Mouth(opened))


def head(pitch_deg: float) -> Measurement:
    return Measurement(0, head=Head(0.0, pitch_deg, 0.0))


def share_ns(share: float) -> int:
    return round(share * 60 * S)
