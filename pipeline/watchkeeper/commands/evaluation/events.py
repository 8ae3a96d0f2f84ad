"""Closures, looks away and yawns: those that happened, those that the measurement shows, and which belong together.

A closure is both lids down for half a second or more. A look away is a direction (of the gaze, or of the head where
the gaze is not known) beyond 25 degrees to a side or 20 up or down for a second or more. One that happened counts as
found when the measurement says so for at least half of it; one that is measured for that long while the truth is not
even half way there is invented.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchkeeper.commands.evaluation.frame_scores import TRUE_CLOSED
from watchkeeper.state import limits
from watchkeeper.types import Measurement

CLOSURE_NS, AWAY_NS, YAWN_NS = 500_000_000, 1_000_000_000, limits.YAWN_TIME.ns
_AWAY_YAW_DEG, _AWAY_PITCH_DEG, _HALF = 25.0, 20.0, 0.5
_HALF_SHUT = 0.5
_FOUND_SHARE = 0.5
# the grain of time: a closure of 0.5 s is 15 or 16 frames
_SLACK_NS = 20_000_000
Holds = bool | None


@dataclass(frozen=True, slots=True)
class Event:
    """One closure, look away or yawn. found: None for one that was measured only (invented)."""

    kind: str
    start_ns: int
    end_ns: int
    found: bool | None
    seen_share: float


def spans(times: Sequence[int], holds: Sequence[Holds], shortest_ns: int) -> list[tuple[int, int]]:
    """First and last time of each run of True that is long enough; a frame of None does not end a run."""
    found, start, last = [], None, 0
    for t_ns, held in zip(times, holds, strict=True):
        if held:
            start, last = (t_ns if start is None else start), t_ns
        elif held is False and start is not None:
            found.append((start, last))
            start = None
    if start is not None:
        found.append((start, last))
    return [(a, b) for a, b in found if b - a >= shortest_ns - _SLACK_NS]


def compare(
    kind: str, times: Sequence[int], happened: Sequence[Holds], nearly: Sequence[Holds], measured: Sequence[Holds],
    shortest_ns: int,
) -> list[Event]:  # fmt: skip
    """Events of one kind in order of time.

    happened, nearly, measured: one a time; `nearly` holds too where the truth is at least half way there.
    """
    events = []
    for start, end in spans(times, happened, shortest_ns):
        share = _share(times, measured, start, end)
        events.append(Event(kind, start, end, share >= _FOUND_SHARE, round(share, 3)))
    for start, end in spans(times, measured, shortest_ns):
        if _share(times, nearly, start, end) == 0.0:
            events.append(Event(kind, start, end, None, 1.0))
    return sorted(events, key=lambda event: event.start_ns)


def truly_closed(m: Measurement) -> Holds:
    """Both lids down."""
    return _lids(m, TRUE_CLOSED)


def half_closed(m: Measurement) -> Holds:
    """A lid on its way, or down."""
    openings = [eye.open for eye in (m.left_eye, m.right_eye) if eye is not None and eye.open is not None]
    return None if not openings else min(openings) <= _HALF_SHUT


def away(share: float) -> Callable[[Measurement], Holds]:
    """Is the direction beyond `share` of the way from which it counts as away?"""

    def holds(m: Measurement) -> Holds:
        direction = m.gaze or m.head
        if direction is None:
            return None
        return abs(direction.yaw_deg) > share * _AWAY_YAW_DEG or abs(direction.pitch_deg) > share * _AWAY_PITCH_DEG

    return holds


def looks_away(seen: Sequence[Measurement], truth: Sequence[Measurement]) -> list[Event]:
    """Looks away in frames that lie beside each other in both lists. Half the way is enough to be measured as away."""
    times = [t.t_ns for t in truth]
    true, half = away(1.0), away(_HALF)
    opened = [None if truly_closed(t) else true(t) for t in truth]
    found = compare("away", times, opened, [half(t) for t in truth], [half(m) for m in seen], AWAY_NS)
    sure = compare("away", times, opened, [half(t) for t in truth], [true(m) for m in seen], AWAY_NS)
    return [e for e in found if e.found is not None] + [e for e in sure if e.found is None]


def yawns(seen: Sequence[Measurement], truth: Sequence[Measurement]) -> list[Event]:
    """Yawns in frames that lie beside each other: the mouth as wide and as long open as the state machine asks."""

    def wide(m: Measurement, share: float) -> Holds:
        return None if m.mouth is None else m.mouth.open >= share * limits.YAWN_OPEN.value

    return compare(
        "yawn",
        [t.t_ns for t in truth],
        [wide(t, 1.0) for t in truth],
        [wide(t, _HALF) for t in truth],
        [wide(m, 1.0) for m in seen],
        YAWN_NS,
    )


def closures(closed: Sequence[Holds], truth: Sequence[Measurement]) -> list[Event]:
    """Closures in frames that lie beside each other: `closed` as measured."""
    times = [t.t_ns for t in truth]
    return compare(
        "closure", times, [truly_closed(t) for t in truth], [half_closed(t) for t in truth], closed, CLOSURE_NS
    )


def _lids(m: Measurement, at_most: float) -> Holds:
    openings = [eye.open for eye in (m.left_eye, m.right_eye) if eye is not None and eye.open is not None]
    return None if not openings else all(opening <= at_most for opening in openings)


def _share(times: Sequence[int], holds: Sequence[Holds], start_ns: int, end_ns: int) -> float:
    within = [held for t_ns, held in zip(times, holds, strict=True) if start_ns <= t_ns <= end_ns]
    return sum(held is True for held in within) / max(len(within), 1)
