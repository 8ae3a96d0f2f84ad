"""`boards list` and `boards show`: what the board files say."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import shutil
import sys
from typing import Any, NoReturn

from watchkeeper.board import Board, board_names, detect_board, load_board
from watchkeeper.errors import BadInputError


def run_list(args: argparse.Namespace) -> int:
    """All boards with engines, buses and cameras; the detected one is marked."""
    boards = [load_board(name) for name in board_names()]
    if args.json:
        rows = [{"name": b.name, "engines": b.engines, "buses": b.buses, "cameras": b.cameras} for b in boards]
        print(json.dumps(rows, indent=2))
        return 0
    detected = detect_board()
    for board in boards:
        mark = "*" if board.name == detected else " "
        print(f"{mark} {board.name:24} engines {', '.join(board.engines)}; buses {', '.join(board.buses)}; "
              f"cameras {', '.join(board.cameras)}")  # fmt: skip
    print("* this machine")
    return 0


def run_detect(_args: argparse.Namespace) -> int:
    """The name alone, for scripts; `host` where no board file fits."""
    print(detect_board())
    return 0


def run_show(args: argparse.Namespace) -> int:
    """Effective settings of one board."""
    board = load_board(args.name)
    if args.json:
        print(json.dumps(_plain(board), indent=2))
        return 0
    print(f"from {board.path}")
    for key, value in _plain(board).items():
        if isinstance(value, dict):
            print(f"{key}:")
            for inner, content in value.items():
                print(f"  {inner}: {content}")
        else:
            print(f"{key}: {value}")
    return 0


def run_restart(args: argparse.Namespace) -> NoReturn:
    """Become the command that the board file has for `args.what`. `args.options`: the service's, for its --board.

    Raises BadInputError where the board has no such command or its program is missing."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--board")
    board = load_board(parser.parse_known_args(args.options)[0].board or detect_board())
    words = {"camera_service": board.restart.camera_service, "board": board.restart.board}[args.what]
    if words is None:
        raise BadInputError.at(
            board.path, "expected a command to run: this board names none", field=f"restart.{args.what}"
        )
    program = shutil.which(words[0])
    if program is None:
        raise BadInputError.at(board.path, f"expected a program, there is no {words[0]}", field=f"restart.{args.what}")
    print(f"watchkeeper: {board.name} restarts its {args.what}: {shlex.join(words)}", file=sys.stderr, flush=True)
    os.execv(program, words)


def _plain(board: Board) -> dict[str, Any]:
    values = dataclasses.asdict(board)
    values["path"] = str(board.path)
    if board.watchdog is not None:
        values["watchdog"]["device"] = str(board.watchdog.device)
    values["cabin"]["zones"] = {
        zone.zone.name.lower(): [zone.yaw_deg, zone.pitch_deg, zone.half_yaw_deg, zone.half_pitch_deg]
        for zone in board.cabin.zones
    }
    return values
