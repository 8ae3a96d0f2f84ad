"""`bench startup`: from the start of `watchkeeper run` to its first CAN frame, first measurement and Active.

Seen from outside, in the log of the bus: the clock starts before the process is made and stops at the time of the first
frame that says so. first_measurement: DMS_Status.FrameAge is there. active: DMS_Status.SystemState says Active.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

from watchkeeper.clock import NS_PER_MS, NS_PER_S, now_ns
from watchkeeper.commands.bench_children import RunningChild, running, signals_of
from watchkeeper.commands.bench_report import Result, regressions, report
from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.files import write_atomically
from watchkeeper.runtime.machine import MachineWatch, throttled_between
from watchkeeper.types import SystemState

_METRICS = ("first_can_ms", "first_measurement_ms", "active_ms")
_PATIENCE_NS = 30 * NS_PER_S


def run(args: argparse.Namespace) -> int:
    """Start the system --runs times. Exit status 1 when it does not come up within 30 s, or on a regression."""
    if args.runs < 1:
        raise BadInputError(f"--runs {args.runs}: expected at least 1")
    machine = MachineWatch()
    before = machine.read()
    took: dict[str, list[float]] = {metric: [] for metric in _METRICS}
    for _ in range(args.runs):
        with running(["--duration", "60"]) as child:
            moments = _until_active(child)
        for metric in _METRICS:
            took[metric].append((moments[metric] - child.started_ns) / NS_PER_MS)
    results = [Result("host demo", metric, "ms", statistics.median(v), len(v)) for metric, v in took.items()]
    made = report("startup", results, invalid=throttled_between(before, machine.read()))
    for result in results:
        print(f"{result.metric:24} {result.ours:10.1f} ms   median of {result.n}, most {max(took[result.metric]):.1f}")
    if args.json is not None:
        write_atomically(args.json, json.dumps(made, indent=2) + "\n")
    if args.compare is not None and (worse := regressions(made, args.compare)):
        raise CheckFailedError("; ".join(worse))
    return 0


def _until_active(child: RunningChild) -> dict[str, int]:
    """Time of the first frame that shows each metric. Raises CheckFailedError after 30 s or when `run` ended."""
    while True:
        time.sleep(0.1)
        moments: dict[str, int] = {}
        for frame in child.sent():
            moments.setdefault("first_can_ms", frame.t_ns)
            status = signals_of(frame, "DMS_Status")
            if status is None:
                continue
            if status["FrameAge"] is not None:
                moments.setdefault("first_measurement_ms", frame.t_ns)
            if status["SystemState"] == SystemState.ACTIVE:
                moments.setdefault("active_ms", frame.t_ns)
        if len(moments) == len(_METRICS):
            return moments
        if child.process.poll() is not None or now_ns() - child.started_ns > _PATIENCE_NS:
            break
    missing = [metric for metric in _METRICS if metric not in moments]
    raise CheckFailedError(f"the system did not come up: no {', '.join(missing)} within 30 s")
