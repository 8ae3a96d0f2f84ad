"""The vision process: camera in, VisionReports out. Started by the supervisor, never by a user.

    python -m watchkeeper.runtime.vision watchkeeper-vision --source URI ... --state-fd N --vehicle-fd M

Exit status, which the supervisor acts on: 0 the source ended, 2 bad input (do not try again), 3 a model is missing or
wrong (do not try again), 4 the camera was lost (try again), anything else: a defect (try again).
"""

from __future__ import annotations

import argparse
import gc
import signal
import sys
from pathlib import Path
from types import FrameType

import numpy as np

from watchkeeper.capture.latest import CaptureThread
from watchkeeper.capture.source import EndOfSource, SourceLost, open_source
from watchkeeper.errors import WatchkeeperError
from watchkeeper.inference.engine import EngineError
from watchkeeper.inference.manifest import ModelFileError
from watchkeeper.mailbox.layout import VEHICLE, VISION
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Writer
from watchkeeper.runtime.loop import VisionLoop, budget_ns
from watchkeeper.runtime.perception import Perception
from watchkeeper.runtime.settings import Settings, resolve
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profile_file import resolve_profile
from watchkeeper.types import Cause, ColorMatrix, Frame, PixelFormat

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
    perception = Perception(settings.camera, engine_name=settings.engine)
    loop = VisionLoop(
        perception,
        DriverStateMachine(resolve_profile(settings.profile), settings.board.cabin),
        state.write,
        vehicle.read,
        budget_ns(settings.board.budget_ms),
        budget_ns(settings.board.frame_period_ms),
    )
    try:
        loop.announce(Cause.STARTING)
        _warm_up(settings)
        return _pump(loop, settings, repeat=args.repeat, stop=stop)
    finally:
        perception.close()


def _warm_up(settings: Settings) -> None:
    """First runs of an engine allocate and are slow. A perception of its own takes them, so that the real one's filters
    and baseline never see a picture that no camera took."""
    width, height = settings.camera.width, settings.camera.height
    grey = np.full((height, width), 128, np.uint8)
    frame = Frame(0, 0, width, height, PixelFormat.GREY8, ColorMatrix.BT601_FULL, (grey,), (width,))
    perception = Perception(settings.camera, engine_name=settings.engine)
    try:
        for _ in range(_WARM_UP_FRAMES):
            perception.process(frame)
    finally:
        perception.close()


def _pump(loop: VisionLoop, settings: Settings, *, repeat: bool, stop: StopFlag) -> int:
    """Frames from the source through the loop until its end, its loss or `stop`."""
    source = open_source(settings.source, paced=True, repeat=repeat)
    gc.collect()
    gc.freeze()  # what is loaded now stays; later collections need not walk it
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
                # The newest may be waiting already: it is neither judged nor dropped yet, so it is not counted yet.
                unseen = capture.latest.dropped + source.lost_frames
                loop.frame(lease, capture.latest.taken + unseen, unseen)
    return EXIT_ENDED


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
    parser.add_argument("--state-fd", type=int, required=True, help="mailbox for VisionReport")
    parser.add_argument("--vehicle-fd", type=int, required=True, help="mailbox with VehicleReport")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
