"""jetson_utils as far as its images are used: a ring of mapped buffers with one address for CPU and (fake) GPU.

After python/bindings/PyCUDA.cpp, PyVideo.cpp and cuda/cudaMappedMemory.h. Rules kept: the ring has 4 buffers and comes
round; an image's attributes cannot be written; memory that is not mapped cannot be read by the CPU; once the source is
closed its memory is gone. Limits: pictures are what `picture` gives.
"""

from __future__ import annotations

import mmap
import weakref
from collections.abc import Callable
from typing import Any

import fake_gpu
import numpy as np

RING = 4
_BITS = {"nv12": 12, "i420": 12, "yv12": 12, "yuyv": 16, "uyvy": 16, "gray8": 8, "rgb8": 24, "bgr8": 24, "rgba8": 32,
         "bgra8": 32, "rgb32f": 96}  # fmt: skip


class cudaImage:
    """Read-only, as the C object is."""

    __slots__ = ("_held", "format", "height", "mapped", "ptr", "size", "timestamp", "width")
    ptr: int
    size: int
    width: int
    height: int
    format: str
    timestamp: int
    mapped: bool

    def __init__(self, held: Any, width: int, height: int, fmt: str, timestamp: int, mapped: bool) -> None:
        values = {
            "_held": held, "ptr": int(held.__array_interface__["data"][0]), "width": width, "height": height,
            "format": fmt, "size": width * height * _BITS[fmt] // 8, "timestamp": timestamp, "mapped": mapped,
        }  # fmt: skip
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"attribute {name!r} of 'cudaImage' objects is not writable")


class videoSource:
    """`Capture` gives the next picture in the ring, None when `stalled`."""

    def __init__(self, size: tuple[int, int], picture: Callable[[int], bytes], mapped: bool = True) -> None:
        self._size, self._picture, self._mapped = size, picture, mapped
        self._ring: list[Any] = []
        self._number = 0
        self._buffers = RING
        self.stalled = False

    def stamp_ns(self, number: int) -> int:
        """Since the pipeline started."""
        return 1000 * number

    def Capture(self, format: str = "rgb8", timeout: int = 1000) -> cudaImage | None:  # noqa: A002  (jetson_utils')
        if self.stalled:
            return None
        width, height = self._size
        nbytes = width * height * _BITS[format] // 8
        if not self._ring:
            for _ in range(self._buffers):
                buffer = np.frombuffer(mmap.mmap(-1, nbytes), np.uint8)
                fake_gpu.gpu.memory[int(buffer.__array_interface__["data"][0])] = weakref.ref(buffer)
                self._ring.append(buffer)
        buffer = self._ring[self._number % self._buffers]
        buffer[...] = np.frombuffer(self._picture(self._number), np.uint8)
        image = cudaImage(buffer, width, height, format, self.stamp_ns(self._number), self._mapped)
        self._number += 1
        return image

    def Close(self) -> None:
        self._ring.clear()
