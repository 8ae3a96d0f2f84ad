"""The part of Linux's video capture interface that is used: structures, request numbers, flags.

From linux/videodev2.h, linux/dma-heap.h and linux/dma-buf.h (kernel 5.6 and later), 64-bit layout. Checked by a test
against the sizes the kernel's headers give.
"""

from __future__ import annotations

import ctypes
from ctypes import c_char, c_int, c_int32, c_long, c_uint8, c_uint32, c_uint64, c_ulong

from watchkeeper.types import PixelFormat

CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
MEMORY_MMAP, MEMORY_USERPTR, MEMORY_DMABUF = 1, 2, 4
FIELD_NONE = 1
CAP_VIDEO_CAPTURE, CAP_STREAMING, CAP_DEVICE_CAPS = 0x1, 0x04000000, 0x80000000
BUF_FLAG_ERROR = 0x40
TIMESTAMP_MASK, TIMESTAMP_MONOTONIC = 0xE000, 0x2000
COLORSPACE_REC709, COLORSPACE_SRGB = 3, 8
QUANTIZATION_FULL, QUANTIZATION_LIMITED = 1, 2
YCBCR_601, YCBCR_709 = 1, 2


def fourcc(code: str) -> int:
    """Four letters as the kernel's number."""
    return int.from_bytes(code.encode("ascii"), "little")


# In order of preference: NV12 is what sensors' pipelines and hardware decoders give, YUYV and GREY are USB cameras',
# the wider greys raw infrared sensors'. Codes: Linux userspace-api/media/v4l/pixfmt.rst (X: a byte that is not read).
FORMATS = {
    fourcc("NV12"): PixelFormat.NV12,
    fourcc("YU12"): PixelFormat.I420,
    fourcc("YUYV"): PixelFormat.YUYV,
    fourcc("UYVY"): PixelFormat.UYVY,
    fourcc("GREY"): PixelFormat.GREY8,
    fourcc("Y10 "): PixelFormat.GREY10,
    fourcc("Y16 "): PixelFormat.GREY16,
    fourcc("RGB3"): PixelFormat.RGB24,
    fourcc("BGR3"): PixelFormat.BGR24,
    fourcc("XB24"): PixelFormat.RGBA32,
    fourcc("AB24"): PixelFormat.RGBA32,
    fourcc("XR24"): PixelFormat.BGRA32,
    fourcc("AR24"): PixelFormat.BGRA32,
}


class Capability(ctypes.Structure):
    _fields_ = [
        ("driver", c_char * 16), ("card", c_char * 32), ("bus_info", c_char * 32), ("version", c_uint32),
        ("capabilities", c_uint32), ("device_caps", c_uint32), ("reserved", c_uint32 * 3),
    ]  # fmt: skip


class PixFormat(ctypes.Structure):
    _fields_ = [
        ("width", c_uint32), ("height", c_uint32), ("pixelformat", c_uint32), ("field", c_uint32),
        ("bytesperline", c_uint32), ("sizeimage", c_uint32), ("colorspace", c_uint32), ("priv", c_uint32),
        ("flags", c_uint32), ("ycbcr_enc", c_uint32), ("quantization", c_uint32), ("xfer_func", c_uint32),
    ]  # fmt: skip


class _FormatUnion(ctypes.Union):
    _fields_ = [("pix", PixFormat), ("raw_data", c_uint8 * 200), ("_align", c_ulong)]


class Format(ctypes.Structure):
    _fields_ = [("type", c_uint32), ("fmt", _FormatUnion)]


class FormatDescription(ctypes.Structure):
    _fields_ = [
        ("index", c_uint32), ("type", c_uint32), ("flags", c_uint32), ("description", c_uint8 * 32),
        ("pixelformat", c_uint32), ("mbus_code", c_uint32), ("reserved", c_uint32 * 3),
    ]  # fmt: skip


class Fraction(ctypes.Structure):
    _fields_ = [("numerator", c_uint32), ("denominator", c_uint32)]


class StreamParameters(ctypes.Structure):
    """v4l2_streamparm with its capture member."""

    _fields_ = [
        ("type", c_uint32), ("capability", c_uint32), ("capturemode", c_uint32), ("timeperframe", Fraction),
        ("extendedmode", c_uint32), ("readbuffers", c_uint32), ("_rest", c_uint8 * 176),
    ]  # fmt: skip


class RequestBuffers(ctypes.Structure):
    _fields_ = [
        ("count", c_uint32), ("type", c_uint32), ("memory", c_uint32), ("capabilities", c_uint32),
        ("flags", c_uint8), ("reserved", c_uint8 * 3),
    ]  # fmt: skip


class _TimeVal(ctypes.Structure):
    _fields_ = [("tv_sec", c_long), ("tv_usec", c_long)]


class _TimeCode(ctypes.Structure):
    _fields_ = [("type", c_uint32), ("flags", c_uint32), ("bytes", c_uint8 * 8)]


class _BufferUnion(ctypes.Union):
    _fields_ = [("offset", c_uint32), ("userptr", c_ulong), ("fd", c_int32)]


class Buffer(ctypes.Structure):
    _fields_ = [
        ("index", c_uint32), ("type", c_uint32), ("bytesused", c_uint32), ("flags", c_uint32), ("field", c_uint32),
        ("timestamp", _TimeVal), ("timecode", _TimeCode), ("sequence", c_uint32), ("memory", c_uint32),
        ("m", _BufferUnion), ("length", c_uint32), ("reserved2", c_uint32), ("request_fd", c_int32),
    ]  # fmt: skip


class ExportBuffer(ctypes.Structure):
    _fields_ = [
        ("type", c_uint32), ("index", c_uint32), ("plane", c_uint32), ("flags", c_uint32), ("fd", c_int32),
        ("reserved", c_uint32 * 11),
    ]  # fmt: skip


class HeapAllocation(ctypes.Structure):
    """dma_heap_allocation_data."""

    _fields_ = [("len", c_uint64), ("fd", c_uint32), ("fd_flags", c_uint32), ("heap_flags", c_uint64)]


def _request(direction: int, group: str, number: int, size: int) -> int:
    """_IOC of asm-generic/ioctl.h: direction 1 writes to the kernel, 2 reads from it."""
    return direction << 30 | size << 16 | ord(group) << 8 | number


QUERYCAP = _request(2, "V", 0, ctypes.sizeof(Capability))
ENUM_FMT = _request(3, "V", 2, ctypes.sizeof(FormatDescription))
G_FMT = _request(3, "V", 4, ctypes.sizeof(Format))
S_FMT = _request(3, "V", 5, ctypes.sizeof(Format))
REQBUFS = _request(3, "V", 8, ctypes.sizeof(RequestBuffers))
QUERYBUF = _request(3, "V", 9, ctypes.sizeof(Buffer))
QBUF = _request(3, "V", 15, ctypes.sizeof(Buffer))
EXPBUF = _request(3, "V", 16, ctypes.sizeof(ExportBuffer))
DQBUF = _request(3, "V", 17, ctypes.sizeof(Buffer))
STREAMON = _request(1, "V", 18, ctypes.sizeof(c_int))
STREAMOFF = _request(1, "V", 19, ctypes.sizeof(c_int))
G_PARM = _request(3, "V", 21, ctypes.sizeof(StreamParameters))
S_PARM = _request(3, "V", 22, ctypes.sizeof(StreamParameters))
HEAP_ALLOC = _request(3, "H", 0, ctypes.sizeof(HeapAllocation))
DMA_BUF_SYNC = _request(1, "b", 0, ctypes.sizeof(c_uint64))
SYNC_READ_START, SYNC_READ_END = 1 | 0 << 2, 1 | 1 << 2
SYNC_WRITE_START, SYNC_WRITE_END = 2 | 0 << 2, 2 | 1 << 2
