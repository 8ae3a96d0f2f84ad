"""A camera's driver that is not there: answers the calls of v4l2_kernel.py as a real one does, wrong use included.

`v4l2-fake:WxH@FPS?format=NV12&io=userptr` opens it behind the real source. Its buffers are real shared memory, so that
addresses, mappings and dmabuf descriptors are real. Limits: one device; single-planar formats; no controls; a picture
is one byte repeated, or what `picture` gives; caches are always coherent, so a missing DMA_BUF_SYNC shows in `unsynced`
only.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import re
import select
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from watchkeeper.capture import v4l2_abi as abi
from watchkeeper.capture.source import Clock
from watchkeeper.capture.v4l2 import V4l2Source, parse
from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.memory.buffers import PAGE_BYTES

_ARGUMENT = re.compile(r"(\d{2,4})x(\d{2,4})@(\d{1,3})(\?.*)?")
_OFFERED = tuple(abi.fourcc(code) for code in ("MJPG", "YUYV", "NV12", "GREY", "YU12", "UYVY", "Y10 ", "Y16 ", "XR24"))
_BYTES_PER_PIXEL = {"NV12": 1.5, "YU12": 1.5, "YUYV": 2.0, "GREY": 1.0, "UYVY": 2.0, "Y10 ": 2.0, "Y16 ": 2.0,
                    "XR24": 4.0}  # fmt: skip


def open_fake(argument: str, *, paced: bool, repeat: bool, clock: Clock) -> V4l2Source:
    """`v4l2-fake:WxH@FPS`, with the options of `v4l2:` after it. Raises BadInputError."""
    match = _ARGUMENT.fullmatch(argument)
    if match is None:
        raise BadInputError(f"source v4l2-fake:{argument}: expected WxH@FPS?options, such as 640x480@30?io=userptr")
    kernel = FakeKernel(int(match[1]), int(match[2]), int(match[3]), clock if paced else None)
    return V4l2Source(parse("/dev/video0" + (match[4] or "")), paced=paced, clock=clock, kernel=kernel)


class FakeKernel:
    """clock: what frames are due by; None: the next frame is due when somebody waits for it."""

    def __init__(self, width: int, height: int, fps: int, clock: Clock | None) -> None:
        self._size, self._fps, self._clock = (width, height), fps, clock
        self._code = _OFFERED[1]
        self._memory = self._count = 0
        self._files: list[int] = []
        self._device_fd = -1
        self._queued: deque[abi.Buffer] = deque()
        self._filled: deque[abi.Buffer] = deque()
        self._held: set[int] = set()  # queued or filled: not the program's
        self._started_ns = self._virtual_ns = 0
        self._sequence = 0
        self._streaming = False
        self.fail: int | None = None  # an errno that DQBUF answers from now on, as an unplugged camera's does
        self.written: dict[int, int] = {}  # buffer -> address written to, for USERPTR
        self.mark_bad: set[int] = set()  # sequence numbers that carry the error flag
        self.stamps_monotonic = True
        self.unsynced = 0
        self.picture: Callable[[int], bytes] | None = None  # running number -> the whole picture's bytes

    # --- the calls ---

    def open(self, path: str) -> int:
        if path.startswith("/dev/dma_heap/"):
            return os.memfd_create("heap")
        if path != "/dev/video0":
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._device_fd = os.memfd_create("camera")
        return self._device_fd

    def close(self, fd: int) -> None:
        os.close(fd)
        if fd == self._device_fd:
            self._device_fd = -1
            for file in self._files:
                os.close(file)
            self._files.clear()

    def map(self, fd: int, nbytes: int, offset: int) -> mmap.mmap:
        file = self._files[offset // 0x1000_0000] if fd == self._device_fd else fd
        return mmap.mmap(file, nbytes, mmap.MAP_SHARED)

    def wait(self, fd: int, wake_fd: int, timeout_s: float) -> bool:
        give_up_s = time.monotonic() + timeout_s
        while True:
            self._advance(waited=True)
            if select.select([wake_fd], [], [], 0)[0]:
                return False
            if self._filled or self.fail is not None:
                return True
            left_s = give_up_s - time.monotonic()
            if left_s <= 0:
                return False
            select.select([wake_fd], [], [], min(left_s, 0.002))

    def ioctl(self, fd: int, request: int, argument: Any) -> None:
        if request == abi.HEAP_ALLOC:
            argument.fd = os.memfd_create("dmabuf")
            os.ftruncate(argument.fd, argument.len)
            return
        if request == abi.DMA_BUF_SYNC:
            self.unsynced += 1 if argument.value in (abi.SYNC_READ_START, abi.SYNC_WRITE_START) else -1
            return
        if fd != self._device_fd:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        name = {
            abi.QUERYCAP: "_querycap", abi.ENUM_FMT: "_enum", abi.G_FMT: "_get_format", abi.S_FMT: "_set_format",
            abi.REQBUFS: "_reqbufs", abi.QUERYBUF: "_querybuf", abi.EXPBUF: "_expbuf", abi.QBUF: "_qbuf",
            abi.DQBUF: "_dqbuf", abi.STREAMON: "_streamon", abi.STREAMOFF: "_streamoff", abi.G_PARM: "_parm",
            abi.S_PARM: "_parm",
        }.get(request)  # fmt: skip
        if name is None:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        getattr(self, name)(argument)

    # --- one request each ---

    def _querycap(self, a: abi.Capability) -> None:
        a.driver, a.card = b"fake", b"fake camera"
        a.capabilities = abi.CAP_DEVICE_CAPS
        a.device_caps = abi.CAP_VIDEO_CAPTURE | abi.CAP_STREAMING

    def _enum(self, a: abi.FormatDescription) -> None:
        _need(a.index < len(_OFFERED))
        a.pixelformat = _OFFERED[a.index]

    def _get_format(self, a: abi.Format) -> None:
        pix = a.fmt.pix
        pix.width, pix.height, pix.pixelformat = *self._size, self._code
        pix.bytesperline, pix.sizeimage = self._stride(), self._image_bytes()

    def _set_format(self, a: abi.Format) -> None:
        _need(not self._count, errno.EBUSY)
        if a.fmt.pix.pixelformat in _OFFERED[1:]:  # others are put right, not refused, as drivers do
            self._code = int(a.fmt.pix.pixelformat)
        self._get_format(a)

    def _parm(self, a: abi.StreamParameters) -> None:
        a.timeperframe.numerator, a.timeperframe.denominator = 1, self._fps

    def _reqbufs(self, a: abi.RequestBuffers) -> None:
        self._memory, self._count = int(a.memory), int(a.count)
        for _ in range(self._count if a.memory == abi.MEMORY_MMAP else 0):
            file = os.memfd_create("buffer")
            os.ftruncate(file, self._image_bytes())
            self._files.append(file)

    def _querybuf(self, a: abi.Buffer) -> None:
        _need(a.index < self._count and a.memory == self._memory == abi.MEMORY_MMAP)
        a.length, a.m.offset = self._image_bytes(), a.index * 0x1000_0000

    def _expbuf(self, a: abi.ExportBuffer) -> None:
        _need(self._memory == abi.MEMORY_MMAP and a.index < self._count)
        a.fd = os.dup(self._files[a.index])

    def _qbuf(self, a: abi.Buffer) -> None:
        _need(a.index < self._count and a.memory == self._memory and a.index not in self._held)
        if a.memory == abi.MEMORY_USERPTR:
            _need(a.m.userptr % PAGE_BYTES == 0 and a.length >= self._image_bytes())
        if a.memory == abi.MEMORY_DMABUF:
            _need(os.fstat(a.m.fd).st_size >= self._image_bytes())
        kept = abi.Buffer()
        ctypes.memmove(ctypes.addressof(kept), ctypes.addressof(a), ctypes.sizeof(abi.Buffer))
        self._advance()  # what was due before found this buffer not queued yet
        self._queued.append(kept)
        self._held.add(int(a.index))

    def _dqbuf(self, a: abi.Buffer) -> None:
        _need(a.memory == self._memory and self._streaming)
        if self.fail is not None:
            raise OSError(self.fail, os.strerror(self.fail))
        self._advance()
        if not self._filled:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        filled = self._filled.popleft()
        self._held.discard(int(filled.index))
        ctypes.memmove(ctypes.addressof(a), ctypes.addressof(filled), ctypes.sizeof(abi.Buffer))

    def _streamon(self, _: Any) -> None:
        _need(bool(self._queued))
        self._started_ns = self._clock() if self._clock else 0
        self._streaming, self._sequence = True, 0

    def _streamoff(self, _: Any) -> None:
        self._streaming = False
        self._queued.clear()
        self._filled.clear()
        self._held.clear()

    # --- what the sensor does meanwhile ---

    def _due_ns(self) -> int:
        return self._started_ns + round(self._sequence * NS_PER_S / self._fps)

    def _advance(self, *, waited: bool = False) -> None:
        """Fill queued buffers with the frames that are due; those that find none are lost, as their number tells."""
        while self._streaming:
            if self._clock is None:
                if self._filled or not self._queued or not waited:
                    return
            elif self._due_ns() > self._clock():
                return
            if self._queued:
                self._expose(self._queued.popleft())
            self._sequence += 1

    def _expose(self, buffer: abi.Buffer) -> None:
        if self.picture is not None:
            data = self.picture(self._sequence)
            _need(len(data) == self._image_bytes(), errno.EIO)
        else:
            data = bytes([(40 + 12 * self._sequence) % 256]) * self._image_bytes()
        self._write(buffer, data)
        t_ns = self._due_ns()
        buffer.timestamp.tv_sec, buffer.timestamp.tv_usec = t_ns // NS_PER_S, t_ns % NS_PER_S // 1000
        buffer.flags = abi.TIMESTAMP_MONOTONIC if self.stamps_monotonic else 0
        if self._sequence in self.mark_bad:
            buffer.flags |= abi.BUF_FLAG_ERROR
        buffer.sequence, buffer.bytesused = self._sequence, self._image_bytes()
        self._filled.append(buffer)

    def _write(self, buffer: abi.Buffer, data: bytes) -> None:
        if self._memory == abi.MEMORY_USERPTR:
            self.written[int(buffer.index)] = int(buffer.m.userptr)
            ctypes.memmove(int(buffer.m.userptr), data, len(data))
        else:
            os.pwrite(int(buffer.m.fd) if self._memory == abi.MEMORY_DMABUF else self._files[buffer.index], data, 0)

    def _stride(self) -> int:
        return self._size[0] * int(self._bytes_per_pixel())  # of the first plane: chroma planes are the rest

    def _image_bytes(self) -> int:
        return int(self._size[0] * self._size[1] * self._bytes_per_pixel())

    def _bytes_per_pixel(self) -> float:
        return _BYTES_PER_PIXEL[self._code.to_bytes(4, "little").decode()]


def _need(holds: bool, number: int = errno.EINVAL) -> None:
    if not holds:
        raise OSError(number, os.strerror(number))
