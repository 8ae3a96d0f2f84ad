"""`pattern:WxH@FPS`: a moving colour pattern without a face, for timing. It never ends; close it.

Each frame is a window onto one larger picture drawn at the start, moved by a few pixels: a frame costs the source
nothing, so what is timed is what comes after it. Stride and start of a row differ from frame to frame, as a cropping
camera's do.
"""

from __future__ import annotations

import re
import threading
import time

import numpy as np
from numpy.typing import NDArray

from watchkeeper.capture.lease import FrameLease, LeaseCount
from watchkeeper.capture.pacing import Pacer
from watchkeeper.capture.source import Clock, EndOfSource, SourceInfo
from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.types import ColorMatrix, Frame, PixelFormat

_ARGUMENT = re.compile(r"(\d{1,5})x(\d{1,5})@(\d{1,4}(?:\.\d{1,3})?)")
_SIZE_PX = (16, 8192)
_FPS = (0.1, 1000.0)
_MARGIN_PX = 64  # how far the window travels; even, so that the chroma planes move with it
_STEP_PX = 2
_LIMITED = (16, 235)  # black and white in limited range, ITU-R BT.601


def open_pattern(argument: str, *, paced: bool, repeat: bool, clock: Clock) -> PatternSource:
    """`pattern:WxH@FPS`, W and H even. `repeat` changes nothing: the pattern has no end.

    Raises BadInputError saying what was expected.
    """
    match = _ARGUMENT.fullmatch(argument)
    width, height, fps = (int(match[1]), int(match[2]), float(match[3])) if match else (0, 0, 0.0)
    low, high = _SIZE_PX
    if not (low <= width <= high and low <= height <= high and _FPS[0] <= fps <= _FPS[1]) or width % 2 or height % 2:
        raise BadInputError(
            f"source pattern:{argument}: expected WxH@FPS with even W and H from {low} to {high} and FPS from "
            f"{_FPS[0]:g} to {_FPS[1]:g}, such as pattern:1280x720@30"
        )
    return PatternSource(width, height, fps, paced=paced, clock=clock)


class PatternSource:
    """A `Source` of I420 frames. Paced, a frame nobody asked for in its time is lost, as with a camera."""

    def __init__(self, width: int, height: int, fps: float, *, paced: bool, clock: Clock) -> None:
        self._info = SourceInfo(f"pattern {width}x{height}@{fps:g}", width, height, fps)
        self._planes = _draw(width + _MARGIN_PX, height + _MARGIN_PX)
        self._closed = threading.Event()
        self._pacer = Pacer(clock, self._closed) if paced else None
        self._leases = LeaseCount()
        self._seq = 0
        self._lost = 0

    @property
    def info(self) -> SourceInfo:
        return self._info

    @property
    def outstanding(self) -> int:
        return self._leases.outstanding

    @property
    def lost_frames(self) -> int:
        return self._lost

    @property
    def copied_bytes(self) -> int:
        return 0

    def next(self, timeout_s: float) -> FrameLease | None:
        give_up_s = time.monotonic() + timeout_s
        if self._closed.is_set():
            raise EndOfSource("closed")
        t_ns = self._time_ns(self._seq)
        if self._pacer is not None:
            if not self._pacer.wait(t_ns, give_up_s):
                if self._closed.is_set():
                    raise EndOfSource("closed")
                return None
            missed = max(0, int(self._pacer.late_ns(t_ns) * (self._info.fps or 0.0) / NS_PER_S))
            self._lost += missed
            self._seq += missed
            t_ns = self._pacer.absolute_ns(self._time_ns(self._seq))
        frame = self._window(t_ns, self._seq)
        self._seq += 1
        return self._leases.lend(frame)

    def close(self) -> None:
        self._closed.set()

    def _time_ns(self, seq: int) -> int:
        return round(seq * NS_PER_S / (self._info.fps or 1.0))

    def _window(self, t_ns: int, seq: int) -> Frame:
        # There and back along the diagonal; the two axes at different speeds.
        x, y = (_there_and_back(seq * step, _MARGIN_PX) & ~1 for step in (_STEP_PX, 2 * _STEP_PX))
        planes, strides = [], []
        for plane, halved in zip(self._planes, (1, 2, 2), strict=True):
            stride = plane.shape[1]
            rows, columns = self._info.height // halved, self._info.width // halved
            start = (y // halved) * stride + x // halved
            planes.append(plane.reshape(-1)[start : start + (rows - 1) * stride + columns].data)
            strides.append(stride)
        return Frame(
            t_ns, seq, self._info.width, self._info.height, PixelFormat.I420, ColorMatrix.BT601_LIMITED,
            tuple(planes), tuple(strides),
        )  # fmt: skip


def _there_and_back(step: int, span: int) -> int:
    step %= 2 * span
    return step if step <= span else 2 * span - step


def _draw(width: int, height: int) -> tuple[NDArray[np.uint8], ...]:
    """Chequered grey ramps and slowly turning chroma: edges and colours for the kernel, no face for the detector."""
    black, white = _LIMITED
    x, y = np.arange(width), np.arange(height)[:, None]
    ramp = black + (white - black) * ((x * 3 + y * 2) % 512) / 511
    squares = ((x // 32 + y // 32) % 2) * 24 - 12
    luma = np.clip(ramp + squares, black, white).astype(np.uint8)
    cx, cy = np.arange(width // 2), np.arange(height // 2)[:, None]
    u = (128 + 48 * np.sin(cx / 40.0) * np.ones_like(cy)).astype(np.uint8)
    v = (128 + 48 * np.cos(cy / 30.0) * np.ones_like(cx)).astype(np.uint8)
    planes = (luma, u, v)
    for plane in planes:
        plane.setflags(write=False)
    return planes
