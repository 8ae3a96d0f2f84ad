"""Frames out of picamera2's completed requests: their mapped dmabufs are read in place and go back with the lease.

    camera.start()
    source = RequestSource(camera, MappedArray, "lores", ColorMatrix.BT709_LIMITED, clock=now_ns)

picamera2 (picamera2/request.py, allocators/dmaallocator.py): `MappedArray(request, stream, reshape=False, write=False)`
maps nothing anew and copies nothing; it brackets reading with DMA_BUF_IOCTL_SYNC, so it is held as long as the lease. A
request that is not released is a buffer that the camera lacks. SensorTimestamp is on CLOCK_BOOTTIME.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from watchkeeper.capture.lease import FrameLease, LeaseCount
from watchkeeper.capture.source import Clock, EndOfSource, ExposureControl, SourceInfo, SourceLost
from watchkeeper.capture.v4l2_device import planes_of
from watchkeeper.errors import BadInputError
from watchkeeper.types import ColorMatrix, Frame, PixelFormat

# libcamera names by the word, V4L2 and we by the bytes: its BGR888 is R, G, B in memory
_FORMATS = {
    "YUV420": PixelFormat.I420,
    "NV12": PixelFormat.NV12,
    "YUYV": PixelFormat.YUYV,
    "UYVY": PixelFormat.UYVY,
    "BGR888": PixelFormat.RGB24,
    "RGB888": PixelFormat.BGR24,
    "XBGR8888": PixelFormat.RGBA32,
    "XRGB8888": PixelFormat.BGRA32,
    "R8": PixelFormat.GREY8,
    "R10": PixelFormat.GREY10,
    "R16": PixelFormat.GREY16,
}


class Request(Protocol):
    """What is used of picamera2.request.CompletedRequest. config: by stream: format, size, stride."""

    @property
    def config(self) -> dict[str, Any]: ...
    def get_metadata(self) -> dict[str, Any]: ...
    def release(self) -> None: ...


class Camera(Protocol):
    """What is used of picamera2.Picamera2, configured and started. `wait` raises TimeoutError."""

    def capture_request(self, wait: bool | float | None = None) -> Any: ...
    def wait(self, job: Any, timeout: float | None = None) -> Any: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...


_SLICE_S = 0.1  # how long one wait lasts: a close from elsewhere must not have to wait longer

MapRequest = Callable[..., AbstractContextManager[Any]]
"""picamera2.MappedArray: (request, stream, reshape, write) -> context with `array`."""


class RequestSource:
    """A `Source` over a running camera, which it owns from here on. map_request: picamera2.MappedArray.

    t_ns: SensorTimestamp on CLOCK_MONOTONIC, when it came where there is none; never later than now. lost_frames: gaps
    in SensorTimestamp by the frame's own FrameDuration, so those count too that the sensor skipped.
    """

    copied_bytes = 0

    def __init__(
        self, camera: Camera, map_request: MapRequest, stream: str, color: ColorMatrix, *, clock: Clock,
        info: SourceInfo, paced: bool = True, exposure: ExposureControl | None = None,
    ) -> None:  # fmt: skip
        self._camera, self._map, self._stream, self._color, self._clock = camera, map_request, stream, color, clock
        self.info, self.exposure = info, exposure
        self._leases = LeaseCount()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._camera_closed = False
        self._job: Any = None
        self._seq, self._last_ns = 0, -1
        self._paced, self._first_ns = paced, 0
        self._stamp_ns: int | None = None
        self.lost_frames = 0

    @property
    def outstanding(self) -> int:
        return self._leases.outstanding

    def next(self, timeout_s: float) -> FrameLease | None:
        give_up_s = time.monotonic() + timeout_s
        request: Request | None = None
        while request is None:
            if self._closed.is_set():
                raise EndOfSource("closed")
            left_s = max(0.0, give_up_s - time.monotonic())
            request = self._completed(min(left_s, _SLICE_S))
            if request is None and not self._closed.is_set() and time.monotonic() >= give_up_s:
                return None
        while self._paced and self._is_old(request) and (newer := self._completed(0.0)) is not None:
            request.release()
            request = newer
        if self._closed.is_set():
            request.release()
            raise EndOfSource("closed")
        with contextlib.ExitStack() as held:
            held.callback(request.release)
            frame = self._frame(request, held)
            back = held.pop_all()
        return self._leases.lend(frame, lambda: self._back(back))

    def _completed(self, timeout_s: float) -> Request | None:
        """The request asked for, None when it is not there in time: it stays asked for."""
        try:
            if self._job is None:
                self._job = self._camera.capture_request(wait=False)
            request: Request = self._camera.wait(self._job, timeout=timeout_s)
        except (TimeoutError, concurrent.futures.TimeoutError):
            return None
        except RuntimeError as error:
            raise SourceLost(f"{self.info.name}: {error}") from error
        self._job = None
        return request

    def close(self) -> None:
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
        self._camera.stop()
        self._close_camera()

    def _frame(self, request: Request, held: contextlib.ExitStack) -> Frame:
        config = request.config[self._stream]
        (width, height), stride, name = config["size"], int(config["stride"]), str(config["format"])
        pixel_format = _FORMATS.get(name)
        if pixel_format is None:
            raise BadInputError(f"{self.info.name}: format {name}; expected one of {', '.join(_FORMATS)}")
        mapped = held.enter_context(self._map(request, self._stream, reshape=False, write=False))
        planes, strides = planes_of(memoryview(mapped.array), pixel_format, width, height, stride)
        metadata, now_ns = request.get_metadata(), self._clock()
        stamp_ns = metadata.get("SensorTimestamp")
        self._count_gap(stamp_ns, int(metadata.get("FrameDuration") or 0) * 1000)
        t_ns = now_ns if stamp_ns is None else int(stamp_ns) - boot_ahead_ns()
        if self._paced:
            t_ns = min(t_ns, now_ns)
        elif self._last_ns < 0:
            self._first_ns = t_ns
        self._last_ns = max(t_ns - self._first_ns, self._last_ns + 1)
        seq, self._seq = self._seq, self._seq + 1
        return Frame(self._last_ns, seq, width, height, pixel_format, self._color, planes, strides)

    def _is_old(self, request: Request) -> bool:
        """It was asked for before the loop stalled: a newer one has come by now."""
        metadata = request.get_metadata()
        stamp_ns, duration_ns = metadata.get("SensorTimestamp"), int(metadata.get("FrameDuration") or 0) * 1000
        return stamp_ns is not None and 0 < duration_ns < self._clock() - (int(stamp_ns) - boot_ahead_ns())

    def _count_gap(self, stamp_ns: int | None, duration_ns: int) -> None:
        if stamp_ns is not None and self._stamp_ns is not None and duration_ns > 0:
            missed = max(0, round((stamp_ns - self._stamp_ns) / duration_ns) - 1)
            self.lost_frames += missed
            self._seq += missed
        self._stamp_ns = stamp_ns

    def _back(self, held: contextlib.ExitStack) -> None:
        held.close()
        if self._closed.is_set():
            self._close_camera()

    def _close_camera(self) -> None:
        """Once the last request is back: closing frees the descriptors that synchronising needs."""
        with self._lock:
            if self._leases.outstanding or self._camera_closed:
                return
            self._camera_closed = True
        self._camera.close()


def boot_ahead_ns() -> int:
    """How far CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC: the time spent suspended."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
