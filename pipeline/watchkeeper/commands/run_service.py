"""`run --service`: the process that systemd started becomes the supervisor itself.

systemd believes only the unit's main process (NotifyAccess=main), so there is no process in between: nobody reads what
the table shows, and the journal gets what supervisor and vision say.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from watchkeeper.board import Board
from watchkeeper.confine.account import VISION_USER, account, become_supervisor
from watchkeeper.errors import BadInputError
from watchkeeper.runtime.settings import Settings

CAMERA_REQUEST, BOARD_REQUEST = "restart-camera", "restart-board"
"""Files in the unit's RuntimeDirectory=: watchkeeper-restart-camera.path and -board.path act on them as root, so that
the service itself needs no right to restart anything."""


def service_options(board: Board, environment: Mapping[str, str] = os.environ) -> list[str]:
    """What the supervisor is told besides: stay on the bus with a Fault, whom vision becomes, and how to ask for a
    restart of the camera's service and of the board, where the board file has a command for it. Those who act on it run
    that command (`watchkeeper boards restart`). The latter only with a folder that keeps count of them."""
    options = ["--keep-fault"]
    if (vision := account(VISION_USER)) is not None:
        options += ["--vision-uid", str(vision.uid)]
    folder = environment.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if not folder:
        return options
    if board.restart.camera_service is not None:
        options += ["--camera-service-restart", f"touch {Path(folder) / CAMERA_REQUEST}"]
    if board.restart.board is not None and environment.get("STATE_DIRECTORY"):
        options += ["--board-restart", f"touch {Path(folder) / BOARD_REQUEST}"]
    return options


def become_service(args: argparse.Namespace, settings: Settings, command: Sequence[str]) -> NoReturn:
    """Replace this process; as root, become the supervisor's user before. Raises BadInputError for options that need
    this process to stay."""
    for option, value in (("--events", args.events), ("--json", args.json)):
        if value:
            raise BadInputError(f"{option}: expected without --service: nobody stays to write it")
    if problem := become_supervisor():
        print(f"watchkeeper: {problem}", file=sys.stderr)
    print(f"watchkeeper: board {settings.board.name}, source {settings.source}", file=sys.stderr, flush=True)
    os.execv(command[0], list(command))
