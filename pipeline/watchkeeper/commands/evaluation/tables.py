"""Scores of several ways to measure, over the same clips, cut by condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.commands.evaluation import frame_scores
from watchkeeper.commands.evaluation.by_eye import Verdict
from watchkeeper.commands.evaluation.clips import Clip
from watchkeeper.commands.evaluation.events import CLOSURE_NS, Event, spans, truly_closed
from watchkeeper.commands.evaluation.frames import Flags, Frames, join
from watchkeeper.commands.evaluation.scores import wilson
from watchkeeper.commands.evaluation.trace import ClipResult
from watchkeeper.types import Measurement

_WORN = {"none": "nothing before the face", "glasses": "clear glasses", "sunglasses": "sunglasses",
         "hand": "hand before the mouth"}  # fmt: skip
_TURNS = ((0.0, 20.0), (20.0, 40.0), (40.0, 61.0))
_AT_YAW = ((0.0, 10.0, "0"), (10.0, 30.0, "20"), (30.0, 50.0, "40"))
_DOWN_DEG = -20.0


@dataclass(frozen=True, slots=True)
class Scored:
    """What one way to measure made of the clips with exact truth, and of those labelled by eye."""

    label: str
    results: list[tuple[Clip, ClipResult]]
    verdicts: list[tuple[Clip, list[Verdict]]]


def frame_table(scored: Scored) -> list[dict[str, Any]]:
    """One row a condition that any frame fulfils: frames, clips, and what they score."""
    if not scored.results:
        return []
    frames = join([result.frames for _, result in scored.results])
    number = np.repeat(np.arange(len(scored.results)), [len(result.frames) for _, result in scored.results])
    worn = np.array([clip.worn_at(int(t)) for clip, result in scored.results for t in result.frames.t_ns])
    colour = np.array([bool(clip.about.get("color")) for clip, result in scored.results for _ in result.frames.t_ns])
    closed_at = scored.results[0][1].closed_at
    rows = []
    for name, chosen in _conditions(frames, worn, colour):
        if chosen.any():
            part = frames.where(chosen)
            rows.append({
                "condition": name, "clips": len(set(number[chosen].tolist())), "frames": len(part),
                "face_rate": frame_scores.face_rate(part), "eyes": frame_scores.eyes(part, closed_at),
                "head": frame_scores.head(part), "gaze": frame_scores.gaze(part), "mouth": frame_scores.mouth(part),
            })  # fmt: skip
    return rows


def closure_table(scored: Scored, truth: dict[str, Sequence[Measurement]]) -> dict[str, Any]:
    """Closures of half a second or more by condition, with Wilson's interval; blinks, and those warned of as sleep."""
    by: dict[str, list[Event]] = {"all": []}
    invented = blinks = 0
    for clip, result in scored.results:
        for event in result.events:
            if event.kind != "closure":
                continue
            if event.found is None:
                invented += 1
                continue
            for name in ["all", *_closure_conditions(clip, result.frames, event)]:
                by.setdefault(name, []).append(event)
        rows = truth[clip.name]
        blinks += len([a for a, b in spans([t.t_ns for t in rows], [truly_closed(t) for t in rows], 0)
                       if b - a < CLOSURE_NS])  # fmt: skip
    return {
        "rows": [_share(name, [bool(e.found) for e in events]) for name, events in by.items()],
        "invented": invented,
        "blinks": blinks,
        "blinks_warned_as_sleep": sum(result.blinks_warned for _, result in scored.results),
    }


def away_table(scored: Scored) -> dict[str, Any]:
    """Looks away of a second or more."""
    events = [e for _, result in scored.results for e in result.events if e.kind == "away"]
    return _share("all", [bool(e.found) for e in events if e.found is not None]) | {
        "invented": sum(e.found is None for e in events)
    }


def labelled_table(scored: Scored) -> list[dict[str, Any]]:
    """Clips of people, labelled by eye: one row a clip and kind."""
    rows = []
    for clip, verdicts in scored.verdicts:
        for kind in sorted({v.kind for v in verdicts}):
            mine = [v for v in verdicts if v.kind == kind]
            rows.append(
                _share(kind, [v.found for v in mine if v.expected])
                | {"clip": clip.name, "counterexamples": sum(not v.expected for v in mine),
                   "invented": sum(v.found and not v.expected for v in mine)}
            )  # fmt: skip
    return rows


def _conditions(frames: Frames, worn: NDArray[np.str_], colour: Flags) -> list[tuple[str, Flags]]:
    turn = np.abs(frames.true_head[:, 0])
    named: list[tuple[str, Flags]] = [
        ("all", np.ones(len(frames), np.bool_)),
        ("infrared", ~colour),
        ("colour", colour),
    ]
    named += [(_WORN.get(what, what), np.asarray(worn == what)) for what in sorted(set(worn.tolist()))]
    named += [(f"head turned {a:g} to {min(b, 60):g} deg", np.asarray((turn >= a) & (turn < b))) for a, b in _TURNS]
    named.append(("looking down by more than 20 deg", np.asarray(frames.true_gaze[:, 1] < _DOWN_DEG)))
    frontal = (np.abs(frames.true_head[:, :2]) <= frame_scores.FRONTAL_DEG).all(axis=1)
    named.append(("frontal, nothing or clear glasses", np.asarray(frontal & ((worn == "none") | (worn == "glasses")))))
    return named


def _closure_conditions(clip: Clip, frames: Frames, event: Event) -> list[str]:
    middle = (event.start_ns + event.end_ns) // 2
    at = int(np.abs(frames.t_ns - middle).argmin())
    yaw = abs(float(frames.true_head[at, 0]))
    worn = clip.worn_at(middle)
    names = [f"head yaw {label} deg, nothing worn" for a, b, label in _AT_YAW if a <= yaw < b and worn == "none"]
    return names + ([_WORN.get(worn, worn)] if worn != "none" else [])


def _share(name: str, found: list[bool]) -> dict[str, Any]:
    interval = wilson(sum(found), len(found))
    return {
        "condition": name,
        "expected": len(found),
        "found": sum(found),
        "recall": round(sum(found) / len(found), 4) if found else None,
        "ci95": [round(v, 3) for v in interval] if interval else None,
    }
