"""One trace against its truth: the numbers of `evaluate trace`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from watchkeeper.commands.evaluation import frame_scores
from watchkeeper.commands.evaluation.by_eye import Verdict, judge_spans
from watchkeeper.commands.evaluation.events import Event, closures, looks_away, spans, truly_closed, yawns
from watchkeeper.commands.evaluation.frames import Frames, pair
from watchkeeper.commands.evaluation.judged import judge, simply_closed
from watchkeeper.commands.evaluation.truth import read_spans
from watchkeeper.errors import BadInputError
from watchkeeper.measurement_trace import read_trace
from watchkeeper.types import Cabin, Measurement, Phase, VehicleSignals, WarningEvent
from watchkeeper.types import Warning as DriverWarning

_SAME_FRAME_NS = 25_000_000
_NS_PER_HOUR = 3600 * 10**9
_SLEEP = (DriverWarning.MICROSLEEP, DriverWarning.SLEEP, DriverWarning.UNRESPONSIVE)
# A warning of sleep comes a second into the closure; one of which the lids were truly down for less is a blink's.
_SHUT_NS, _LOOK_BACK_NS = 900_000_000, 1_000_000_000


@dataclass(frozen=True, slots=True)
class ClipResult:
    """frames: with truth. events: closures and looks away. blinks_warned: warnings of sleep without one."""

    frames: Frames
    events: list[Event]
    warnings: list[WarningEvent]
    blinks_warned: int
    duration_ns: int
    lines: int
    closed_at: float


def evaluate_rendered(
    seen: Sequence[Measurement],
    truth: Sequence[tuple[Measurement, VehicleSignals | None]],
    cabin: Cabin,
    *,
    clip: int = 0,
    closed_at: float | None = None,
) -> ClipResult:
    """A trace against exact truth, both in order of time and not empty.

    closed_at: judge lids by this one threshold instead of the product's own state machine, for other measurements.
    Raises ValueError when no frame of the trace is within 25 ms of one of the truth.
    """
    frames = pair(seen, [t for t, _ in truth], clip)
    near = _nearest(seen, truth)
    if not near:
        raise ValueError("no frame of the trace has the time of one of the truth")
    judged = judge([m for m, _, _ in near], [car for _, _, car in near], cabin)
    closed = judged.closed if closed_at is None else [simply_closed(m, closed_at) for m, _, _ in near]
    measured, true = [m for m, _, _ in near], [t for _, t, _ in near]
    warnings = [] if closed_at is not None else judged.warnings
    return ClipResult(
        frames,
        closures(closed, true) + looks_away(measured, true) + yawns(measured, true),
        warnings,
        _without_sleep(warnings, true),
        seen[-1].t_ns - seen[0].t_ns,
        len(seen),
        frame_scores.CLOSED_AT if closed_at is None else closed_at,
    )


def as_json(result: ClipResult) -> dict[str, Any]:
    """The result as `evaluate trace --json` prints it."""
    frames = result.frames
    return {
        "frames": result.lines,
        "driver_frames": len(frames),
        "face_rate": frame_scores.face_rate(frames),
        "eyes": frame_scores.eyes(frames, result.closed_at),
        "head": frame_scores.head(frames),
        "gaze": frame_scores.gaze(frames) | {"frontal": frame_scores.gaze(frame_scores.frontal(frames))},
        "mouth": frame_scores.mouth(frames),
        "events": _events(result),
        "warnings": [
            {"t_s": round(e.t_ns / 1e9, 3), "warning": e.warning.label, "phase": e.phase.value}
            for e in result.warnings
        ],
    }  # fmt: skip


def evaluate_labelled(trace_path: Path, truth_path: Path, clip: str, cabin: Cabin) -> dict[str, Any]:
    """A trace against spans seen by eye (CSV). Raises BadInputError."""
    labelled = read_spans(truth_path, clip)
    trace = [m for m, _ in read_trace(trace_path)]
    last = max(span.last for span in labelled)
    if last >= len(trace):
        raise BadInputError.at(
            trace_path, f"expected at least {last + 1} frames, as the spans of {clip!r} have, got {len(trace)}"
        )
    return labelled_json(trace, judge_spans(trace, judge(trace, [None] * len(trace), cabin).closed, labelled))


def labelled_json(trace: Sequence[Measurement], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What spans seen by eye can say: events, and no angles."""
    duration_ns = trace[-1].t_ns - trace[0].t_ns
    expected, others = [v for v in verdicts if v.expected], [v for v in verdicts if not v.expected]
    invented = sum(v.found for v in others)
    faces = sum(m.face is not None for m in trace)
    return {
        "frames": len(trace),
        "face_rate": round(faces / len(trace), 4),
        "eyes": {"auc": None, "balanced_accuracy": None},
        "head": {"yaw_mae_deg": None, "pitch_mae_deg": None, "roll_mae_deg": None},
        "gaze": {"yaw_mae_deg": None, "pitch_mae_deg": None},
        "events": {
            "expected": len(expected),
            "found": sum(v.found for v in expected),
            "invented": invented,
            "false_alarms_per_hour": _per_hour(invented, duration_ns),
            "rows": [
                {"event": v.span.event, "kind": v.kind, "first_frame": v.span.first, "last_frame": v.span.last,
                 "expected": v.expected, "found": v.found, "measured": v.measured}
                for v in verdicts
            ],
        },
    }  # fmt: skip


def read_pair(trace: Path, truth: Path) -> tuple[list[Measurement], list[tuple[Measurement, VehicleSignals | None]]]:
    """A trace and its exact truth. Raises BadInputError, also when they do not belong to each other."""
    seen, true = [m for m, _ in read_trace(trace)], list(read_trace(truth))
    if not _nearest(seen, true):
        raise BadInputError.at(
            trace, f"expected times as in {truth}, no frame is within 25 ms of one there", field="t_ns"
        )
    return seen, true


def _events(result: ClipResult) -> dict[str, Any]:
    real = [e for e in result.events if e.found is not None]
    invented = [e for e in result.events if e.found is None]
    return {
        "expected": len(real),
        "found": sum(bool(e.found) for e in real),
        "invented": len(invented),
        "false_alarms_per_hour": _per_hour(len(invented), result.duration_ns),
        "blinks_warned_as_sleep": result.blinks_warned,
        "rows": [asdict(e) | {"invented": e.found is None} for e in result.events],
    }


def _per_hour(count: int, duration_ns: int) -> float | None:
    return round(count * _NS_PER_HOUR / duration_ns, 2) if duration_ns > 0 else None


def _nearest(
    seen: Sequence[Measurement], truth: Sequence[tuple[Measurement, VehicleSignals | None]]
) -> list[tuple[Measurement, Measurement, VehicleSignals | None]]:
    """Both lists are in order of time: one walk over them."""
    rows, k = [], 0
    for m in seen:
        while k + 1 < len(truth) and abs(truth[k + 1][0].t_ns - m.t_ns) <= abs(truth[k][0].t_ns - m.t_ns):
            k += 1
        if abs(truth[k][0].t_ns - m.t_ns) <= _SAME_FRAME_NS:
            rows.append((m, *truth[k]))
    return rows


def _without_sleep(warnings: Sequence[WarningEvent], truth: Sequence[Measurement]) -> int:
    """Warnings of sleep without a closure of 0.9 s behind them in the second before."""
    shut = spans([t.t_ns for t in truth], [truly_closed(t) for t in truth], _SHUT_NS)
    raised = [e for e in warnings if e.warning in _SLEEP and e.phase is Phase.ONSET]
    return sum(not any(a <= e.t_ns and b >= e.t_ns - _LOOK_BACK_NS for a, b in shut) for e in raised)
