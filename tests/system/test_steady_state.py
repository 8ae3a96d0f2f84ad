"""Steady state of the whole vision loop: no heap growth, no page faults a frame, no bytes copied.

Source, perception, judgement, mailbox and recorder, as in the vision process. Short by default;
WATCHKEEPER_STEADY_FRAMES=10000 is the full run. Figures are printed.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from fake_picamera2 import MappedArray, Picamera2

from watchkeeper.board import load_board
from watchkeeper.capture.request_frames import RequestSource
from watchkeeper.capture.source import Source, SourceInfo, open_source
from watchkeeper.capture.v4l2 import V4l2Source, parse
from watchkeeper.capture.v4l2_fake import FakeKernel
from watchkeeper.clock import now_ns
from watchkeeper.mailbox.layout import VISION
from watchkeeper.mailbox.writer import Mailbox, Writer
from watchkeeper.runtime.copies import bytes_per_frame
from watchkeeper.runtime.frame_work import FrameWork
from watchkeeper.runtime.loop import VisionLoop, budget_ns
from watchkeeper.runtime.perception import Perception
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import Cause, ColorMatrix, VehicleReport, VisionReport

FRAMES = int(os.environ.get("WATCHKEEPER_STEADY_FRAMES", "300"))
WARM_UP = 90  # the windows of the loop's own statistics are full by then
_HEAP_BYTES, _PYTHON_BLOCKS = 64 * 1024, 1000  # first uses of rare paths, however many frames there are
_PICTURES = 30


@cache
def _drive() -> tuple[int, int, list[bytes]]:
    """Pictures of the demo drive in YU12, as a camera would deliver them."""
    pictures = []
    with closing(open_source("demo:", paced=False)) as source:
        for _ in range(_PICTURES):
            lease = source.next(10.0)
            assert lease is not None
            with lease:
                f = lease.frame
                planes = zip(f.planes, f.strides, (1, 2, 2), strict=True)
                rows = (np.frombuffer(p, np.uint8)[: s * f.height // k].reshape(-1, s)[:, : f.width // k]
                        for p, s, k in planes)  # fmt: skip
                pictures.append(b"".join(plane.tobytes() for plane in rows))
        return source.info.width, source.info.height, pictures


def _there_and_back(number: int) -> bytes:
    """A driver that moves, without a jump where the pictures begin again."""
    step = number % (2 * _PICTURES)
    return _drive()[2][step if step < _PICTURES else 2 * _PICTURES - 1 - step]


def _v4l2(options: str) -> Source:
    width, height, _ = _drive()
    kernel = FakeKernel(width, height, 30, None)
    kernel.picture = _there_and_back
    return V4l2Source(parse(f"/dev/video0?format=YU12&{options}"), paced=False, clock=now_ns, kernel=kernel)


def _picamera2() -> Source:
    width, height, pictures = _drive()
    camera = Picamera2((width, height), width, "YUV420", len(pictures[0]), _there_and_back)
    info = SourceInfo("picamera2-like", width, height, 30.0)
    return RequestSource(camera, MappedArray, "lores", ColorMatrix.BT601_LIMITED, clock=now_ns, info=info)


SOURCES: dict[str, Callable[[], Source]] = {
    "v4l2 userptr": lambda: _v4l2("io=userptr"),
    "v4l2 dmabuf": lambda: _v4l2("io=dmabuf"),
    "picamera2-like": _picamera2,
    "demo:": lambda: open_source("demo:", paced=False, repeat=True),
    "pattern:": lambda: open_source("pattern:640x480@30", paced=False),
}


class _Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t) for name in
        ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    ]  # fmt: skip


@dataclass
class Held:
    """malloc: bytes in use in all arenas' books and mapped blocks (glibc 2.33 and later). blocks: Python's own."""

    malloc: int
    blocks: int
    resident: int
    faults: int

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        libc = ctypes.CDLL(None)
        libc.mallinfo2.restype = _Mallinfo2
        info = libc.mallinfo2()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        return cls(int(info.uordblks + info.hblkhd), sys.getallocatedblocks(), pages * resource.getpagesize(), faults)


class FrameClock:
    """Stands at a frame's own exposure when that is handed over, and runs on from there."""

    def __init__(self) -> None:
        self._offset_ns = 0

    def __call__(self) -> int:
        return now_ns() + self._offset_ns

    def stand_at(self, t_ns: int) -> None:
        self._offset_ns = t_ns - now_ns()


class Vision:
    """The loop as the vision process has it: perception, judgement, recorder and mailbox."""

    def __init__(self) -> None:
        board = load_board("host")
        self._clock = FrameClock()
        work = FrameWork(clock=self._clock)
        self.perception = Perception(board.camera, threads=1, work=work)
        self._fd = Mailbox.create(VISION)
        self._write = Writer(self._fd, VISION).write
        self.last = VisionReport(0, 0)
        self._loop = VisionLoop(
            self.perception, DriverStateMachine(get_profile("euroncap-2026"), board.cabin), self._publish,
            VehicleReport, budget_ns(1000.0), budget_ns(board.frame_period_ms), clock=self._clock, work=work,
        )  # fmt: skip
        self._count = 0

    def run(self, source: Source, frames: int) -> None:
        for _ in range(frames):
            lease = source.next(10.0)
            assert lease is not None
            self._count += 1
            self._clock.stand_at(lease.frame.t_ns)
            self._loop.frame(lease, self._count, 0)

    def close(self) -> None:
        self.perception.close()
        os.close(self._fd)

    def _publish(self, report: VisionReport) -> None:
        self._write(report)
        self.last = report


@pytest.mark.needs_models
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", SOURCES)
def test_nothing_grows_faults_or_is_copied(name: str) -> None:
    if not hasattr(ctypes.CDLL(None), "mallinfo2"):
        pytest.skip("needs glibc 2.33 or later for mallinfo2")
    with closing(SOURCES[name]()) as source, closing(Vision()) as vision:
        vision.run(source, WARM_UP)
        gc.collect()
        gc.freeze()
        before = Held.now()
        vision.run(source, FRAMES)
        after = Held.now()
        gc.unfreeze()
        copied = bytes_per_frame(source.copied_bytes, vision.perception.copies, WARM_UP + FRAMES)
    health = vision.last.health
    assert (vision.last.condition, health.frames_processed, health.rung) == (Cause.NONE, WARM_UP + FRAMES, 0)
    grown, faults = after.malloc - before.malloc, after.faults - before.faults
    blocks, resident = after.blocks - before.blocks, after.resident - before.resident
    print(
        f"{name}: {FRAMES} frames: heap {grown:+d} B, Python {blocks:+d} blocks, resident {resident:+d} B, "
        f"{faults / FRAMES:.4f} page faults a frame, {sum(copied.values()):.0f} B copied a frame"
    )
    assert set(copied.values()) == {0.0}
    assert blocks < _PYTHON_BLOCKS
    if name == "demo:":  # a decoder's frame pool and the file opened anew at each repeat are not ours
        assert grown < 16 * _HEAP_BYTES
    else:
        assert grown < _HEAP_BYTES
        assert faults / FRAMES < 0.1
