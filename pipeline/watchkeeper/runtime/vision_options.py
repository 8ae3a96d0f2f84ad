"""What the supervisor tells a vision process. Imports nothing of weight: it is read before vision is confined."""

from __future__ import annotations

import argparse
from pathlib import Path


def vision_options(argv: list[str] | None) -> argparse.Namespace:
    """`argv`, or the process's own. Ends the process with status 2 on what it does not know."""
    parser = argparse.ArgumentParser(
        prog="watchkeeper-vision", description="The vision process; `watchkeeper run` starts it."
    )
    parser.add_argument("name", choices=["watchkeeper-vision"], help="so that the process list shows what this is")
    parser.add_argument("--board")
    parser.add_argument("--source")
    parser.add_argument("--camera", type=Path)
    parser.add_argument("--engine")
    parser.add_argument("--geometry")
    parser.add_argument("--profile", default="euroncap-2026")
    parser.add_argument("--repeat", action="store_true", help="begin a file again at its end")
    parser.add_argument("--trace-out", type=Path, help="the recorder's ring, also on SIGUSR1 and on a miss")
    parser.add_argument("--glass-test", action="store_true", help="brightness instead of a driver")
    parser.add_argument("--realtime", action="store_true", help="SCHED_FIFO and locked memory where permitted")
    parser.add_argument("--state-fd", type=int, required=True, help="mailbox for VisionReport")
    parser.add_argument("--vehicle-fd", type=int, required=True, help="mailbox with VehicleReport")
    parser.add_argument("--ring-fd", type=int, help="memory for the recorder that outlives this process")
    parser.add_argument("--aim-fd", type=int, help="mailbox for AimReading: commissioning, every landmark each frame")
    return parser.parse_args(argv)
