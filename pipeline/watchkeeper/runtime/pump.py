"""Frames from the source through the loop, and what is done in the slack between two of them."""

from __future__ import annotations

from collections.abc import Callable

from watchkeeper.capture.latest import CaptureThread
from watchkeeper.capture.source import EndOfSource, SourceLost, open_source
from watchkeeper.clock import NS_PER_MS, NS_PER_S, now_ns
from watchkeeper.errors import BadInputError, WatchkeeperError
from watchkeeper.preprocess.spec import Histogram
from watchkeeper.runtime.light import face_light
from watchkeeper.runtime.loop import VisionLoop, budget_ns
from watchkeeper.runtime.machine import MachineWatch
from watchkeeper.runtime.realtime import SlackCollector, major_faults
from watchkeeper.runtime.settings import Settings
from watchkeeper.trace.recorder import Recorder
from watchkeeper.trace.rows import Counter
from watchkeeper.types import Cause

# Bounds how long a request to stop waits for a camera that delivers nothing.
_TAKE_TIMEOUT_S = 0.1


class NoSourceError(WatchkeeperError):
    """The source cannot be opened: a wrong name, or a camera that is not there now."""


def pump(
    loop: VisionLoop,
    settings: Settings,
    recorder: Recorder,
    *,
    repeat: bool,
    stopping: Callable[[], bool],
    light: Callable[[], Histogram] | None = None,
) -> None:
    """Until the source's end or `stopping` says so. light: grey levels to expose by, where the source's exposure is
    ours. Raises SourceLost, told to the supervisor before, and NoSourceError for one that cannot be opened."""
    try:
        source = open_source(settings.source, paced=True, repeat=repeat)
    except BadInputError as error:
        raise NoSourceError(str(error)) from error
    period_ns = budget_ns(settings.board.frame_period_ms)
    between = Between(recorder, period_ns)
    exposed = None if light is None else face_light(source, light, period_ns)
    with CaptureThread(source) as capture:
        while not stopping():
            try:
                lease = capture.latest.take(_TAKE_TIMEOUT_S)
            except EndOfSource as end:
                end.with_traceback(None)  # the source keeps it, and it would keep this frame and all that is in it
                loop.announce(Cause.NONE, ended=True)
                return
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
                if exposed is not None:
                    exposed(exposure_ns)
                between.frames(exposure_ns)


class Between:
    """What is done after a frame, while the next one is not due yet: garbage, and once a second the machine's state."""

    def __init__(self, recorder: Recorder, period_ns: int) -> None:
        self._recorder, self._period_ns = recorder, period_ns
        self._collector = SlackCollector()
        self._machine = MachineWatch()
        self._due_ns = 0
        self._reading_ns = NS_PER_MS  # the longest reading of the machine, slowly forgotten

    def frames(self, exposure_ns: int) -> None:
        """After the frame of `exposure_ns`."""
        t_ns = now_ns()
        slack_ns = exposure_ns + self._period_ns - t_ns
        if took_ns := self._collector.step(slack_ns):
            self._recorder.count(Counter.COLLECTIONS, took_ns // 1000)
        if t_ns >= self._due_ns and slack_ns > self._reading_ns:
            self._due_ns = t_ns + NS_PER_S
            machine = self._machine.read()
            if machine.temperature_mc is not None:
                self._recorder.count(Counter.TEMPERATURE, machine.temperature_mc)
            if machine.frequency_khz is not None:
                self._recorder.count(Counter.FREQUENCY, machine.frequency_khz)
            self._recorder.count(Counter.PAGE_FAULTS, major_faults())
            self._reading_ns = max(now_ns() - t_ns, self._reading_ns - self._reading_ns // 16)
