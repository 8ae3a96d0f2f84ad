#!/usr/bin/env python3
"""What one step of the driver's state costs, and whether its memory grows.

usage: measure_step.py [--steps N] [--profile NAME]

The attentive drive with blinks, glances and now and then a look away that is warned of, measured beforehand, so that
only `step` is timed. Blocks are the interpreter's own count after a collection (sys.getallocatedblocks): at the end of
each tenth of the run, less what the first tenth ended with.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from array import array
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from watchkeeper.board import load_board
from watchkeeper.scenarios import CameraModel, parse_scenario
from watchkeeper.scenarios.sampling import Row, sample
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile

_GROWTH_MAX = 200  # blocks; one kept a minute would be 500 over 10^6 steps
_LOOP = """every 3 s from 1 s to 60 s: blink
every 7 s from 2 s to 60 s: gaze left_mirror for 0.9 s
at 30 s: gaze lap for 4.5 s
at 50 s: lids closed for 1.4 s
noise gaze 2 deg, lids 0.03
end at 60 s
"""


def drive() -> list[Row]:
    """One minute at 30 frames a second, to be repeated."""
    return list(sample(parse_scenario(_LOOP, "measure_step", {}), CameraModel(fps=30)))


def growth(rows: Sequence[Row], steps: int, profile: str) -> tuple[float, list[int]]:
    """Median of a step in us, and blocks at the end of each tenth but the first, less those of the first."""
    machine = DriverStateMachine(get_profile(profile), load_board("host").cabin)
    times = array("q", bytes(8 * min(steps, 20_000)))  # of the newest steps; its size does not change
    blocks: list[int] = []
    tenth, begun = max(1, steps // 10), 0
    minute_ns = 60_000_000_000
    for k in range(steps):
        m, car = rows[k % len(rows)]
        t_ns = m.t_ns + k // len(rows) * minute_ns
        frame = replace(m, t_ns=t_ns)
        start_ns = time.perf_counter_ns()
        machine.step(frame, car, t_ns)
        took_ns = time.perf_counter_ns() - start_ns
        times[k % len(times)] = took_ns
        if (k + 1) % tenth == 0:
            gc.collect()
            if begun == 0:
                begun = sys.getallocatedblocks()
            else:
                blocks.append(sys.getallocatedblocks() - begun)
    return median(times) / 1000, blocks


def main() -> int:
    """See the module text. Exit status 1 when blocks grow; the time is printed and depends on the machine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--profile", default="euroncap-2026")
    args = parser.parse_args()
    median_us, blocks = growth(drive(), args.steps, args.profile)
    print(f"{args.profile}: {args.steps} steps, median {median_us:.1f} us, blocks against the first tenth: {blocks}")
    return int(max(blocks) > _GROWTH_MAX)


if __name__ == "__main__":
    sys.exit(main())
