#!/usr/bin/env python3
"""What it would cost to wipe a camera's buffer after each frame, beside what the frame itself takes.

usage: measure_wipe.py [--size WxH] [--rounds N]

Buffers are as a camera's (NV12, locked), but more of them than caches hold, since a camera writes past the caches. Each
is written, and later wiped by the call that wipes it at the end. Beside it: all inputs of the networks, and the
product's loop on the demo drive, in alternating blocks. Medians.
"""

from __future__ import annotations

import argparse
import sys
from statistics import median

import numpy as np

from watchkeeper.clock import NS_PER_MS, now_ns
from watchkeeper.commands.bench_confined_loop import Loop
from watchkeeper.memory.buffers import LockedBuffer
from watchkeeper.memory.wipe import wipe

_BUFFERS = 96


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    nbytes = width * height * 3 // 2
    ring = [LockedBuffer(nbytes) for _ in range(_BUFFERS)]
    picture = np.random.default_rng(1).integers(0, 255, nbytes, dtype=np.uint8).tobytes()
    inputs = [np.zeros(n, np.float32) for n in (128 * 128 * 3, 256 * 256 * 3, 192 * 192 * 3, 2 * 32 * 32)]
    loop = Loop(lambda report: None)
    loop.run(30)
    wiped, emptied, frames = [], [], []
    for turn in range(args.rounds):
        frames += loop.run(10)
        for number in range(10):
            at = 10 * turn + number
            ring[(at + _BUFFERS // 2) % _BUFFERS].view[:] = picture
            view = ring[at % _BUFFERS].view
            began_ns = now_ns()
            wipe(view)
            wiped.append(now_ns() - began_ns)
            began_ns = now_ns()
            for array in inputs:
                array.fill(0)
            emptied.append(now_ns() - began_ns)
    frame_ms = median(frames) / NS_PER_MS
    for name, values in ((f"wipe {args.size} NV12", wiped), ("wipe the networks' inputs", emptied)):
        took_ms = median(values) / NS_PER_MS
        print(f"{name:28} {took_ms:7.3f} ms, {100 * took_ms / frame_ms:4.1f} % of a frame of {frame_ms:.2f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
