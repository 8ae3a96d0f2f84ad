"""Steady state of the whole loop: what a frame leaves behind in Python's memory, in the heap, and in page faults.

Between two frames nothing may remain of the first: no block, no garbage in a cycle, no new page. Short by default;
WATCHKEEPER_STEADY_FRAMES=10000 is the full run. Figures are printed.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import tracemalloc
from contextlib import closing

import pytest

from watchkeeper.capture.source import Source, open_source
from watchkeeper.clock import now_ns
from watchkeeper.mailbox.layout import VISION
from watchkeeper.mailbox.writer import Mailbox, Writer
from watchkeeper.runtime.frame_work import FrameWork
from watchkeeper.runtime.loop import VisionLoop, budget_ns
from watchkeeper.runtime.perception import Perception
from watchkeeper.runtime.realtime import SlackCollector
from watchkeeper.runtime.settings import resolve
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.trace.recorder import Recorder
from watchkeeper.trace.ring import Ring
from watchkeeper.types import VehicleReport

FRAMES = int(os.environ.get("WATCHKEEPER_STEADY_FRAMES", "240"))
WARM_UP = 420  # the windows of the percentiles (300 frames) are full


class _Loop:
    """The product's loop over one source; the clock stands at each frame's exposure when it is taken."""

    def __init__(self, uri: str) -> None:
        settings = resolve("host", uri, None, None)
        self._offset_ns = 0
        work = FrameWork(Recorder(Ring(), self._clock), self._clock, settings.board.budget)
        self.perception = Perception(settings.camera, engine_name="litert", threads=1, work=work)
        self._fd = Mailbox.create(VISION)
        self._loop = VisionLoop(
            self.perception, DriverStateMachine(get_profile("euroncap-2026"), settings.board.cabin),
            Writer(self._fd, VISION).write, VehicleReport, budget_ns(1000), budget_ns(33.3), self._clock, work=work,
        )  # fmt: skip
        self._count = 0

    def _clock(self) -> int:
        return now_ns() + self._offset_ns

    def run(self, source: Source, frames: int) -> None:
        for _ in range(frames):
            lease = source.next(10.0)
            assert lease is not None
            self._offset_ns = lease.frame.t_ns - now_ns()
            self._count += 1
            self._loop.frame(lease, self._count, 0, dequeued_ns=lease.frame.t_ns)

    def close(self) -> None:
        self.perception.close()
        os.close(self._fd)


@pytest.mark.needs_models
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("uri", ["v4l2-fake:640x360@30?format=NV12&io=userptr", "demo:"])
def test_a_frame_leaves_nothing_behind(uri: str) -> None:
    with closing(open_source(uri, paced=False, repeat=True)) as source, closing(_Loop(uri)) as loop:
        collector = SlackCollector()
        try:
            loop.run(source, WARM_UP)
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            blocks = sys.getallocatedblocks()
            loop.run(source, FRAMES)
            blocks = sys.getallocatedblocks() - blocks
            unreachable = gc.collect()
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
            tracemalloc.start()
            loop.run(source, 30)
            first, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            loop.run(source, 60)
            last, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        finally:
            collector.close()
    print(
        f"{uri}: {FRAMES} frames; a frame leaves {blocks / FRAMES:+.3f} blocks, {unreachable} in all for the "
        f"collector, {faults / FRAMES:.3f} page faults; traced bytes {(last - first) / 60:+.1f} a frame, at most "
        f"{(peak - first) / 1024:.1f} KiB at once inside one"
    )
    assert unreachable == 0  # no cycle was made: the collector has nothing to find
    # with a face the windows of the rules (a minute and more) still fill; they are bounded
    # and some caches fill once, whenever their turn comes: a sum that does not grow with the frames
    assert blocks < (0.1 * FRAMES + 150 if "fake" in uri else 0.3 * FRAMES + 2000)
    if not uri.startswith("demo"):  # a decoder's frame pool is not ours
        assert faults / FRAMES < 0.5
