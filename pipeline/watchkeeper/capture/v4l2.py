"""`v4l2:/dev/video0`: a camera by Linux's own interface; frames are the driver's buffers, nothing is copied.

    v4l2:/dev/video0?size=1280x720&fps=30&format=NV12&io=userptr&buffers=4&exposure=face

Without options: the size and rate the device is set to, the first of its formats that is one of ours, the driver's own
memory (`io=mmap`), the camera's own exposure; with `exposure=face` it is set by the driver's face (runtime/light.py).
With `io=userptr&memory=cuda` the camera writes into memory that the GPU reads in place. A frame nobody took in time is
given back for a newer one: there is never a burst of old pictures.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from watchkeeper.capture import v4l2_abi as abi
from watchkeeper.capture import v4l2_buffers as buffers
from watchkeeper.capture.lease import FrameLease, LeaseCount
from watchkeeper.capture.source import Clock, EndOfSource, SourceInfo, SourceLost
from watchkeeper.capture.v4l2_controls import V4l2Exposure, open_exposure
from watchkeeper.capture.v4l2_device import Device, planes_of
from watchkeeper.capture.v4l2_kernel import Kernel, LinuxKernel, is_gone
from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.memory.buffers import Allocate, LockedBuffer
from watchkeeper.types import Frame

_CODES = {code.to_bytes(4, "little").decode().rstrip(): code for code in abi.FORMATS}
_EXPECTED = (
    f"expected /dev/videoN?size=WxH&fps=F&format={'|'.join(_CODES)}&io=mmap|expbuf|userptr|dmabuf&memory=host|cuda"
    "&buffers=N&exposure=camera|face (memory with io=userptr)"
)


@dataclass(frozen=True, slots=True)
class Options:
    """What a URI asks for. None: as the device is set. memory: of `io=userptr`, host or cuda."""

    path: str
    size: tuple[int, int] | None = None
    fps: float | None = None
    format: int | None = None
    io: str = "mmap"
    buffers: int = 4
    memory: str = "host"
    exposure: str = "camera"


def parse(argument: str) -> Options:
    """The URI after its scheme. Raises BadInputError naming the option and what was expected."""
    path, _, query = argument.partition("?")
    if not path.startswith("/"):
        raise BadInputError(f"source v4l2:{argument}: {_EXPECTED}")
    given = dict(part.partition("=")[::2] for part in query.split("&") if part)

    def taken(name: str, pattern: str) -> re.Match[str] | None:
        text = given.pop(name, None)
        match = None if text is None else re.fullmatch(pattern, text)
        if text is not None and match is None:
            raise BadInputError(f"source v4l2:{argument}: {name}={text}: {_EXPECTED}")
        return match

    size, fps = taken("size", r"(\d{2,4})x(\d{2,4})"), taken("fps", r"\d{1,3}(\.\d{1,3})?")
    code, io = taken("format", "|".join(_CODES)), taken("io", "|".join(buffers.WAYS))
    count, memory = taken("buffers", r"[2-9]|[12]\d|3[0-2]"), taken("memory", "host|cuda")
    exposure = taken("exposure", "camera|face")
    if memory and not (io and io[0] == "userptr"):
        raise BadInputError(f"source v4l2:{argument}: memory={memory[0]}: expected io=userptr with it; {_EXPECTED}")
    if given:
        raise BadInputError(f"source v4l2:{argument}: unknown option {next(iter(given))}; {_EXPECTED}")
    return Options(
        path,
        (int(size[1]), int(size[2])) if size else None,
        float(fps[0]) if fps else None,
        _CODES[code[0]] if code else None,
        io[0] if io else "mmap",
        int(count[0]) if count else 4,
        memory[0] if memory else "host",
        exposure[0] if exposure else "camera",
    )


def open_v4l2(argument: str, *, paced: bool, repeat: bool, clock: Clock) -> V4l2Source:
    """A camera has no end and its own pace: `repeat` changes nothing. Raises BadInputError naming the device."""
    return V4l2Source(parse(argument), paced=paced, clock=clock)


class V4l2Source:
    """A `Source` over one device. `kernel`: a fake's, for tests. allocate: memory for `io=userptr`; None: by `options`.

    t_ns: the driver's stamp where it is on CLOCK_MONOTONIC, else when the frame was taken from the driver; never later
    than now. lost_frames: gaps in the driver's numbers, frames with its error flag, and those given back unseen.
    """

    def __init__(
        self,
        options: Options,
        *,
        paced: bool,
        clock: Clock,
        kernel: Kernel | None = None,
        allocate: Allocate | None = None,
    ) -> None:
        self._kernel, self._clock, self._paced, self._io = kernel or LinuxKernel(), clock, paced, options.io
        self._device = Device(self._kernel, options.path, options.size, options.fps, options.format)
        self._closed = threading.Event()
        self._lock = threading.Lock()  # over the file descriptor and what is queued
        self._leases = LeaseCount()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._out: set[int] = set()
        self._streaming = False
        self._lost, self._seq, self._driver_seq, self._first_ns, self._last_ns = 0, 0, -1, 0, -1
        try:
            self.exposure = None if options.exposure == "camera" else self._taken_over()
            with self._device.told(f"io={options.io}"):
                self._slots = buffers.request(
                    self._kernel, self._device.fd, options.io, options.buffers, self._device.image_bytes,
                    allocate or _allocator(options.memory),
                )  # fmt: skip
        except BaseException:
            self._device.close()
            os.close(self._wake_fd)
            raise
        self.info = SourceInfo(self._device.name, self._device.width, self._device.height, self._device.fps)

    @property
    def slots(self) -> tuple[buffers.Slot, ...]:
        """The driver's buffers, for who maps them elsewhere (GPU)."""
        return tuple(self._slots)

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
        while True:
            if self._closed.is_set():
                raise EndOfSource("closed")
            try:
                self._start()
                ready = self._kernel.wait(self._device.fd, self._wake_fd, give_up_s - time.monotonic())
                if ready and (lease := self._newest()) is not None:
                    return lease
            except OSError as error:
                if self._closed.is_set():
                    raise EndOfSource("closed") from error
                raise SourceLost(f"{self._device.path}: {error.strerror}") from error
            if not self._closed.is_set() and time.monotonic() >= give_up_s:
                return None

    def close(self) -> None:
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
            os.eventfd_write(self._wake_fd, 1)
            if self._streaming:
                with contextlib.suppress(OSError):  # a device that is gone has stopped already
                    self._device.stream(on=False)
            self._device.close()
            for slot in self._slots:
                if slot.index not in self._out:
                    buffers.release(self._kernel, slot)

    def _taken_over(self) -> V4l2Exposure:
        with self._device.told("exposure=face"):
            exposure = open_exposure(self._kernel, self._device.fd)
        if exposure is None:
            raise BadInputError(
                f"source v4l2:{self._device.path}: exposure=face: expected a camera with the control "
                "exposure_time_absolute; leave it to the camera (exposure=camera)"
            )
        return exposure

    def _start(self) -> None:
        with self._lock:
            if self._streaming or self._closed.is_set():
                return
            for slot in self._slots:
                buffers.queue(self._kernel, self._device.fd, self._io, slot)
            self._device.stream(on=True)
            self._streaming = True

    def _newest(self) -> FrameLease | None:
        """The newest good frame; older ones that are filled too go back to the driver, unseen."""
        newest: abi.Buffer | None = None
        with self._lock:
            while not self._closed.is_set():
                try:
                    filled = buffers.dequeue(self._kernel, self._device.fd, self._io)
                except BlockingIOError:
                    break
                self._count_gap(int(filled.sequence))
                if filled.flags & abi.BUF_FLAG_ERROR:
                    self._lost += 1
                    self._requeue(int(filled.index))
                    continue
                if newest is not None:
                    self._lost += 1
                    self._requeue(int(newest.index))
                newest = filled
                if not self._paced:
                    break  # every frame is wanted
            if newest is None:
                return None
            self._out.add(int(newest.index))
            slot = self._slots[newest.index]
            buffers.begin_reading(self._kernel, slot)
        frame = self._frame(newest, slot)
        return self._leases.lend(frame, self._back(slot))

    def _count_gap(self, sequence: int) -> None:
        gap = sequence - self._driver_seq - 1
        if 0 < gap < 1 << 16:  # a driver that starts its numbers anew has lost nothing
            self._lost += gap
            self._seq += gap
        self._driver_seq = sequence

    def _requeue(self, index: int) -> None:
        buffers.queue(self._kernel, self._device.fd, self._io, self._slots[index])
        self._seq += 1

    def _frame(self, filled: abi.Buffer, slot: buffers.Slot) -> Frame:
        now_ns = self._clock()
        stamp_ns = int(filled.timestamp.tv_sec) * NS_PER_S + int(filled.timestamp.tv_usec) * 1000
        monotonic = filled.flags & abi.TIMESTAMP_MASK == abi.TIMESTAMP_MONOTONIC
        t_ns = min(stamp_ns, now_ns) if monotonic and self._paced else stamp_ns if monotonic else now_ns
        if self._last_ns < 0:
            self._first_ns = 0 if self._paced else t_ns
        t_ns = max(t_ns - self._first_ns, self._last_ns + 1)
        self._last_ns = t_ns
        seq, self._seq = self._seq, self._seq + 1
        d = self._device
        planes, strides = planes_of(slot.view, d.format, d.width, d.height, d.stride)
        return Frame(t_ns, seq, d.width, d.height, d.format, d.color, planes, strides)

    def _back(self, slot: buffers.Slot) -> Callable[[], None]:
        def back() -> None:
            with self._lock:
                self._out.discard(slot.index)
                if self._closed.is_set():
                    buffers.release(self._kernel, slot)
                    return
                try:
                    buffers.queue(self._kernel, self._device.fd, self._io, slot)
                except OSError as error:
                    if not is_gone(error):  # then `next` tells of it
                        raise

        return back


def _allocator(memory: str) -> Allocate:
    """Raises BadInputError where pycuda is not installed."""
    if memory == "host":
        return LockedBuffer
    try:
        from watchkeeper.memory.cuda import CudaBuffer
    except ImportError as error:  # pycuda, or the driver's library that it is linked to
        raise BadInputError(f"source v4l2: memory=cuda: {error}; expected pycuda installed") from error
    return CudaBuffer
