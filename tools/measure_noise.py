#!/usr/bin/env python3
"""How noisy perception is: spread and memory of each signal in measurement traces, while the driver does not move.

usage: measure_noise.py TRACE.jsonl...

White: robust standard deviation of a sample against the mean of its two neighbours, scaled as for independent noise.
Slow: what remains of the spread within windows of two seconds, robust over the windows (lower quartile: windows in
which the driver moves are wider and do not count). Prints one JSON object a trace.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

from watchkeeper.measurement_trace import read_trace
from watchkeeper.types import Measurement

_WINDOW_NS = 2_000_000_000
_MAD_TO_STD = 1.4826

SIGNALS: dict[str, Callable[[Measurement], float | None]] = {
    "gaze_yaw_deg": lambda m: m.gaze.yaw_deg if m.gaze else None,
    "gaze_pitch_deg": lambda m: m.gaze.pitch_deg if m.gaze else None,
    "head_yaw_deg": lambda m: m.head.yaw_deg if m.head else None,
    "head_pitch_deg": lambda m: m.head.pitch_deg if m.head else None,
    "lid_open": lambda m: m.left_eye.open if m.left_eye else None,
    "mouth_open": lambda m: m.mouth.open if m.mouth else None,
}


def noise(trace: list[Measurement]) -> dict[str, dict[str, float]]:
    """White and slow spread of every signal that was measured long enough."""
    result = {}
    for name, value in SIGNALS.items():
        series = [(m.t_ns, v) for m in trace if (v := value(m)) is not None]
        if name == "lid_open":
            series = [(t_ns, v) for t_ns, v in series if v > 0.6]  # open eyes only: a blink is no noise
        if len(series) < 30:
            continue
        curve = [abs(b - (a + c) / 2) for (_, a), (_, b), (_, c) in zip(series, series[1:], series[2:], strict=False)]
        white = _MAD_TO_STD * statistics.median(curve) / math.sqrt(1.5)
        windows: dict[int, list[float]] = {}
        for t_ns, v in series:
            windows.setdefault(t_ns // _WINDOW_NS, []).append(v)
        spreads = sorted(statistics.pstdev(values) for values in windows.values() if len(values) >= 20)
        spread = spreads[len(spreads) // 4] if spreads else white
        result[name] = {"white": round(white, 4), "slow": round(math.sqrt(max(0.0, spread**2 - white**2)), 4)}
    return result


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: measure_noise.py TRACE.jsonl...")
    for name in sys.argv[1:]:
        print(json.dumps({"trace": Path(name).name, **noise([m for m, _ in read_trace(Path(name))])}))
