"""`aim`: starts a supervisor in commissioning, shows what vision measures as text and, if asked, as a page.

Three processes, as in `run`: the supervisor owns the bus, lets vision begin only when the bus says that the vehicle
stands, and ends it all when that is over or the time is. Vision is as confined as ever. This process, the only one with
a page, gets numbers through a mailbox and could not see a picture if it wanted to.
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
from datetime import datetime, timezone

from watchkeeper.capture.source import check_uri
from watchkeeper.clock import NS_PER_S, now_ns
from watchkeeper.commands.aim.place_items import Setup
from watchkeeper.commands.aim.report import About, check_report_path, passed, report, write_report
from watchkeeper.commands.aim.server import PageServer
from watchkeeper.commands.aim.session import Session
from watchkeeper.commands.aim.text import Screen, render
from watchkeeper.errors import BadInputError
from watchkeeper.mailbox.layout import AIM, SUPERVISOR
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox
from watchkeeper.production import refuse_in_production
from watchkeeper.runtime.settings import Settings, resolve
from watchkeeper.supervisor.commissioning import EXIT_NOT_STANDING, LIMIT_MAX_S, WAIT_NS
from watchkeeper.supervisor.vehicle_file import read_vehicle_file
from watchkeeper.types import AimReading, SupervisorReport

_REFRESH_S = 0.05
_PATIENCE_NS = 5 * NS_PER_S
_START_NS = 60 * NS_PER_S  # what vision may take to its first picture on a slow card; the limit counts from standing


def run(args: argparse.Namespace) -> int:
    """Until the limit, Ctrl-C, or the vehicle moves. 0: fitted well, 1: not, or the vehicle does not stand, 2: bad use.

    Raises BadInputError on a production unit, before anything is opened.
    """
    refuse_in_production("aim")
    settings = resolve(args.board, args.source, args.camera, args.engine, geometry=args.geometry)
    check_uri(settings.source)
    if not 0 < args.limit <= LIMIT_MAX_S:
        raise BadInputError(f"--limit {args.limit:g}: expected seconds above 0, at most {LIMIT_MAX_S:g}")
    if args.vehicle is not None:
        read_vehicle_file(args.vehicle)
    if args.report is not None:
        check_report_path(args.report)
    bus = args.can or settings.board.bus
    cabin = settings.board.cabin.driver_side
    setup = Setup(args.drive or cabin, cabin, settings.board.geometry.name, settings.camera)
    session = Session(setup, round(args.limit * NS_PER_S))
    server = PageServer(args.page) if args.page is not None else None
    began_ns = now_ns()
    try:
        if server is not None:
            print(f"aim: page at {server.url} (this machine only; from another: ssh -L)", file=sys.stderr, flush=True)
        status, ended = _commission(args, settings, bus, session, server)
    finally:
        if server is not None:
            server.close()
    if status not in (0, EXIT_NOT_STANDING):
        return status
    made_utc = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    seconds = round((now_ns() - began_ns) / NS_PER_S, 1)
    made = report(
        session,
        About(settings.board.name, settings.source, bus, settings.engine, made_utc, seconds, ended),
    )
    if args.report is not None:
        write_report(args.report, made)
    print(json.dumps(made) if args.json else "\n".join(render(session, now_ns())[1:]))
    return status or (0 if passed(made) else 1)


def _commission(
    args: argparse.Namespace, settings: Settings, bus: str, session: Session, server: PageServer | None
) -> tuple[int, str]:
    """Exit status of the supervisor, and how the run ended, in words."""
    fds = Mailbox.create(SUPERVISOR), Mailbox.create(AIM)
    with subprocess.Popen(
        supervisor_command(args, settings, bus, *fds),
        pass_fds=fds,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
    ) as process:
        asked = _watch(process, session, Reader(fds[0], SUPERVISOR), Reader(fds[1], AIM), server)
    for fd in fds:
        os.close(fd)
    status = process.returncode
    if status < 0:
        print(f"watchkeeper aim: the supervisor was killed by signal {-status}", file=sys.stderr)
        return 2, "killed"
    if status == EXIT_NOT_STANDING:
        return status, "the vehicle was not known to stand"
    return status, "asked to" if asked else "its time was over"


def supervisor_command(
    args: argparse.Namespace, settings: Settings, bus: str, status_fd: int, aim_fd: int
) -> list[str]:
    """The supervisor's command line, with vision's behind `--`. On a virtual bus without a vehicle file, where a board
    simulates its vehicle, that one stands."""
    python = [sys.executable, "-m"]
    supervisor = [
        *python, "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--board", settings.board.name, "--can", bus,
        "--status-fd", str(status_fd), "--aim-fd", str(aim_fd), "--commissioning", str(args.limit),
        "--watchdog", "none",
    ]  # fmt: skip
    if args.vehicle is not None:
        supervisor += ["--vehicle", str(args.vehicle)]
    elif settings.board.simulated_speed_kph is not None and bus.startswith("virtual:"):
        supervisor += ["--simulated-speed-kph", "0"]
    vision = [
        *python, "watchkeeper.runtime.confined", "watchkeeper-vision", "--board", settings.board.name,
        "--source", settings.source, "--engine", settings.engine, "--repeat",
    ]  # fmt: skip
    for option, value in (("--camera", args.camera), ("--geometry", args.geometry)):
        if value is not None:
            vision += [option, str(value)]
    return [*supervisor, "--", *vision]


def _watch(
    process: subprocess.Popen[bytes],
    session: Session,
    status: Reader[SupervisorReport],
    aim: Reader[AimReading],
    server: PageServer | None,
) -> bool:
    """Look at both mailboxes until the supervisor has ended; whether somebody asked it to (Ctrl-C, SIGTERM)."""
    asked_ns = 0

    def ask_to_end(*_: object) -> None:
        nonlocal asked_ns
        if not asked_ns:
            asked_ns = now_ns()
            process.terminate()

    before = {number: signal.signal(number, ask_to_end) for number in (signal.SIGINT, signal.SIGTERM)}
    screen = Screen(sys.stderr)
    # Its own limit is the supervisor's; this one holds when a tester's reset has started that one's anew.
    last_ns = now_ns() + session.limit_ns + WAIT_NS + _START_NS
    try:
        while process.poll() is None:
            _show(session, status, aim, server, screen.show)
            t_ns = now_ns()
            if t_ns > last_ns:
                ask_to_end()
            if asked_ns and t_ns - asked_ns > _PATIENCE_NS:
                process.kill()
            time.sleep(_REFRESH_S)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return bool(asked_ns)


def _show(
    session: Session,
    status: Reader[SupervisorReport],
    aim: Reader[AimReading],
    server: PageServer | None,
    show: Callable[[Session, int], None],
) -> None:
    t_ns = now_ns()
    session.step(aim.read(), status.read(), t_ns)
    show(session, t_ns)
    if server is not None:
        server.numbers = json.dumps(session.numbers(t_ns)).encode()
