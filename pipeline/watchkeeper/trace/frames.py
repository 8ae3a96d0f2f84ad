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
    """One judged frame. sent_ns: None when its result was overtaken by a newer one before the bus's next slot. echo_ns:
    None when it was not heard back. over_ns: what stages took beyond their share. start_ns: first exposure that its
    process judged; None when that is older than the recording.
    """

    seq: int
    exposure_ns: int
    published_ns: int
    late: bool
    rung: int
    stages: list[Row] = field(default_factory=list)
    sent_ns: int | None = None
    echo_ns: int | None = None
    bus_late: bool = False
    over_ns: dict[Kind, int] = field(default_factory=dict)
    start_ns: int | None = None

    @property
    def took_ns(self) -> int:
        """End of exposure to published."""
        return self.published_ns - self.exposure_ns

    @property
    def phase(self) -> str:
        """`cold start`, `warm-up` or `steady`."""
        since_ns = WARM_UP_NS if self.start_ns is None else self.exposure_ns - self.start_ns
        return "steady" if since_ns >= WARM_UP_NS else "warm-up" if since_ns else "cold start"

    def by_kind_ns(self) -> dict[Kind, int]:
        """Time by stage; networks of one frame together."""
        took = dict.fromkeys(STAGES, 0)
        for row in self.stages:
            took[Kind(row.kind)] += row.end_ns - row.begin_ns
        return took

    def culprit(self) -> Kind:
        """The stage a late frame is laid to: the one furthest beyond its share, else the longest."""
        own = self.over_ns or self.by_kind_ns()
        return max(own, key=lambda kind: own[kind])


@dataclass(frozen=True, slots=True)
class Frames:
    """judged: in order. drops: by cause, among the rows that are still there."""

    judged: list[TracedFrame]
    drops: Counter[str]

    def phases(self) -> dict[str, list[TracedFrame]]:
        """Cold start, warm-up and steady state apart, of every process in the recording; a process whose start is
        older than the recording has only the last."""
        phases: dict[str, list[TracedFrame]] = {"cold start": [], "warm-up": [], "steady": []}
        for frame in self.judged:
            phases[frame.phase].append(frame)
        return phases


def frames_of(recording: Recording) -> Frames:
    """A frame whose first rows were overwritten already is left out."""
    judged: list[TracedFrame] = []
    by_seq: dict[int, TracedFrame] = {}
    drops: Counter[str] = Counter()
    stages: dict[int, list[Row]] = {}
    over: dict[Kind, int] = {}
    started, start_ns = False, None
    for row in recording.rows:
        if row.kind in STAGES:
            stages.setdefault(row.seq, []).append(row)
        elif row.kind == Kind.FRAME:
            own = stages.pop(row.seq, [])
            if own and own[0].kind == Kind.DEQUEUE:
                if started:
                    started, start_ns = False, row.begin_ns
                frame = TracedFrame(row.seq, row.begin_ns, row.end_ns, bool(row.detail), row.value, own)
                frame.start_ns, frame.over_ns = start_ns, over
                judged.append(frame)
                by_seq[row.seq] = frame
            stages.clear()  # of frames that failed half way
            over = {}
        elif row.kind == Kind.OVER:
            over[Kind(row.detail)] = row.value * 1000
        elif row.kind == Kind.START:
            started = True
            by_seq.clear()  # its numbers begin anew
            stages.clear()
            over = {}
        elif row.kind == Kind.SEND and row.seq in by_seq:
            by_seq[row.seq].sent_ns, by_seq[row.seq].bus_late = row.end_ns, bool(row.detail)
        elif row.kind == Kind.ECHO and row.seq in by_seq:
            by_seq[row.seq].echo_ns = row.end_ns
        elif row.kind == Kind.DROP:
            drops[Drop(row.detail).name.lower()] += row.value
    return Frames(judged, drops)
