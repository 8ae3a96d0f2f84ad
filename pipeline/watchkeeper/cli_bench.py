"""The options of `bench`; the measurements themselves live in `commands/`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from watchkeeper.cli_parser import command, group

if TYPE_CHECKING:
    from watchkeeper.cli_parser import Commands


def benches(commands: Commands) -> None:
    sub = group(commands, "bench", "measurements, side by side with what a user would pick instead")
    _bench_kernels(sub)
    _bench_failover(sub)
    p = command(sub, "pipeline", "frame to published state, against MediaPipe", "bench_pipeline:run", json=False)
    p.add_argument("--source", metavar="URI", help="file:PATH (default: the packaged demo drive)")
    p.add_argument("--camera", metavar="FILE", type=Path, help="camera intrinsics and mounting (TOML or JSON)")
    p.add_argument("--engine", metavar="NAME", help="inference engine (default: the board's first)")
    p.add_argument("--realtime", action="store_true", help="both sides under SCHED_FIFO, where permitted")
    p.add_argument("--frames", metavar="N", type=int, default=600, help="frames to measure (default: 600)")
    p.add_argument(
        "--peer-python", metavar="PATH", type=Path, help="interpreter that has mediapipe (tools/bench makes one)"
    )
    p.add_argument(
        "--opencv-python", metavar="PATH", type=Path, help="interpreter that has cv2 and onnxruntime (the same)"
    )
    _results(p)
    _bench_can(sub)
    _bench_runs(sub)
    _bench_recorder(sub)
    _bench_deadline(sub)
    _bench_confinement(sub)


def _results(p: argparse.ArgumentParser) -> None:
    """Where every bench writes what it found, and what that is held against."""
    p.add_argument("--json", metavar="OUT", type=Path, help="write the results as JSON")
    p.add_argument("--compare", metavar="BASE.json", type=Path, help="exit 1 on a regression against this result")


def _bench_confinement(sub: Commands) -> None:
    p = command(sub, "confinement", "what being confined costs, beside not", "bench_confinement:run", json=False)
    p.add_argument("--frames", metavar="N", type=int, default=600, help="frames a side (default: 600)")
    p.add_argument("--times", metavar="N", type=int, default=5, help="failovers a side, 0 for none (default: 5)")
    p.add_argument("--seed", metavar="N", type=int, default=1, help="of the moments at which vision is killed")
    _results(p)


def _bench_deadline(sub: Commands) -> None:
    p = command(
        sub, "deadline", "missed deadlines and tails of a long run, with or without load", "bench_deadline:run", False
    )
    p.add_argument("--seconds", metavar="S", type=float, default=1200.0, help="how long (default: 1200)")
    p.add_argument("--load", metavar="N", type=int, default=0, help="cores to keep busy meanwhile (default: 0)")
    p.add_argument("--most-missed-pct", metavar="PCT", type=float, help="exit 1 beyond (default: 0, with --load 0.1)")
    _results(p)


def _bench_recorder(sub: Commands) -> None:
    p = command(sub, "recorder", "what the recorder costs of a frame", "bench_recorder:run", json=False)
    p.add_argument("--frames", metavar="N", type=int, default=600, help="frames to measure (default: 600)")
    _results(p)


def _bench_can(sub: Commands) -> None:
    p = command(sub, "can", "the sender: every frame checked, cycle deviation measured", "bench_can:run", json=False)
    p.add_argument("--bus", metavar="KIND", default="virtual", help="virtual or slcan-pty (default: virtual)")
    p.add_argument("--frames", metavar="N", type=int, default=2000, help="about this many frames, 72 a second")
    p.add_argument("--load", action="store_true", help="keep every core busy meanwhile")
    _results(p)


def _bench_kernels(sub: Commands) -> None:
    p = command(sub, "kernels", "the fused pass, against OpenCV and memcpy", "bench_kernels:run", json=False)
    p.add_argument("--rounds", metavar="N", type=int, default=200, help="runs a block (default: 200)")
    p.add_argument("--peer-python", metavar="PATH", type=Path, help="interpreter that has cv2 (tools/bench makes one)")
    p.add_argument(
        "--lanes", metavar="NAME", help="avx512, avx2, neon or scalar (default: the fastest of this machine's)"
    )
    p.add_argument("--aliasing", action="store_true", help="instead: errors of reductions against the exact area")
    _results(p)


def _bench_runs(sub: Commands) -> None:
    q = command(sub, "startup", "start to first CAN frame, measurement and Active", "bench_startup:run", json=False)
    q.add_argument("--runs", metavar="N", type=int, default=5, help="starts to take the median of (default: 5)")
    r = command(sub, "soak", "memory, descriptors, threads and drift of a long run", "bench_soak:run", json=False)
    r.add_argument("--seconds", metavar="S", type=float, default=1800.0, help="how long (default: 1800)")
    for parser in (q, r):
        parser.add_argument("--json", metavar="OUT", type=Path, help="write the results as JSON")
        parser.add_argument(
            "--compare", metavar="BASE.json", type=Path, help="exit 1 on a regression against this result"
        )


def _bench_failover(sub: Commands) -> None:
    p = command(sub, "failover", "from a fault to the frame that says so", "bench_failover:run", json=False)
    p.add_argument("--times", metavar="N", type=int, default=5, help="how often each fault is made (default: 5)")
    p.add_argument("--seed", metavar="N", type=int, default=1, help="of the moments at which it is made (default: 1)")
    _results(p)
