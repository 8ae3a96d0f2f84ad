"""`csi:0`: a Jetson's CSI camera by Argus and jetson_utils; frames are its mapped ring buffers, by pointer.

    csi:0?size=1280x720&fps=30&format=nv12&buffers=16&flip=none

The camera's own thread writes the ring, whether or not its buffers are lent: a picture may be used for (buffers - 1)
frames. 16 buffers at 30 frames a second are half a second, far beyond a frame's deadline; a lease that was held longer
is counted in `overwritten`. Since JetPack 5.1.2 jetson_utils itself makes one CPU copy into this ring; that one is not
ours and not in `copied_bytes`.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from watchkeeper.capture.bounded import bounded
from watchkeeper.capture.cuda_image import Adopt, CudaImages
from watchkeeper.capture.lease import FrameLease, LeaseCount
from watchkeeper.capture.source import Clock, EndOfSource, SourceInfo, SourceLost
from watchkeeper.capture.uri_options import BUFFERS, FPS, UriOptions
from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.types import ColorMatrix

_EXPECTED = "N?size=WxH&fps=F&format=nv12|i420|yuyv|gray8&buffers=N&flip=none|rotate-180, N the sensor's number"
_OPEN_TIMEOUT_S = 15.0
_SLICE_S = 0.1  # how long one Capture waits: close must not have to wait longer
_COLOR = ColorMatrix.BT601_LIMITED  # nvvidconv's NV12 where nothing else is asked for


@dataclass(frozen=True, slots=True)
class Options:
    """What a URI asks for."""

    sensor: int
    size: tuple[int, int] = (1280, 720)
    fps: float = 30.0
    format: str = "nv12"
    buffers: int = 16
    flip: str = "none"


def parse(argument: str) -> Options:
    """The URI after its scheme. Raises BadInputError naming the option and what was expected."""
    source = f"csi:{argument}"
    number, _, query = argument.partition("?")
    if not re.fullmatch(r"\d{1,2}", number):
        raise BadInputError(f"source {source}: expected {_EXPECTED}")
    options = UriOptions(source, query, _EXPECTED)
    size, fps = options.size((1280, 720)), options.number("fps", FPS, 30.0)
    layout, buffers = options.take("format", "nv12|i420|yuyv|gray8"), options.take("buffers", BUFFERS)
    flip = options.take("flip", "none|rotate-180")
    options.end()
    return Options(int(number), size, fps, layout[0] if layout else "nv12", int(buffers[0]) if buffers else 16,
                   flip[0] if flip else "none")  # fmt: skip


def open_csi(argument: str, *, paced: bool, repeat: bool, clock: Clock) -> JetsonSource:
    """A camera has no end and its own pace: `repeat` changes nothing.

    Raises BadInputError naming the sensor, SourceLost when Argus does not answer (then nvargus-daemon wants a restart),
    ModuleNotFoundError without jetson_utils.
    """
    jetson_utils: Any = importlib.import_module("jetson_utils")
    options = parse(argument)
    name = f"csi:{options.sensor}"
    width, height = options.size
    argv = [
        f"--input-width={width}", f"--input-height={height}", f"--input-rate={options.fps:g}",
        f"--num-buffers={options.buffers}", f"--input-flip={options.flip}",
    ]  # fmt: skip

    def opened() -> Any:
        try:
            video = jetson_utils.videoSource(f"csi://{options.sensor}", argv=argv)
            video.Open()
        except Exception as error:  # the binding raises nothing more exact
            raise BadInputError(f"source {name}: cannot be opened: {error}") from error
        return video

    return JetsonSource(bounded(opened, _OPEN_TIMEOUT_S, name), options, name, paced=paced, clock=clock, adopt=_adopt())


def _adopt() -> Adopt | None:
    """Where our own kernel runs on the GPU it reads the ring too; without pycuda it does not."""
    if importlib.util.find_spec("pycuda") is None:
        return None
    from watchkeeper.memory.cuda import primary

    return primary().adopt


class JetsonSource:
    """A `Source` over a running jetson_utils.videoSource, which it owns from here on.

    t_ns: an image's time stamp counts from the pipeline's start; it is put on `clock` by the smallest delay seen so
    far, so it has the sensor's rhythm, is never later than now and late by what the fastest frame took. lost_frames:
    gaps in those stamps.
    """

    copied_bytes = 0

    def __init__(
        self, video: Any, options: Options, name: str, *, paced: bool, clock: Clock, adopt: Adopt | None = None
    ) -> None:
        self._video, self._options, self._clock, self._paced = video, options, clock, paced
        self.info = SourceInfo(name, *options.size, options.fps)
        self._images, self._leases = CudaImages(_COLOR, adopt=adopt), LeaseCount()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._video_closed = False
        self._period_ns = round(NS_PER_S / options.fps)
        self._delay_ns: int | None = None
        self._stamp_ns: int | None = None
        self._seq, self._last_ns, self._first_ns = -1, -1, 0
        self.lost_frames = 0
        self.overwritten = 0

    @property
    def outstanding(self) -> int:
        return self._leases.outstanding

    def next(self, timeout_s: float) -> FrameLease | None:
        give_up_s = time.monotonic() + timeout_s
        while True:
            if self._closed.is_set():
                raise EndOfSource("closed")
            left_s = max(0.0, give_up_s - time.monotonic())
            image = self._capture(min(left_s, _SLICE_S))
            if image is not None:
                return self._lend(image)
            if not self._closed.is_set() and time.monotonic() >= give_up_s:
                return None

    def close(self) -> None:
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
        self._close_video()

    def _capture(self, timeout_s: float) -> Any:
        try:
            return self._video.Capture(format=self._options.format, timeout=int(timeout_s * 1000))
        except Exception as error:  # releases before 2023 raise on a time-out, where later ones return None
            if self._closed.is_set():
                raise EndOfSource("closed") from error
            if self._video.IsStreaming():
                return None
            raise SourceLost(f"{self.info.name}: {error}") from error

    def _lend(self, image: Any) -> FrameLease:
        now_ns, stamp_ns = self._clock(), int(image.timestamp)
        missed = 0
        if self._stamp_ns is not None and stamp_ns > self._stamp_ns:
            missed = max(0, round((stamp_ns - self._stamp_ns) / self._period_ns) - 1)
        self._stamp_ns = stamp_ns
        self.lost_frames += missed
        self._seq += 1 + missed
        if self._paced:
            delay_ns = now_ns - stamp_ns
            self._delay_ns = delay_ns if self._delay_ns is None else min(self._delay_ns, delay_ns)
            t_ns = stamp_ns + self._delay_ns
        else:
            self._first_ns = stamp_ns if self._last_ns < 0 else self._first_ns
            t_ns = stamp_ns - self._first_ns
        self._last_ns = max(t_ns, self._last_ns + 1)
        inner = self._images.lease(image, self._last_ns, self._seq)
        assert inner is not None
        return self._leases.lend(inner.frame, self._back(inner))

    def _back(self, inner: FrameLease) -> Callable[[], None]:
        captured_ns = self._clock()

        def back() -> None:
            if self._paced and self._clock() - captured_ns > (self._options.buffers - 1) * self._period_ns:
                self.overwritten += 1
            inner.release()
            if self._closed.is_set():
                self._close_video()

        return back

    def _close_video(self) -> None:
        """Once the last lease is back: closing frees the ring."""
        with self._lock:
            if self._leases.outstanding or self._video_closed:
                return
            self._video_closed = True
        self._video.Close()
        self._images.close()
