"""The supervisor process: `python -m watchkeeper.supervisor.main watchkeeper-supervisor [options] -- VISION COMMAND...`

It owns the bus. Its first frame leaves before anything else is done, then it starts vision and keeps it running.
Exit status: 0 the source ended, the duration is over or it was told to stop; 2 bad use, bad input or a vision that
cannot be helped.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from watchkeeper.board import Board, load_board
from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError, WatchkeeperError
from watchkeeper.mailbox.layout import SUPERVISOR, VEHICLE, VISION
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox, Writer
from watchkeeper.production import refuse_in_production
from watchkeeper.supervisor import hw_watchdog, ladder
from watchkeeper.supervisor.black_box import BlackBox
from watchkeeper.supervisor.bus import open_bus
from watchkeeper.supervisor.candump import CanLog
from watchkeeper.supervisor.commissioning import Commissioning
from watchkeeper.supervisor.core import SupervisorCore
from watchkeeper.supervisor.hw_watchdog import HardwareWatchdog
from watchkeeper.supervisor.ladder import Restarter
from watchkeeper.supervisor.loop import Parts, SupervisorLoop
from watchkeeper.supervisor.realtime import say
from watchkeeper.supervisor.simulated_vehicle import SimulatedVehicle
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, PROFILE_CODES
from watchkeeper.supervisor.systemd import Notifier
from watchkeeper.supervisor.uds.setup import DiagnosticsSetup, state_folder
from watchkeeper.supervisor.uds.transport import RESPONSE_ID
from watchkeeper.supervisor.vehicle_file import read_vehicle_file
from watchkeeper.supervisor.vehicle_input import VehicleReceiver
from watchkeeper.supervisor.vision_process import VisionProcess, set_death_signal

PROGRAM = "watchkeeper-supervisor"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the supervisor; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    split = arguments.index("--") if "--" in arguments else len(arguments)
    args = _parser().parse_args(arguments[:split])
    command = arguments[split + 1 :]
    try:
        if not command:
            raise BadInputError("expected `-- VISION COMMAND...` at the end of the command line")
        if args.status_fd is not None:
            set_death_signal(signal.SIGTERM)  # whoever shows the status has started this and takes it along
        return _run(args, command)
    except WatchkeeperError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:  # before the loop took over the signals
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Owns the bus, starts vision and keeps it running.")
    parser.add_argument("name", choices=[PROGRAM], help="there to be seen in the list of processes")
    parser.add_argument("--board", metavar="NAME", default="host", help="board to run as (default: host)")
    parser.add_argument("--can", metavar="URI", help="bus (default: the board's)")
    parser.add_argument("--base-id", metavar="N", type=_number, default=DEFAULT_BASE_ID, help="default: 0x3A0")
    parser.add_argument("--can-log", metavar="FILE", type=Path, help="write every frame sent, in candump -L format")
    parser.add_argument(
        "--trace-out", metavar="FILE", type=Path, help="hold vision's recorder; FILE's name with .failed-N when it ends"
    )
    parser.add_argument("--status-fd", metavar="N", type=int, help="mailbox to write the supervisor's own report to")
    parser.add_argument("--vision-fd", metavar="N", type=int, help="mailbox for vision's reports (default: a new one)")
    parser.add_argument("--duration", metavar="S", type=_seconds, help="end after S seconds")
    parser.add_argument("--profile-number", metavar="N", type=int, default=0, help="DMS_Status.Profile")
    parser.add_argument("--vehicle", metavar="FILE", type=Path, help="vehicle file (default: VEH_Input)")
    parser.add_argument("--simulated-speed-kph", metavar="X", type=float, help="simulate a vehicle (virtual bus)")
    parser.add_argument("--listen-only", action="store_true", help="send nothing: watch what would be said")
    parser.add_argument("--watchdog", metavar="DEVICE", type=Path, help="hardware watchdog, or none (default: board's)")
    parser.add_argument("--watchdog-timeout", metavar="S", type=int, help="whole seconds (default: the board's, or 10)")
    parser.add_argument(
        "--restart-state", metavar="FILE", type=Path, help="counts of restarts (default: in the state folder)"
    )
    parser.add_argument(
        "--camera-service-restart",
        metavar="COMMAND",
        help="run when new starts of vision do not help, or none (default: the board's)",
    )
    parser.add_argument(
        "--board-restart", metavar="COMMAND", help="run when that does not help either, or none (default: the board's)"
    )  # fmt: skip
    parser.add_argument(
        "--state-dir", metavar="DIR", type=Path, help="keep trouble codes there (default: in memory only)"
    )
    parser.add_argument(
        "--commissioning", metavar="S", type=_seconds, help="`watchkeeper aim`: for so long, while the vehicle stands"
    )
    parser.add_argument("--aim-fd", metavar="N", type=int, help="mailbox for vision's AimReading, with --commissioning")
    parser.add_argument("--vision-uid", metavar="N", type=int, help="the user that vision becomes")
    parser.add_argument("--keep-fault", action="store_true", help="stay on the bus with a Fault instead of ending")
    return parser


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number such as 0x3A0, got {text!r}") from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise argparse.ArgumentTypeError(f"expected a number of seconds, got {text!r}")
    return seconds


def _run(args: argparse.Namespace, command: list[str]) -> int:
    profiles = {code: name for name, code in PROFILE_CODES.items()}
    if args.profile_number not in profiles:
        known = ", ".join(str(code) for code in profiles)
        raise BadInputError(f"--profile-number {args.profile_number}: expected one of {known}")
    if (args.commissioning is None) != (args.aim_fd is None):
        raise BadInputError("--commissioning and --aim-fd: expected both or none")
    if args.commissioning is not None:
        refuse_in_production("commissioning")
    board = load_board(args.board)
    uri = args.can or board.bus
    wanted = hw_watchdog.choose(board.watchdog, args.watchdog, args.watchdog_timeout)
    with contextlib.ExitStack() as cleanup:
        status = Writer(args.status_fd, SUPERVISOR) if args.status_fd is not None else None
        core = SupervisorCore(profile=profiles[args.profile_number], board_id=board.board_id, base_id=args.base_id)
        vehicle_map = None if args.vehicle is None else read_vehicle_file(args.vehicle, args.base_id)
        receiver = VehicleReceiver(args.base_id, vehicle_map)
        setup = None if args.listen_only else DiagnosticsSetup(uri)  # who only listens does not answer a tester
        heard = receiver.frame_ids.union(setup.receive_ids if setup is not None else ())
        bus = open_bus(
            uri, base_id=args.base_id, receive=heard, diagnostic=(RESPONSE_ID,), listen_only=args.listen_only
        )
        cleanup.callback(bus.close)
        folder = state_folder(args.state_dir)
        diagnostics = None
        if setup is not None:
            diagnostics = setup.build(bus, board, args.base_id, args.profile_number, folder)
            cleanup.callback(diagnostics.close)
        vehicle = None
        if args.simulated_speed_kph is not None:
            vehicle = SimulatedVehicle(uri, args.simulated_speed_kph, args.base_id)
            cleanup.callback(vehicle.close)
        can_log = None
        if args.can_log is not None:
            can_log = CanLog(args.can_log, bus.channel)
            cleanup.callback(can_log.close)
        state_fd = args.vision_fd
        if state_fd is None:
            state_fd = Mailbox.create(VISION)
            cleanup.callback(os.close, state_fd)
        vehicle_fd = Mailbox.create(VEHICLE)
        cleanup.callback(os.close, vehicle_fd)
        black_box = None
        if args.trace_out is not None:
            black_box = BlackBox(args.trace_out)
            cleanup.callback(black_box.close)
        ring_fd = black_box.fd if black_box is not None else None
        vision = VisionProcess(command, state_fd, vehicle_fd, ring_fd, args.aim_fd, user_id=args.vision_uid)
        cleanup.callback(vision.stop_now)  # the first to run: no way out of here leaves vision behind
        kept = args.restart_state or (folder / "restarts.json" if folder is not None else None)
        restarter = _restarter(args, board, kept)
        watchdog = None
        if wanted is not None:
            watchdog = HardwareWatchdog(wanted.device, wanted.timeout_s, wanted.pretimeout_s)
            say(watchdog.armed())
        notifier = Notifier()
        cleanup.callback(notifier.close)
        parts = Parts(
            core=core,
            bus=bus,
            receiver=receiver,
            vision=vision,
            state_reader=Reader(state_fd, VISION),
            vehicle_writer=Writer(vehicle_fd, VEHICLE),
            status_writer=status,
            can_log=can_log,
            vehicle=vehicle,
            watchdog=watchdog,
            systemd=notifier,
            restarter=restarter,
            diagnostics=diagnostics,
            black_box=black_box,
            commissioning=None if args.commissioning is None else Commissioning(round(args.commissioning * NS_PER_S)),
            cpus=board.cpus.supervisor,
        )
        duration_ns = None if args.duration is None else round(args.duration * NS_PER_S)
        loop = SupervisorLoop(parts, duration_ns=duration_ns, keep_fault=args.keep_fault)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: loop.request_stop())
        exit_status = loop.run()
        # here and on no other way out: an unwanted end, and a new start that does not come up, is a reset of the board
        if watchdog is not None and not loop.start_again:
            watchdog.disarm()
    if loop.start_again:  # in the same process, so that whoever watches it goes on watching
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return exit_status


def _restarter(args: argparse.Namespace, board: Board, kept: Path | None) -> Restarter:
    """kept: where restarts are counted; without it the board's own command is left alone, which nothing would limit."""
    service = ladder.choose("--camera-service-restart", args.camera_service_restart, board.restart.camera_service)
    restart_board = ladder.choose("--board-restart", args.board_restart, board.restart.board if kept else None)
    return Restarter(kept, service, restart_board)


if __name__ == "__main__":
    sys.exit(main())
