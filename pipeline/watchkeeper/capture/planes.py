"""A decoded PyAV picture as a `Frame`: its own planes, unless its pixel format or orientation is not one of ours."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from watchkeeper.types import ColorMatrix, Frame, PixelFormat

_FORMATS = {
    "yuv420p": PixelFormat.I420,
    "yuvj420p": PixelFormat.I420,
    "nv12": PixelFormat.NV12,
    "gray": PixelFormat.GREY8,
    "gray10le": PixelFormat.GREY10,
    "gray16le": PixelFormat.GREY16,
    "rgb24": PixelFormat.RGB24,
    "bgr24": PixelFormat.BGR24,
    "rgba": PixelFormat.RGBA32,
    "rgb0": PixelFormat.RGBA32,
    "bgra": PixelFormat.BGRA32,
    "bgr0": PixelFormat.BGRA32,
    "yuyv422": PixelFormat.YUYV,
    "uyvy422": PixelFormat.UYVY,
}

# AVColorRange and AVColorSpace, ITU-T H.273 table 4 for the matrices.
_RANGE_FULL = 2
_MATRIX_BT709 = (1, 9, 10)  # BT.2020 has no entry of ours; BT.709 is the nearer one
_MATRIX_BT601 = (4, 5, 6, 7)
_HD_FROM_LINES = 720


def color_of(picture: av.VideoFrame) -> ColorMatrix:
    """Matrix and range as the stream states them. Unstated: BT.601 below 720 lines (shorter side), else BT.709; limited
    range unless the format itself (yuvj, grey) says full.
    """
    hd = min(picture.width, picture.height) >= _HD_FROM_LINES
    matrix = int(picture.colorspace)
    bt709 = matrix in _MATRIX_BT709 or (matrix not in _MATRIX_BT601 and hd)
    full = int(picture.color_range) == _RANGE_FULL or picture.format.name.startswith(("yuvj", "gray"))
    if bt709:
        return ColorMatrix.BT709_FULL if full else ColorMatrix.BT709_LIMITED
    return ColorMatrix.BT601_FULL if full else ColorMatrix.BT601_LIMITED


def frame_of(picture: av.VideoFrame, t_ns: int, seq: int) -> tuple[Frame, int]:
    """The frame, and how many bytes had to be copied for it: 0 when the decoder's own planes are handed on."""
    color = color_of(picture)
    turns = round(int(picture.rotation) / 90) % 4  # counterclockwise quarter turns to stand upright
    known = _FORMATS.get(picture.format.name)
    if known is None or (turns and known not in (PixelFormat.I420, PixelFormat.GREY8)):
        picture, known = picture.reformat(format="rgb24"), PixelFormat.RGB24
    elif not turns:
        planes = tuple(memoryview(plane) for plane in picture.planes)  # each keeps the decoder's buffer alive
        strides = tuple(int(plane.line_size) for plane in picture.planes)
        return Frame(t_ns, seq, picture.width, picture.height, known, color, planes, strides), 0
    pixel_bytes = 3 if known is PixelFormat.RGB24 else 1
    copies = [np.ascontiguousarray(np.rot90(_pixels(plane, pixel_bytes), turns)) for plane in picture.planes]
    height, width = copies[0].shape[:2]
    planes = tuple(memoryview(copy.data).cast("B") for copy in copies)
    strides = tuple(copy.strides[0] for copy in copies)
    return Frame(t_ns, seq, width, height, known, color, planes, strides), sum(copy.nbytes for copy in copies)


def _pixels(plane: Any, pixel_bytes: int) -> NDArray[np.uint8]:
    """A plane as rows x columns x bytes of a pixel, its row padding cut off; a view."""
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width * pixel_bytes].reshape(plane.height, plane.width, pixel_bytes)
