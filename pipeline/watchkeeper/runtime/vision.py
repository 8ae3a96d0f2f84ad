"""The vision process: camera in, VisionReports out. Started by the supervisor, never by a user.

    python -m watchkeeper.runtime.vision watchkeeper-vision --source URI ... --state-fd N --vehicle-fd M

Exit status, which the supervisor acts on: 0 the source ended, 2 bad input (do not try again), 3 a model is missing or
wrong (do not try again), 4 the camera was lost (try again), 5 the source cannot be opened (try again if it could be
before: a cable is out), anything else: a defect (try again).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from watchkeeper.capture.source import SourceLost
from watchkeeper.clock import now_ns
from watchkeeper.errors import WatchkeeperError
from watchkeeper.inference.engine import EngineError
from watchkeeper.inference.manifest import ModelFileError
from watchkeeper.mailbox.layout import AIM, VEHICLE, VISION
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Writer
from watchkeeper.runtime.about import about
from watchkeeper.runtime.aim import AimPerception
from watchkeeper.runtime.dumps import Dumper, open_dumper
from watchkeeper.runtime.frame_work import FrameWork
from watchkeeper.runtime.glass_test import GlassTest
from watchkeeper.runtime.loop import VisionLoop, budget_ns
from watchkeeper.runtime.open_perception import perception_for
from watchkeeper.runtime.perception import Perception
from watchkeeper.runtime.pump import NoSourceError, pump
from watchkeeper.runtime.realtime import become_realtime, pin
from watchkeeper.runtime.settings import Settings, resolve
from watchkeeper.runtime.vision_options import vision_options
from watchkeeper.runtime.warm_up import warm_up
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profile_file import resolve_profile
from watchkeeper.trace.recorder import Recorder
from watchkeeper.trace.ring import Ring
from watchkeeper.types import Cause, VehicleReport, VisionReport

EXIT_ENDED, EXIT_BAD_INPUT, EXIT_MODEL, EXIT_CAMERA_LOST, EXIT_NO_SOURCE = 0, 2, 3, 4, 5


class StopFlag:
    """Set by SIGTERM; the loop looks at it between frames."""

    def __init__(self) -> None:
        self.is_set = False

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        self.is_set = True


class EngineBuildNotice:
    """Told twice a second while an engine is built: publishes EngineBuild, so the supervisor waits and says why."""

    def __init__(self, publish: Callable[[VisionReport], None]) -> None:
        self._publish = publish

    def __call__(self, _what: str) -> None:
        self._publish(VisionReport(now_ns(), os.getpid(), condition=Cause.ENGINE_BUILD))


def main(argv: list[str] | None = None) -> int:
    """`run` with the process's own options."""
    return run(vision_options(argv))


def run(args: argparse.Namespace) -> int:
    """Until the source ends or SIGTERM. Returns the exit status above."""
    # Ctrl-C reaches the whole foreground group; the supervisor decides when vision ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop = StopFlag()
    signal.signal(signal.SIGTERM, stop)
    try:
        return _run(args, stop)
    except (ModelFileError, EngineError) as error:
        return _told(error, EXIT_MODEL)
    except SourceLost as error:
        return _told(error, EXIT_CAMERA_LOST)
    except NoSourceError as error:
        return _told(error, EXIT_NO_SOURCE)
    except WatchkeeperError as error:
        return _told(error, EXIT_BAD_INPUT)


def _run(args: argparse.Namespace, stop: StopFlag) -> int:
    state, vehicle = Writer(args.state_fd, VISION), Reader(args.vehicle_fd, VEHICLE)
    settings = resolve(args.board, args.source, args.camera, args.engine, args.profile, args.geometry)
    budget = settings.board.budget
    for what in [*pin(settings.board.cpus.vision), *(become_realtime() if args.realtime else [])]:
        print(f"watchkeeper-vision: works with more jitter: no {what}", file=sys.stderr)
    ring = Ring(about=about(settings), fd=args.ring_fd)
    recorder = Recorder(ring, bus_ns=budget_ns(budget.exposure_to_bus_ms))
    recorder.start(os.getpid())
    dumper = open_dumper(args.trace_out, ring)
    work = FrameWork(recorder, budget=budget)
    try:
        return _see(args, stop, settings, work, dumper, state, vehicle)
    finally:
        if dumper is not None:
            dumper.close()


def _see(
    args: argparse.Namespace,
    stop: StopFlag,
    settings: Settings,
    work: FrameWork,
    dumper: Dumper | None,
    state: Writer[VisionReport],
    vehicle: Reader[VehicleReport],
) -> int:
    perception: Perception | AimPerception | GlassTest
    if args.glass_test:
        perception = GlassTest(work)
    else:
        aims = args.aim_fd is not None
        perception = perception_for(settings, work=work, on_build=EngineBuildNotice(state.write), thorough=aims)
        if aims:
            perception = AimPerception(perception, Writer(args.aim_fd, AIM).write)

    def new_machine() -> DriverStateMachine:
        return DriverStateMachine(resolve_profile(settings.profile), settings.board.cabin)

    def forget() -> DriverStateMachine:
        perception.forget_driver()
        return new_machine()

    loop = VisionLoop(
        perception,
        new_machine(),
        state.write,
        vehicle.read,
        budget_ns(settings.board.budget_ms),
        budget_ns(settings.board.frame_period_ms),
        forget=forget,
        work=work,
        missed=dumper.missed if dumper is not None else None,
    )
    try:
        loop.announce(Cause.STARTING)
        if not args.glass_test:
            warm_up(settings)
        light = None if isinstance(perception, GlassTest) else perception.light
        # the kernel's signal at the supervisor's death may not reach who has become another user
        parent = os.getppid()
        pump(
            loop, settings, work.recorder, repeat=args.repeat,
            stopping=lambda: stop.is_set or os.getppid() != parent, light=light,
        )  # fmt: skip
        return EXIT_ENDED
    finally:
        perception.wipe()
        perception.close()


def _told(error: WatchkeeperError, status: int) -> int:
    print(f"watchkeeper-vision: {error}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
