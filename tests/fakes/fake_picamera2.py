"""picamera2 as far as RequestSource uses it: requests over buffers that a driver writes from its own side.

After picamera2/request.py, picamera2.py, job.py and allocators/dmaallocator.py. Rules kept: a buffer is filled only
while no request holds it; what a request gave back is overwritten; releasing once too often, and synchronising a
buffer whose descriptor is closed, are errors; mapped memory that is still looked at cannot be closed. Limits: one
stream, no controls; memory files stand for dmabufs, caches are always coherent (`syncing` counts the brackets).
"""

from __future__ import annotations

import concurrent.futures
import mmap
import os
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np

from watchkeeper.memory.buffers import address_of

GIVEN_BACK = 0xEE


class Buffer:
    """One dmabuf: `fd` is the driver's side, `memory` the program's mapping."""

    def __init__(self, nbytes: int) -> None:
        self.fd = os.memfd_create("dmabuf")
        os.ftruncate(self.fd, nbytes)
        self.memory = mmap.mmap(self.fd, nbytes, mmap.MAP_SHARED)
        self.address = address_of(memoryview(self.memory))
        self.syncing = 0

    def write(self, data: bytes) -> None:
        """What the camera does: through the descriptor, never through the mapping."""
        os.pwrite(self.fd, data, 0)


class Job:
    """picamera2.job.Job."""

    def __init__(self) -> None:
        self.done: CompletedRequest | None = None


class Picamera2:
    """A started camera. picture: running number -> bytes; fps: of the stamps. held: frames that find no free buffer."""

    def __init__(
        self, size: tuple[int, int], stride: int, fmt: str, nbytes: int, picture: Callable[[int], bytes],
        buffer_count: int = 4,
    ) -> None:  # fmt: skip
        self.camera_config = {"lores": {"format": fmt, "size": size, "stride": stride, "framesize": nbytes}}
        self.buffers = [Buffer(nbytes) for _ in range(buffer_count)]
        self.free = deque(self.buffers)
        self.picture = picture
        self.number = 0
        self.started, self.closed = True, False
        self.broken: str | None = None
        self.stalled = False

    def capture_request(self, wait: bool | float | None = None, signal_function: Any = None) -> Any:
        if wait is not False:
            raise AssertionError("this call may never return: expected wait=False and a bounded wait")
        if self.broken:
            raise RuntimeError(self.broken)
        return Job()

    def wait(self, job: Job, timeout: float | None = None) -> CompletedRequest:
        if timeout is None:
            raise AssertionError("this call may never return: expected a timeout")
        if self.stalled or not self.free or not self.started:
            time.sleep(min(timeout, 0.01))
            raise concurrent.futures.TimeoutError
        if job.done is None:
            buffer = self.free.popleft()
            buffer.write(self.picture(self.number))
            job.done = CompletedRequest(self, buffer, self.number)
            self.number += 1
        return job.done

    def stop(self) -> None:
        self.started = False

    def close(self) -> None:
        self.closed = True
        for buffer in self.buffers:
            os.close(buffer.fd)
            buffer.fd = -1
            buffer.memory.close()  # BufferError while somebody looks at it


class CompletedRequest:
    """picamera2.request.CompletedRequest."""

    def __init__(self, picam2: Picamera2, buffer: Buffer, number: int) -> None:
        self.picam2, self.ref_count = picam2, 1
        self.config: Any = dict(picam2.camera_config)
        self.buffer: Buffer | None = buffer
        self._number = number

    def get_metadata(self) -> dict[str, Any]:
        return {"SensorTimestamp": time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 1_000_000, "FrameNumber": self._number}

    def release(self) -> None:
        self.ref_count -= 1
        if self.ref_count < 0 or self.buffer is None:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        if self.buffer.syncing:
            raise AssertionError("the request went back while its buffer was still mapped for reading")
        self.buffer.write(bytes([GIVEN_BACK]) * len(self.buffer.memory))
        if self.picam2.started:
            self.picam2.free.append(self.buffer)
        self.buffer = self.config = None


class MappedArray:
    """picamera2.MappedArray."""

    def __init__(self, request: CompletedRequest, stream: str, reshape: bool = True, write: bool = True) -> None:
        if reshape or write:
            raise AssertionError("this fake maps flat and for reading only")
        assert request.buffer is not None
        assert stream in request.config
        self._buffer = request.buffer
        self.array: Any = None

    def __enter__(self) -> MappedArray:
        os.fstat(self._buffer.fd)  # DMA_BUF_IOCTL_SYNC needs the descriptor
        self._buffer.syncing += 1
        self.array = np.frombuffer(self._buffer.memory, np.uint8)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        os.fstat(self._buffer.fd)
        self.array = None
        self._buffer.syncing -= 1
