"""The vision process as the product starts it: confined before a byte of a picture, or a library, is in it.

    python -m watchkeeper.runtime.confined watchkeeper-vision --source URI ... --state-fd N --vehicle-fd M

What needs a permission (first-in-first-out scheduling, locked memory) is taken first; then everything is given up; only
then are numpy, the decoder and the engine loaded. There is no option that leaves it out. Exit status as runtime.vision.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from watchkeeper.confine.process import confine
from watchkeeper.errors import WatchkeeperError
from watchkeeper.runtime.policy import policy_for
from watchkeeper.runtime.realtime import become_realtime


def main(argv: list[str] | None = None) -> int:
    """As runtime.vision.main, whose arguments it takes; one line on stderr for each thing this kernel lacks."""
    argv = sys.argv[1:] if argv is None else argv
    known = _arguments(argv)
    try:
        policy = policy_for(
            known.board, known.source, known.camera, known.engine, known.profile, known.trace_out, known.geometry
        )
    except WatchkeeperError as error:
        print(f"watchkeeper-vision: {error}", file=sys.stderr)
        return error.exit_status
    if known.realtime:
        for what in become_realtime():
            print(f"watchkeeper-vision: works with more jitter: no {what}", file=sys.stderr)
        argv = [argument for argument in argv if argument != "--realtime"]
    for what in confine(
        policy.rules,
        local_sockets=policy.local_sockets,
        data_limit_bytes=policy.data_limit_bytes,
        locked=known.realtime,
    ):
        print(f"watchkeeper-vision: less confined: {what}", file=sys.stderr)
    status: int = importlib.import_module("watchkeeper.runtime.vision").main(argv)
    return status


def _arguments(argv: list[str]) -> argparse.Namespace:
    """Those that decide what may be opened; runtime.vision checks all of them."""
    parser = argparse.ArgumentParser(prog="watchkeeper-vision", add_help=False, allow_abbrev=False)
    for option in ("--board", "--source", "--engine", "--geometry"):
        parser.add_argument(option)
    parser.add_argument("--profile", default="euroncap-2026")
    for option in ("--camera", "--trace-out"):
        parser.add_argument(option, type=Path)
    parser.add_argument("--realtime", action="store_true")
    return parser.parse_known_args(argv)[0]


if __name__ == "__main__":
    sys.exit(main())
