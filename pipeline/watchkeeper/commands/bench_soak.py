"""`bench soak`: the whole system for minutes or hours; does memory, descriptors, threads or frame age grow?

Sampled once a second from /proc and from the bus. The first third of the run is left out: caches fill there. Growth is
the difference between the medians of the last and the first quarter of the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

from watchkeeper.clock import NS_PER_S, now_ns
from watchkeeper.commands.bench_children import RunningChild, running, signals_of
from watchkeeper.commands.bench_report import Result, regressions, report
from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.files import write_atomically
from watchkeeper.runtime.machine import MachineWatch, throttled_between

_GROWTH_MB = 2.0  # allocators move by this much without a leak
_LEAST_S = 30.0


def run(args: argparse.Namespace) -> int:
    """Run for --seconds. Exit status 1 on growth, a restart of vision, or a regression."""
    if args.seconds < _LEAST_S:
        raise BadInputError(f"--seconds {args.seconds:g}: expected at least {_LEAST_S:g}")
    machine = MachineWatch()
    before = machine.read()
    samples: dict[str, dict[str, list[float]]] = {}
    with running(["--duration", str(args.seconds + 60)]) as child:
        end_ns = child.started_ns + round(args.seconds * NS_PER_S)
        vision = 0
        while now_ns() < end_ns and child.process.poll() is None:
            time.sleep(1.0)
            pids = child.pids()
            if vision and pids.get("vision") not in (None, vision):
                raise CheckFailedError("vision was restarted meanwhile")
            vision = pids.get("vision", vision)
            for name, pid in pids.items():
                for metric, value in _held(pid).items():
                    samples.setdefault(name, {}).setdefault(metric, []).append(value)
        ages, health = _bus(child)
    samples["bus"] = {"frame_age": ages}
    results = [_growth(name, metric, values) for name, own in samples.items() for metric, values in own.items()]
    results += [Result("bus", name, "frames", value, len(ages)) for name, value in health.items()]
    made = report("soak", results, invalid=throttled_between(before, machine.read()), seconds=args.seconds)
    for result in results:
        print(f"{result.case:12} {result.metric:24} {result.ours:10.3f} {result.unit}")
    if args.json is not None:
        write_atomically(args.json, json.dumps(made, indent=2) + "\n")
    grown = [
        f"{r.case} {r.metric} {r.ours:+g} {r.unit}" for r in results
        if (r.unit == "MB" and r.ours > _GROWTH_MB) or (r.unit == "count" and r.ours > 0)
    ]  # fmt: skip
    if args.compare is not None:
        grown += regressions(made, args.compare)
    if grown:
        raise CheckFailedError("growth: " + "; ".join(grown))
    return 0


def _held(pid: int) -> dict[str, float]:
    """Nothing for a process that has gone."""
    proc = Path(f"/proc/{pid}")
    try:
        resident = int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return {
            "resident_growth": resident / 1e6,
            "descriptors_growth": float(len(list((proc / "fd").iterdir()))),
            "threads_growth": float(len(list((proc / "task").iterdir()))),
        }
    except OSError as error:
        print(f"bench soak: process {pid} cannot be looked at: {error.strerror}", file=sys.stderr)
        return {}


def _bus(child: RunningChild) -> tuple[list[float], dict[str, float]]:
    """Frame ages (ms) of all status frames, and the last health counters."""
    ages: list[float] = []
    health: dict[str, float] = {}
    for frame in child.sent():
        status = signals_of(frame, "DMS_Status")
        if status is not None and status["FrameAge"] is not None:
            ages.append(status["FrameAge"])
        counters = signals_of(frame, "DMS_Health")
        if counters is not None:
            health = {
                "frames_dropped": counters["FramesDropped"] or 0.0,
                "deadline_misses": counters["DeadlineMisses"] or 0.0,
            }
    return ages, health


def _growth(name: str, metric: str, values: list[float]) -> Result:
    settled = values[len(values) // 3 :]
    quarter = max(1, len(settled) // 4)
    grown = statistics.median(settled[-quarter:]) - statistics.median(settled[:quarter]) if settled else 0.0
    unit = {"resident_growth": "MB", "frame_age": "ms"}.get(metric, "count")
    return Result(name, metric if unit != "ms" else "frame_age_drift", unit, grown, len(settled))
