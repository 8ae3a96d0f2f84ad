"""The vision process: camera in, VisionReports out. Started by the supervisor, never by a user.

    python -m watchkeeper.runtime.vision watchkeeper-vision --source URI ... --state-fd N --vehicle-fd M

Exit status, which the supervisor acts on: 0 the source ended, 2 bad input (do not try again), 3 a model is missing or
wrong (do not try again), 4 the camera was lost (try again), anything else: a defect (try again).
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import numpy as np

from watchkeeper import __version__
from watchkeeper.capture.latest import CaptureThread
from watchkeeper.capture.source import EndOfSource, SourceLost, open_source
from watchkeeper.clock import NS_PER_S, now_ns
from watchkeeper.errors import BadInputError, WatchkeeperError
from watchkeeper.inference.engine import EngineError
from watchkeeper.inference.manifest import ModelFileError, load_manifest
from watchkeeper.mailbox.layout import VEHICLE, VISION
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Writer
from watchkeeper.runtime.dumps import Dumper
from watchkeeper.runtime.frame_work import FrameWork
from watchkeeper.runtime.glass_test import GlassTest
from watchkeeper.runtime.loop import VisionLoop, budget_ns
from watchkeeper.runtime.machine import MachineWatch
from watchkeeper.runtime.networks import network_names
from watchkeeper.runtime.perception import Perception
from watchkeeper.runtime.realtime import SlackCollector, become_realtime, major_faults
from watchkeeper.runtime.settings import Settings, resolve
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profile_file import resolve_profile
from watchkeeper.trace.recorder import Recorder
from watchkeeper.trace.ring import Ring
from watchkeeper.trace.rows import Counter
from watchkeeper.types import Cause, ColorMatrix, Frame, PixelFormat, VehicleReport, VisionReport

EXIT_ENDED, EXIT_BAD_INPUT, EXIT_MODEL, EXIT_CAMERA_LOST = 0, 2, 3, 4

# Bounds how long a request to stop waits for a camera that delivers nothing.
_TAKE_TIMEOUT_S = 0.1
_WARM_UP_FRAMES = 3


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
    """Run until the source ends or SIGTERM. Returns the exit status above."""
    args = _arguments(argv)
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
    except WatchkeeperError as error:
        return _told(error, EXIT_BAD_INPUT)


def _run(args: argparse.Namespace, stop: StopFlag) -> int:
    state, vehicle = Writer(args.state_fd, VISION), Reader(args.vehicle_fd, VEHICLE)
    settings = resolve(args.board, args.source, args.camera, args.engine, args.profile)
    if args.realtime:
        for what in become_realtime():
            print(f"watchkeeper-vision: works with more jitter: no {what}", file=sys.stderr)
    ring = Ring(about=_about(settings))
    recorder = Recorder(ring)
    recorder.start(os.getpid())
    dumper = _dumper(args.trace_out, ring)
    work = FrameWork(recorder)
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
    perception: Perception | GlassTest
    if args.glass_test:
        perception = GlassTest(work)
    else:
        perception = Perception(
            settings.camera,
            engine_name=settings.engine,
            work=work,
            on_build=EngineBuildNotice(state.write),
            weights=settings.board.eye_weights,
        )

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
            _warm_up(settings)
        return _pump(loop, settings, work.recorder, repeat=args.repeat, stop=stop)
    finally:
        perception.close()


def _warm_up(settings: Settings) -> None:
    """First runs of an engine allocate and are slow. A perception of its own takes them, so that the real one's filters
    and baseline never see a picture that no camera took."""
    width, height = settings.camera.width, settings.camera.height
    grey = np.full((height, width), 128, np.uint8)
    frame = Frame(0, 0, width, height, PixelFormat.GREY8, ColorMatrix.BT601_FULL, (grey,), (width,))
    perception = Perception(settings.camera, engine_name=settings.engine, weights=settings.board.eye_weights)
    try:
        for _ in range(_WARM_UP_FRAMES):
            perception.process(frame)
    finally:
        perception.close()


def _pump(loop: VisionLoop, settings: Settings, recorder: Recorder, *, repeat: bool, stop: StopFlag) -> int:
    """Frames from the source through the loop until its end, its loss or `stop`."""
    source = open_source(settings.source, paced=True, repeat=repeat)
    between = _Between(recorder, budget_ns(settings.board.frame_period_ms))
    with CaptureThread(source) as capture:
        while not stop.is_set:
            try:
                lease = capture.latest.take(_TAKE_TIMEOUT_S)
            except EndOfSource as end:
                end.with_traceback(None)  # the source keeps it, and it would keep this frame and all that is in it
                loop.announce(Cause.NONE, ended=True)
                return EXIT_ENDED
            except SourceLost:
                loop.announce(Cause.CAMERA_LOST)
                raise
            if lease is not None:
                exposure_ns = lease.frame.t_ns
                # The newest may be waiting already: it is neither judged nor dropped yet, so it is not counted yet.
                lost = source.lost_frames
                unseen = capture.latest.dropped + lost
                loop.frame(
                    lease,
                    capture.latest.taken + unseen,
                    unseen,
                    dequeued_ns=capture.latest.taken_put_ns,
                    lost=lost,
                )
                between.frames(exposure_ns)
    return EXIT_ENDED


class _Between:
    """What is done after a frame, while the next one is not due yet: garbage, and once a second the machine's state."""

    def __init__(self, recorder: Recorder, period_ns: int) -> None:
        self._recorder, self._period_ns = recorder, period_ns
        self._collector = SlackCollector()
        self._machine = MachineWatch()
        self._due_ns = 0

    def frames(self, exposure_ns: int) -> None:
        """After the frame of `exposure_ns`."""
        t_ns = now_ns()
        slack_ns = exposure_ns + self._period_ns - t_ns
        if took_ns := self._collector.step(slack_ns):
            self._recorder.count(Counter.COLLECTIONS, took_ns // 1000)
        if t_ns >= self._due_ns and slack_ns > 0:
            self._due_ns = t_ns + NS_PER_S
            machine = self._machine.read()
            if machine.temperature_mc is not None:
                self._recorder.count(Counter.TEMPERATURE, machine.temperature_mc)
            if machine.frequency_khz is not None:
                self._recorder.count(Counter.FREQUENCY, machine.frequency_khz)
            self._recorder.count(Counter.PAGE_FAULTS, major_faults())


def _dumper(path: Path | None, ring: Ring) -> Dumper | None:
    """Where the recorder's ring goes, None for nowhere. SIGUSR1 asks for it. Raises BadInputError naming the option."""
    if path is None:
        return None
    if not path.parent.is_dir():
        raise BadInputError(f"--trace-out {path}: expected an existing folder to write into")
    dumper = Dumper(ring, path)
    signal.signal(signal.SIGUSR1, lambda *_: dumper.request())
    return dumper


def _about(settings: Settings) -> dict[str, object]:
    """What a reader of the ring should know of the run."""
    return {
        "program": f"watchkeeper {__version__}",
        "board": settings.board.name,
        "source": settings.source,
        "engine": settings.engine,
        "pid": os.getpid(),
        "budget_ms": settings.board.budget_ms,
        "frame_period_ms": settings.board.frame_period_ms,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "governors": list(MachineWatch().read().governors),
        "models": {name: load_manifest(name).sha256 for name in network_names(settings.board.eye_weights)},
    }


def _told(error: WatchkeeperError, status: int) -> int:
    print(f"watchkeeper-vision: {error}", file=sys.stderr)
    return status


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="watchkeeper-vision", description="The vision process; `watchkeeper run` starts it."
    )
    parser.add_argument("name", choices=["watchkeeper-vision"], help="so that the process list shows what this is")
    parser.add_argument("--board")
    parser.add_argument("--source")
    parser.add_argument("--camera", type=Path)
    parser.add_argument("--engine")
    parser.add_argument("--profile", default="euroncap-2026")
    parser.add_argument("--repeat", action="store_true", help="begin a file again at its end")
    parser.add_argument("--trace-out", type=Path, help="the recorder's ring, also on SIGUSR1 and on a miss")
    parser.add_argument("--glass-test", action="store_true", help="brightness instead of a driver")
    parser.add_argument("--realtime", action="store_true", help="SCHED_FIFO and locked memory where permitted")
    parser.add_argument("--state-fd", type=int, required=True, help="mailbox for VisionReport")
    parser.add_argument("--vehicle-fd", type=int, required=True, help="mailbox with VehicleReport")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
