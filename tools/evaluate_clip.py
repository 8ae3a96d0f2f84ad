#!/usr/bin/env python3
"""Compare a measurement trace with the truth beside a rendered clip: errors in degrees, lids, warnings raised.

usage: evaluate_clip.py TRACE.jsonl TRUTH.jsonl

Truth is matched by t_ns to the nearest frame. Lids: how well `open` separates truly closed (<= 0.2) from truly open
(>= 0.8) eyes, counted only where the trace says the eye is visible. Warnings: those that `replay` with the default
profile raises, to be held beside the events of the clip.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.board import load_board
from watchkeeper.measurement_trace import read_trace
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import Measurement

_CLOSED, _OPEN = 0.2, 0.8


def auc(opened: NDArray[np.float64], closed: NDArray[np.float64]) -> float:
    """Probability that an open eye reads higher than a closed one (ties count half); NaN without both."""
    if len(opened) == 0 or len(closed) == 0:
        return float("nan")
    above = np.searchsorted(np.sort(closed), opened, side="left")
    upto = np.searchsorted(np.sort(closed), opened, side="right")
    return float((above + upto).mean() / 2 / len(closed))


def read_truth(path: Path) -> list[dict[str, Any]]:
    """Rows of a truth file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def evaluate(trace: list[Measurement], truth: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean absolute errors and lid statistics of a trace against truth rows."""
    times = np.array([row["t_ns"] for row in truth])
    head: list[tuple[float, ...]] = []
    gaze: list[tuple[float, ...]] = []
    opened: list[float] = []
    closed: list[float] = []
    faces = drivers = unknown = eyes = 0
    for m in trace:
        row = truth[int(np.abs(times - m.t_ns).argmin())]
        if row["head"] is None:
            continue
        drivers += 1
        faces += m.face is not None
        if m.head is not None:
            t = row["head"]
            head.append((
                m.head.yaw_deg - t["yaw_deg"], m.head.pitch_deg - t["pitch_deg"], m.head.roll_deg - t["roll_deg"],
            ))  # fmt: skip
        if m.gaze is not None:
            gaze.append((m.gaze.yaw_deg - row["gaze"]["yaw_deg"], m.gaze.pitch_deg - row["gaze"]["pitch_deg"]))
        for eye, side in ((m.left_eye, "left"), (m.right_eye, "right")):
            eyes += 1
            if eye is None or eye.open is None or (eye.p_visible or 0.0) < 0.5:
                unknown += 1
            elif row["eyes"][side]["open"] >= _OPEN:
                opened.append(eye.open)
            elif row["eyes"][side]["open"] <= _CLOSED:
                closed.append(eye.open)
    lids_open, lids_closed = np.array(opened), np.array(closed)
    return {
        "frames": len(trace),
        "face_rate": round(faces / max(drivers, 1), 4),
        "head_mae_deg": _mae(head),
        "gaze_mae_deg": _mae(gaze),
        "gaze_rate": round(len(gaze) / max(drivers, 1), 4),
        "eyes_unknown": round(unknown / max(eyes, 1), 4),
        "eye_auc": round(auc(lids_open, lids_closed), 5),
        "open_p1_p5_p50": _percentiles(lids_open, (1, 5, 50)),
        "closed_p50_p95_p99": _percentiles(lids_closed, (50, 95, 99)),
    }


def warnings(trace: list[Measurement]) -> list[str]:
    """Warning events the default profile raises on this trace."""
    machine = DriverStateMachine(get_profile("euroncap-2026"), load_board("host").cabin)
    return [
        f"{event.t_ns / 1e9:.2f} {event.warning.label} {event.phase.value}"
        for m in trace
        for event in machine.step(m, None, m.t_ns).events
    ]


def _mae(errors: list[tuple[float, ...]]) -> list[float]:
    return [round(float(v), 2) for v in np.abs(np.array(errors)).mean(axis=0)] if errors else []


def _percentiles(values: NDArray[np.float64], which: tuple[int, ...]) -> list[float]:
    return [round(float(v), 3) for v in np.percentile(values, which)] if len(values) else []


def main(argv: list[str]) -> int:
    """Print the comparison as JSON."""
    if len(argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    trace = [measurement for measurement, _ in read_trace(Path(argv[0]))]
    result = evaluate(trace, read_truth(Path(argv[1])))
    print(json.dumps(result | {"warnings": warnings(trace)}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
