"""A trace against spans that were labelled by eye: was every closure and turn measured, and none where none was.

A span of closed eyes is found when the lids read closed for at least half of it. A turn is found when the head's
median over the span lies at least 10 degrees (`mild`: 5) from its median over the spans that look ahead, in each
direction that the label names. Spans of open eyes and of a head ahead are counterexamples: a closure of 150 ms or more
in them, or a median 10 degrees off, is invented.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from watchkeeper.commands.evaluation.events import Holds, spans
from watchkeeper.commands.evaluation.truth import Span
from watchkeeper.state import limits
from watchkeeper.types import Measurement

_TURN_DEG, _MILD_DEG = 10.0, 5.0
# The picture is not mirrored: its left is the driver's right. Column: 0 yaw (left is positive), 1 pitch (up is).
_DIRECTIONS = {"image_left": (0, -1.0), "image_right": (0, 1.0), "down": (1, -1.0), "up": (1, 1.0)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """expected: a closure or turn is labelled here. found: it was measured; where none is labelled, it was invented."""

    span: Span
    kind: str
    expected: bool
    found: bool
    measured: str


def judge_spans(trace: Sequence[Measurement], closed: Sequence[Holds], labelled: Sequence[Span]) -> list[Verdict]:
    """One verdict a span. `closed`: lids, one a frame; frames are counted from the trace's first line."""
    ahead = _median([k for s in labelled if "forward" in s.event for k in s.core], trace) or (0.0, 0.0)
    return [_verdict(s, trace, closed, ahead) for s in labelled]


def _verdict(span: Span, trace: Sequence[Measurement], closed: Sequence[Holds], ahead: tuple[float, float]) -> Verdict:
    frames = [k for k in span.core if k < len(trace)]
    if span.event.startswith("eyes"):
        share = sum(closed[k] is True for k in frames) / max(len(frames), 1)
        expected = span.event.startswith("eyes_closed")
        long_ones = spans([trace[k].t_ns for k in frames], [closed[k] for k in frames], limits.LID_HOLD.ns)
        found = share >= 0.5 if expected else bool(long_ones)
        return Verdict(span, "closure", expected, found, f"closed in {100 * share:.0f} % of the frames")
    direction = _median(frames, trace)
    if direction is None:
        return Verdict(span, "turn", "forward" not in span.event, False, "no head")
    off = (direction[0] - ahead[0], direction[1] - ahead[1])
    said = f"yaw {off[0]:+.0f}, pitch {off[1]:+.0f} deg"
    if "forward" in span.event:
        return Verdict(span, "turn", False, max(abs(off[0]), abs(off[1])) >= _TURN_DEG, said)
    needed = _MILD_DEG if "mild" in span.event else _TURN_DEG
    named = [_DIRECTIONS[name] for name in re.findall("image_left|image_right|down|up", span.event)]
    found = bool(named) and all(off[column] * sign >= needed for column, sign in named)
    return Verdict(span, "turn", True, found, said)


def _median(frames: Sequence[int], trace: Sequence[Measurement]) -> tuple[float, float] | None:
    heads = [head for k in frames if k < len(trace) and (head := trace[k].head) is not None]
    if not heads:
        return None
    return median(h.yaw_deg for h in heads), median(h.pitch_deg for h in heads)
