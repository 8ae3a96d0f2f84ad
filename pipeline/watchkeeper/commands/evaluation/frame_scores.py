"""What a set of frames scores: errors in degrees, lids told apart, the mouth. Missing is null, never zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from watchkeeper.commands.evaluation.frames import Frames
from watchkeeper.commands.evaluation.scores import Mean, Numbers, auc, balanced_accuracy, mean
from watchkeeper.state import limits

TRUE_CLOSED, TRUE_OPEN = 0.2, 0.8  # of the true opening: closed, open; between is a lid on its way and not counted
CLOSED_AT = limits.LID_CLOSED.value
FRONTAL_DEG = 20.0  # a head turned no further has both eyes towards a camera ahead


def eyes(frames: Frames, closed_at: float = CLOSED_AT) -> dict[str, Any]:
    """Open against closed lids, each eye of each frame one; `closed_at`: opening from which an eye counts as closed."""
    seen = ~np.isnan(frames.opening)
    opened = frames.opening[seen & (frames.true_opening >= TRUE_OPEN)]
    closed = frames.opening[seen & (frames.true_opening <= TRUE_CLOSED)]
    known = ~np.isnan(frames.true_opening)
    return {
        "auc": rounded(auc(opened, closed), 5),
        "balanced_accuracy": rounded(balanced_accuracy(opened, closed, closed_at), 4),
        "threshold": closed_at,
        "n_open": len(opened),
        "n_closed": len(closed),
        "unknown_share": rounded(float((~seen)[known].mean()), 4) if known.any() else None,
        "closed_judged_open": int((closed > closed_at).sum()),
        "open_judged_closed": int((opened <= closed_at).sum()),
    }


def head(frames: Frames) -> dict[str, Any]:
    """Mean absolute errors of the head's angles."""
    return _errors(frames.head - frames.true_head, frames, ("yaw", "pitch", "roll"))


def gaze(frames: Frames) -> dict[str, Any]:
    """Mean absolute errors of the line of sight, while the eyes are open; `angle`: between the two directions."""
    found = frames.where(np.asarray(~(frames.true_opening <= TRUE_CLOSED).all(axis=1)))
    scored = _errors(found.gaze - found.true_gaze, found, ("yaw", "pitch"))
    apart = mean_of(_angle_deg(found.gaze, found.true_gaze), found)
    known = np.asarray(~np.isnan(found.true_gaze).any(axis=1))
    missing = np.asarray(np.isnan(found.gaze).any(axis=1))
    return scored | {
        "angle_mae_deg": rounded(apart.value, 3) if apart else None,
        "angle_ci95_deg": [rounded(apart.low, 3), rounded(apart.high, 3)] if apart else None,
        "unknown_share": rounded(float(missing[known].mean()), 4) if known.any() else None,
    }


def frontal(frames: Frames) -> Frames:
    """Those whose true head is turned no further than FRONTAL_DEG either way."""
    with np.errstate(invalid="ignore"):
        return frames.where(np.asarray((np.abs(frames.true_head[:, :2]) <= FRONTAL_DEG).all(axis=1)))


def mouth(frames: Frames) -> dict[str, Any]:
    """Mean absolute error of the mouth's opening, a share of the jaw's way."""
    off = mean_of(np.abs(frames.mouth - frames.true_mouth), frames)
    return {"open_mae": rounded(off.value, 4) if off else None, "n": off.n if off else 0}


def face_rate(frames: Frames) -> float | None:
    """Share of frames with a driver in which a face was found."""
    return rounded(float(frames.face.mean()), 4) if len(frames) else None


def mean_of(values: Numbers, frames: Frames) -> Mean | None:
    """Average of the (N,) values that are known."""
    known = ~np.isnan(values)
    return mean(values[known], frames.block[known])


def rounded(value: float | None, digits: int) -> float | None:
    """As JSON shows it."""
    return None if value is None else round(value, digits)


def _errors(error: Numbers, frames: Frames, names: tuple[str, ...]) -> dict[str, Any]:
    scored: dict[str, Any] = {"n": int((~np.isnan(error[:, 0])).sum())}
    for column, name in enumerate(names):
        off = mean_of(np.abs(error[:, column]), frames)
        scored[f"{name}_mae_deg"] = rounded(off.value, 3) if off else None
        scored[f"{name}_ci95_deg"] = [rounded(off.low, 3), rounded(off.high, 3)] if off else None
    return scored


def _angle_deg(a: Numbers, b: Numbers) -> Numbers:
    """(N,) angles between directions given as (N, 2) yaw and pitch."""
    ua, ub = (_unit(np.radians(v)) for v in (a, b))
    return np.asarray(np.degrees(np.arccos(np.clip((ua * ub).sum(axis=1), -1.0, 1.0))))


def _unit(v: Numbers) -> Numbers:
    yaw, pitch = v[:, 0], v[:, 1]
    return np.stack([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=1)
