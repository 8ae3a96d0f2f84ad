"""Frames out of a recording's rows: each with its stages, and the sums over all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from watchkeeper.clock import NS_PER_S
from watchkeeper.trace.ring import Recording
from watchkeeper.trace.rows import STAGES, Drop, Kind, Row

WARM_UP_NS = 5 * NS_PER_S
"""After the first frame of a process: caches, clocks and filters settle; the first frame itself is the cold start."""


@dataclass(slots=True)
class TracedFrame:
    """One judged frame. sent_ns: None when its result was overtaken by a newer one before the bus's next slot."""

    seq: int
    exposure_ns: int
    published_ns: int
    late: bool
    rung: int
    stages: list[Row] = field(default_factory=list)
    sent_ns: int | None = None

    @property
    def took_ns(self) -> int:
        """End of exposure to published."""
        return self.published_ns - self.exposure_ns

    def by_kind_ns(self) -> dict[Kind, int]:
        """Time by stage; networks of one frame together."""
        took = dict.fromkeys(STAGES, 0)
        for row in self.stages:
            took[Kind(row.kind)] += row.end_ns - row.begin_ns
        return took


@dataclass(frozen=True, slots=True)
class Frames:
    """judged: in order. drops: by cause, among the rows that are still there."""

    judged: list[TracedFrame]
    drops: Counter[str]

    def phases(self) -> dict[str, list[TracedFrame]]:
        """Cold start, warm-up and steady state apart."""
        if not self.judged:
            return {"cold start": [], "warm-up": [], "steady": []}
        began_ns = self.judged[0].exposure_ns
        warm = [f for f in self.judged[1:] if f.exposure_ns - began_ns < WARM_UP_NS]
        steady = [f for f in self.judged[1:] if f.exposure_ns - began_ns >= WARM_UP_NS]
        return {"cold start": self.judged[:1], "warm-up": warm, "steady": steady}


def frames_of(recording: Recording) -> Frames:
    """A frame whose first rows were overwritten already is left out."""
    judged: list[TracedFrame] = []
    by_seq: dict[int, TracedFrame] = {}
    drops: Counter[str] = Counter()
    stages: dict[int, list[Row]] = {}
    for row in recording.rows:
        if row.kind in STAGES:
            stages.setdefault(row.seq, []).append(row)
        elif row.kind == Kind.FRAME:
            own = stages.pop(row.seq, [])
            if own and own[0].kind == Kind.DEQUEUE:
                frame = TracedFrame(row.seq, row.begin_ns, row.end_ns, bool(row.detail), row.value, own)
                judged.append(frame)
                by_seq[row.seq] = frame
            stages.clear()  # of frames that failed half way
        elif row.kind == Kind.SEND and row.seq in by_seq:
            by_seq[row.seq].sent_ns = row.end_ns
        elif row.kind == Kind.DROP:
            drops[Drop(row.detail).name.lower()] += row.value
    return Frames(judged, drops)
