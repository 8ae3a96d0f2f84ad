"""Frames of a trace, each beside the truth of its time, as arrays that can be cut by condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from watchkeeper.commands.evaluation.scores import Numbers
from watchkeeper.types import Eye, Measurement

_SAME_FRAME_NS = 25_000_000  # less than a frame at 30 Hz: the truth of the neighbour is another truth
_BLOCK_NS = 1_000_000_000
_VISIBLE = 0.5  # as the state machine has it (EYE_VISIBLE)
_FACE = 0.5
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Frames:
    """N frames with a driver in them, true against measured; NaN is "not measured".

    face (N,): found. head, true_head (N, 3): yaw, pitch, roll, degrees. gaze, true_gaze (N, 2): yaw, pitch. opening,
    true_opening (N, 2): left, right; an eye that the trace calls hidden is NaN. mouth, true_mouth (N,). block (N,):
    number of the second of clip that the frame belongs to. t_ns (N,).
    """

    face: Flags
    head: Numbers
    true_head: Numbers
    gaze: Numbers
    true_gaze: Numbers
    opening: Numbers
    true_opening: Numbers
    mouth: Numbers
    true_mouth: Numbers
    block: NDArray[np.int64]
    t_ns: NDArray[np.int64]

    def where(self, chosen: Flags) -> Frames:
        """Those of them that are `chosen` (N,)."""
        return Frames(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.face)


def pair(seen: Sequence[Measurement], truth: Sequence[Measurement], clip: int = 0) -> Frames:
    """Each frame of `seen` beside the truth nearest in time; frames without truth or driver are left out.

    clip: number of the clip, so that seconds of two clips are different blocks.
    """
    times = np.array([t.t_ns for t in truth], np.int64)
    rows: list[tuple[Measurement, Measurement]] = []
    for m in seen:
        at = int(np.searchsorted(times, m.t_ns))
        nearest = min((k for k in (at - 1, at) if 0 <= k < len(times)), key=lambda k: abs(int(times[k]) - m.t_ns))
        if abs(int(times[nearest]) - m.t_ns) <= _SAME_FRAME_NS and truth[nearest].head is not None:
            rows.append((m, truth[nearest]))
    measured, true = [m for m, _ in rows], [t for _, t in rows]
    return Frames(
        face=np.array([m.face is not None and m.face.p >= _FACE for m in measured], np.bool_),
        head=_table([_head(m) for m in measured], 3),
        true_head=_table([_head(t) for t in true], 3),
        gaze=_table([_gaze(m) for m in measured], 2),
        true_gaze=_table([_gaze(t) for t in true], 2),
        opening=_table([(_opening(m.left_eye), _opening(m.right_eye)) for m in measured], 2),
        true_opening=_table([(_opening(t.left_eye), _opening(t.right_eye)) for t in true], 2),
        mouth=np.array([np.nan if m.mouth is None else m.mouth.open for m in measured]),
        true_mouth=np.array([np.nan if t.mouth is None else t.mouth.open for t in true]),
        block=np.array([clip * 1_000_000 + m.t_ns // _BLOCK_NS for m in measured], np.int64),
        t_ns=np.array([t.t_ns for t in true], np.int64),
    )


def join(parts: Sequence[Frames]) -> Frames:
    """Several clips' frames as one."""
    return Frames(*(np.concatenate([getattr(p, field.name) for p in parts]) for field in fields(Frames)))


def _table(rows: list[tuple[float, ...]], columns: int) -> Numbers:
    return np.array(rows, np.float64).reshape(len(rows), columns)


def _head(m: Measurement) -> tuple[float, ...]:
    return (np.nan,) * 3 if m.head is None else (m.head.yaw_deg, m.head.pitch_deg, m.head.roll_deg)


def _gaze(m: Measurement) -> tuple[float, ...]:
    return (np.nan,) * 2 if m.gaze is None else (m.gaze.yaw_deg, m.gaze.pitch_deg)


def _opening(eye: Eye | None) -> float:
    if eye is None or eye.open is None or (eye.p_visible is not None and eye.p_visible < _VISIBLE):
        return np.nan
    return eye.open
