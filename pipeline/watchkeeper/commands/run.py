"""`run`: starts the supervisor, which starts vision; shows what both say; prints a summary at the end.

This process only watches. It owns no bus and no camera: when it is killed, the supervisor ends in order; when the
supervisor is killed, this one says so and fails.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType

from watchkeeper.capture.source import check_uri
from watchkeeper.clock import now_ns
from watchkeeper.commands import live_table
from watchkeeper.commands.run_service import become_service, service_options
from watchkeeper.commands.run_summary import EventLog, summary_json, summary_lines
from watchkeeper.errors import BadInputError
from watchkeeper.mailbox.layout import SUPERVISOR, VISION
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox
from watchkeeper.runtime.settings import Settings, resolve
from watchkeeper.state.profile_file import resolve_profile
from watchkeeper.supervisor.spec import PROFILE_CODES
from watchkeeper.supervisor.vehicle_file import read_vehicle_file
from watchkeeper.types import SupervisorReport, VisionReport

_REFRESH_S = 0.1
_PATIENCE_S = 5.0  # for the supervisor's ordered end, before it is killed


def run(args: argparse.Namespace) -> int:
    """The whole system until the source ends, --duration is over, or SIGINT/SIGTERM. Returns the exit status."""
    settings = resolve(args.board, args.source, args.camera, args.engine, args.profile, args.geometry)
    profile = resolve_profile(args.profile)
    check_uri(settings.source)
    if args.vehicle is not None:
        read_vehicle_file(args.vehicle)  # said here rather than by a supervisor that is already on the bus
    if args.duration is not None and not args.duration > 0:
        raise BadInputError(f"--duration {args.duration:g}: expected a number of seconds above 0")
    outputs = (("--can-log", args.can_log), ("--events", args.events), ("--trace-out", args.trace_out))
    for option, path in outputs:
        if path is not None and not path.parent.is_dir():
            raise BadInputError(f"{option} {path}: expected an existing folder to write into")
    if args.glass_test:
        print("glass test: the lids on the bus are the brightness of the picture, not a driver's", file=sys.stderr)
    bus = args.can or settings.board.bus
    if args.service:
        become_service(args, settings, _supervisor_command(args, settings, PROFILE_CODES[profile.bus_name], bus))
    status_fd, vision_fd = Mailbox.create(SUPERVISOR), Mailbox.create(VISION)
    command = _supervisor_command(args, settings, PROFILE_CODES[profile.bus_name], bus, status_fd, vision_fd)
    events = EventLog(args.events)
    show = _Display(sys.stderr.isatty())
    started_ns = now_ns()
    with subprocess.Popen(
        command, pass_fds=(status_fd, vision_fd), stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno()
    ) as process:
        supervisor, vision = _watch(
            process, Reader(status_fd, SUPERVISOR), Reader(vision_fd, VISION), events,
            lambda s, v: show(live_table.render(
                s, v, started_ns=started_ns, now_ns=now_ns(), bus=bus, source=settings.source)),
        )  # fmt: skip
    events.close()
    status = process.returncode
    if status < 0:
        print(f"watchkeeper run: the supervisor was killed by signal {-status}", file=sys.stderr)
        status = 1
    seconds = (now_ns() - started_ns) / 1e9
    if args.json:
        print(json.dumps(summary_json(supervisor, vision, events, seconds, status)))
    elif status != BadInputError.exit_status and vision is not None and supervisor is not None:
        print("\n".join(summary_lines(supervisor, vision, events, seconds)))
    return status


def _supervisor_command(
    args: argparse.Namespace, settings: Settings, profile_code: int, bus: str, *fds: int
) -> list[str]:
    """The supervisor's command line, with vision's behind `--`. fds: mailboxes of status and vision, where somebody
    is to read them."""
    python = [sys.executable, "-m"]
    supervisor = [
        *python, "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--board", settings.board.name,
        "--can", bus, "--profile-number", str(profile_code),
    ]  # fmt: skip
    for option, fd in zip(("--status-fd", "--vision-fd"), fds, strict=False):
        supervisor += [option, str(fd)]
    if args.service:
        supervisor += service_options(settings.board)
    if args.can_log is not None:
        supervisor += ["--can-log", str(args.can_log)]
    if args.vehicle is not None:
        supervisor += ["--vehicle", str(args.vehicle)]
    if args.state_dir is not None:
        supervisor += ["--state-dir", str(args.state_dir)]
    if args.listen_only:
        supervisor.append("--listen-only")
    if args.watchdog is not None:
        supervisor += ["--watchdog", str(args.watchdog)]
    if args.duration is not None:
        supervisor += ["--duration", str(args.duration)]
    if settings.board.simulated_speed_kph is not None and bus.startswith("virtual:") and args.vehicle is None:
        supervisor += ["--simulated-speed-kph", str(settings.board.simulated_speed_kph)]
    vision = [
        *python, "watchkeeper.runtime.vision", "watchkeeper-vision", "--board", settings.board.name,
        "--source", settings.source, "--engine", settings.engine, "--profile", settings.profile,
    ]  # fmt: skip
    if args.camera is not None:
        vision += ["--camera", str(args.camera)]
    if args.geometry is not None:
        vision += ["--geometry", args.geometry]
    if args.trace_out is not None:
        vision += ["--trace-out", str(args.trace_out)]
    if args.glass_test:
        vision.append("--glass-test")
    if settings.board.realtime:
        vision.append("--realtime")
    if args.duration is not None:
        vision.append("--repeat")
    return [*supervisor, "--", *vision]


def _watch(
    process: subprocess.Popen[bytes],
    status: Reader[SupervisorReport],
    state: Reader[VisionReport],
    events: EventLog,
    show: Callable[[SupervisorReport | None, VisionReport | None], None],
) -> tuple[SupervisorReport | None, VisionReport | None]:
    """Look at both mailboxes ten times a second until the supervisor has ended; a signal asks it to end in order."""
    asked_ns = 0

    def ask_to_end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked_ns
        if not asked_ns:
            asked_ns = now_ns()
            process.terminate()

    before = {number: signal.signal(number, ask_to_end) for number in (signal.SIGINT, signal.SIGTERM)}
    supervisor: SupervisorReport | None = None
    vision: VisionReport | None = None
    try:
        running = True
        while running:
            running = process.poll() is None
            supervisor = status.read() or supervisor
            vision = state.read() or vision
            if vision is not None:
                events.take(vision)
            show(supervisor, vision)
            if asked_ns and now_ns() - asked_ns > _PATIENCE_S * 1e9:
                process.kill()
            if running:
                time.sleep(_REFRESH_S)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return supervisor, vision


class _Display:
    """Redraws the table in place on a terminal; elsewhere prints its lines of interest when they change."""

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal
        self._height = 0
        self._shown: tuple[str, ...] = ()

    def __call__(self, lines: list[str]) -> None:
        if self._terminal:
            width = os.get_terminal_size(sys.stderr.fileno()).columns
            up = f"\x1b[{self._height}F" if self._height else ""
            sys.stderr.write(up + "".join(f"\x1b[2K{line[: width - 1]}\n" for line in lines) + "\x1b[J")
            sys.stderr.flush()
            self._height = len(lines)
            return
        changed = tuple(line.split(" for ")[0] for line in lines if line.startswith(("system", "warning")))
        if changed != self._shown:
            seconds = lines[0].split()[1]
            print(f"{seconds:>7} s  " + " | ".join(" ".join(part.split()) for part in changed), file=sys.stderr)
            self._shown = changed
