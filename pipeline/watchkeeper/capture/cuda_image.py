"""jetson_utils' images by pointer: a frame over the memory that the camera's pipeline wrote, read in place.

    images = CudaImages(ColorMatrix.BT709_LIMITED, adopt=primary().adopt)     # adopt: where the GPU reads, too
    lease = images.lease(video.Capture(format="nv12", timeout=100), t_ns, seq)  # None: nothing came in time

jetson_utils (python/bindings/PyCUDA.cpp, cuda/cudaMappedMemory.h): an image is `ptr`, `size`, `width`, `height`,
`format`, `mapped`; rows are not padded; mapped memory has one address for CPU and GPU. A capture's images are ring
memory (4 buffers): give the lease back before the ring comes round. `__cuda_array_interface__` names no stream: the
image is complete when Capture returns it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, Protocol

from watchkeeper.capture.lease import FrameLease, LeaseCount
from watchkeeper.capture.v4l2_device import planes_of
from watchkeeper.errors import BadInputError
from watchkeeper.types import ColorMatrix, Frame, PixelFormat

# imageFormatToStr of jetson_utils; yv12 is i420 with its chroma planes exchanged
_FORMATS = {
    "nv12": PixelFormat.NV12,
    "i420": PixelFormat.I420,
    "yv12": PixelFormat.I420,
    "yuyv": PixelFormat.YUYV,
    "uyvy": PixelFormat.UYVY,
    "gray8": PixelFormat.GREY8,
    "rgb8": PixelFormat.RGB24,
    "bgr8": PixelFormat.BGR24,
    "rgba8": PixelFormat.RGBA32,
    "bgra8": PixelFormat.BGRA32,
}
_PIXEL_BYTES = {
    PixelFormat.YUYV: 2, PixelFormat.UYVY: 2, PixelFormat.RGB24: 3, PixelFormat.BGR24: 3, PixelFormat.RGBA32: 4,
    PixelFormat.BGRA32: 4,
}  # fmt: skip
_MOST_BUFFERS = 16  # of a ring; more means that somebody allocates an image a frame

Adopt = Callable[[int, int, Any], None]


class CudaImage(Protocol):
    """What is used of jetson_utils.cudaImage."""

    @property
    def ptr(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def format(self) -> str: ...
    @property
    def mapped(self) -> bool: ...


class CudaImages:
    """Leases on images. color: of YUV formats, which an image does not tell.

    adopt: told (address, bytes, owner) of each buffer when it is first seen (`PrimaryContext.adopt`); None where no
    kernel of ours runs on the GPU.
    """

    def __init__(self, color: ColorMatrix, *, adopt: Adopt | None = None) -> None:
        self._color, self._adopt = color, adopt
        self._leases = LeaseCount()
        self._buffers: dict[tuple[int, int], Any] = {}  # (address, bytes) -> the memory as Python sees it

    @property
    def outstanding(self) -> int:
        """Leases handed out and not yet released."""
        return self._leases.outstanding

    def lease(self, image: CudaImage | None, t_ns: int, seq: int) -> FrameLease | None:
        """The image as a frame, kept alive until the lease is released; None for none (Capture's time-out).

        Raises BadInputError for a format that is not one of ours, for memory that only the GPU has, and for an image
        smaller than it says.
        """
        if image is None:
            return None
        pixel_format = _FORMATS.get(image.format)
        if pixel_format is None:
            raise BadInputError(f"jetson_utils image: format {image.format}; expected one of {', '.join(_FORMATS)}")
        if not image.mapped:
            raise BadInputError("jetson_utils image: memory of the GPU alone; expected mapped memory (zeroCopy)")
        width, height = int(image.width), int(image.height)
        stride = width * _PIXEL_BYTES.get(pixel_format, 1)
        view = memoryview(self._buffer(int(image.ptr), int(image.size))).cast("B")
        planes, strides = planes_of(view, pixel_format, width, height, stride)
        if image.size < sum(s * height // (2 if i else 1) for i, s in enumerate(strides)):
            raise BadInputError(f"jetson_utils image: {image.size} bytes; expected {width}x{height} in {image.format}")
        if image.format == "yv12":
            planes = (planes[0], planes[2], planes[1])
        frame = Frame(t_ns, seq, width, height, pixel_format, self._color, planes, strides)
        kept = [image]  # the image may own its memory
        return self._leases.lend(frame, kept.clear)

    def close(self) -> None:
        """Forget the buffers: call it once the camera is closed and every lease is back."""
        self._buffers.clear()

    def _buffer(self, address: int, nbytes: int) -> Any:
        buffer = self._buffers.get((address, nbytes))
        if buffer is None:
            if address == 0 or nbytes == 0:
                raise BadInputError("jetson_utils image: no memory; expected a captured image")
            while len(self._buffers) >= _MOST_BUFFERS:
                self._buffers.pop(next(iter(self._buffers)))
            buffer = self._buffers[address, nbytes] = (ctypes.c_ubyte * nbytes).from_address(address)
            if self._adopt is not None:
                self._adopt(address, nbytes, buffer)
        return buffer
