"""`bench confinement`: what being confined costs, beside the same program that is not.

Latency: two processes run the product's loop on the demo drive in turns of some frames, one with everything given up
and freed memory overwritten (confine/), one with nothing. Failover: whole systems, one vision confined and the other
not, are hurt in turns: how long until the bus says so, and until vision is believed again, the confining included.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from watchkeeper.clock import NS_PER_MS
from watchkeeper.commands.bench_confined_side import SIDES
from watchkeeper.commands.bench_failover import System
from watchkeeper.commands.bench_report import Result, regressions, report
from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.files import write_atomically
from watchkeeper.types import Cause

_BLOCK, _WARM_UP = 30, 60  # frames
_PEER = "not confined"
_MODULES = {"confined": "watchkeeper.runtime.confined", "free": "watchkeeper.runtime.vision"}


def run(args: argparse.Namespace) -> int:
    """Measure, print, compare. Exit status 1 on a regression against --compare."""
    if args.frames < _BLOCK:
        raise BadInputError(f"--frames {args.frames}: expected at least {_BLOCK}")
    if args.times < 0:
        raise BadInputError(f"--times {args.times}: expected 0 or more")
    took_ms = _latency(args.frames)
    results = [
        Result("demo:", f"latency_p{share}", "ms", *_beside(took_ms, share), peer_value=_at(took_ms["free"], share))
        for share in (50, 95, 99)
    ]
    if args.times:
        reaction_ms, back_ms = _failover(args.times, random.Random(args.seed))
        for metric, values in (("reaction_ms", reaction_ms), ("back_ms", back_ms)):
            results.append(
                Result("vision-killed", metric, "ms", *_beside(values, 50), peer_value=_at(values["free"], 50))
            )
    made = report("confinement", results)
    for row in made["results"]:
        print(f"{row['case']:16} {row['metric']:12} {row['ours']:9.3f} ms   {_PEER} {row['peer_value']:9.3f}   "
              f"ratio {row['ratio']:.3f}  (n = {row['n']})")  # fmt: skip
    if args.json is not None:
        write_atomically(args.json, json.dumps(made, indent=2) + "\n")
    if args.compare is not None and (worse := regressions(made, args.compare)):
        raise CheckFailedError("; ".join(worse))
    return 0


def _beside(values: dict[str, list[float]], share: int) -> tuple[float, int, str]:
    return _at(values["confined"], share), len(values["confined"]), _PEER


def _at(values: list[float], share: int) -> float:
    if share == 50:
        return statistics.median(values)
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, share * len(ordered) // 100)]


def _latency(frames: int) -> dict[str, list[float]]:
    """Ms of each frame, by side."""
    children = {
        side: subprocess.Popen(
            [sys.executable, "-m", "watchkeeper.commands.bench_confined_side", side],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for side in SIDES
    }  # fmt: skip
    took: dict[str, list[float]] = {side: [] for side in SIDES}
    try:
        for turn in range(-(-_WARM_UP // _BLOCK) - (-frames // _BLOCK)):
            for side in SIDES if turn % 2 else reversed(SIDES):
                took[side] += [ns / NS_PER_MS for ns in _block(children[side], side)]
    finally:
        for child in children.values():
            child.kill()
            child.communicate()
    return {side: values[_WARM_UP:] for side, values in took.items()}


def _block(child: subprocess.Popen[str], side: str) -> list[int]:
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(f"{_BLOCK}\n")
        child.stdin.flush()
        line = child.stdout.readline()
    except BrokenPipeError:
        line = ""
    if not line:
        raise CheckFailedError(f"the process that is {side} ended with status {child.wait()}")
    took: list[int] = json.loads(line)
    return took


def _failover(times: int, rng: random.Random) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """(ms until the bus says that vision is gone, ms until it is believed again), by side."""
    reaction_ms: dict[str, list[float]] = {side: [] for side in SIDES}
    back_ms: dict[str, list[float]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory(prefix="watchkeeper-confinement-") as name:
        for turn in range(times):
            for side in SIDES if turn % 2 else reversed(SIDES):
                with System(Path(name) / f"{side}-{turn}.log", "demo:", _MODULES[side]) as system:
                    reaction, back = system.hurt_and_back(signal.SIGKILL, Cause.VISION_RESTARTING, rng)
                reaction_ms[side].append(reaction)
                back_ms[side].append(back)
    return reaction_ms, back_ms
