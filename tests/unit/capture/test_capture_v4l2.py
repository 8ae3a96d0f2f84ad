"""The v4l2 source over the fake driver: nothing copied, addresses kept, losses counted, errors in words."""

from __future__ import annotations

import ctypes
import errno
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from watchkeeper.capture import v4l2_abi as abi
from watchkeeper.capture.source import EndOfSource, SourceLost, open_source
from watchkeeper.capture.v4l2 import Options, V4l2Source, parse
from watchkeeper.capture.v4l2_buffers import WAYS
from watchkeeper.capture.v4l2_fake import FakeKernel
from watchkeeper.errors import BadInputError
from watchkeeper.memory.buffers import address_of
from watchkeeper.preprocess import plan
from watchkeeper.preprocess.backends import open_preprocessor
from watchkeeper.preprocess.spec import OutputSpec
from watchkeeper.types import PixelFormat


def _source(kernel: FakeKernel, io: str = "mmap", code: str = "NV12", **named: Any) -> V4l2Source:
    options = Options("/dev/video0", format=abi.fourcc(code), io=io)
    return V4l2Source(options, paced=named.pop("paced", False), clock=lambda: 1 << 60, kernel=kernel, **named)


def _kernel() -> FakeKernel:
    return FakeKernel(64, 48, 25, None)


@pytest.mark.parametrize("io", sorted(WAYS))
@pytest.mark.parametrize("code", ["NV12", "YUYV", "GREY", "YU12", "UYVY", "Y10 ", "Y16 ", "XR24"])
def test_frames_are_the_drivers_buffers_and_nothing_is_copied(io: str, code: str) -> None:
    source = _source(_kernel(), io, code)
    slots = {address_of(slot.view) for slot in source.slots}
    seen = set()
    for number in range(9):
        lease = source.next(1.0)
        assert lease is not None
        with lease:
            start = address_of(lease.frame.planes[0])
            assert start in slots
            for plane in lease.frame.planes[1:]:  # the planes of one picture lie in one buffer
                assert start < address_of(plane) < start + 64 * 48 * 2
            assert int(lease.frame.planes[0][0]) == 40 + 12 * number
            seen.add(start)
    assert source.copied_bytes == 0
    assert seen == slots
    source.close()


def test_kernel_reads_the_very_bytes_the_driver_writes() -> None:
    kernel = _kernel()
    source = _source(kernel, "userptr", "GREY")
    lease = source.next(1.0)
    assert lease is not None
    spec = OutputSpec.ranged(16, 16, 0.0, 255.0, channels=1)
    out, cpu = spec.empty(), open_preprocessor("cpu")
    with lease:
        address = address_of(lease.frame.planes[0])
        assert address in kernel.written.values()  # what the driver was told is what the frame shows
        for level in (7, 200):
            ctypes.memset(address, level, 64 * 48)  # as a camera would: behind Python's back
            cpu.run(lease.frame, plan.full_frame(48, 48), spec, out)
            assert np.unique(out[0, 2:-2, 2:-2]).tolist() == [float(level)]
    source.close()


def test_gaps_bad_frames_and_late_takers_are_counted() -> None:
    kernel = _kernel()
    kernel.mark_bad = {1}
    source = _source(kernel)
    held = [source.next(1.0) for _ in range(3)]
    assert [lease.frame.seq for lease in held if lease] == [0, 2, 3]
    assert source.lost_frames == 1
    kernel._sequence += 5  # the driver had no buffer for five
    fourth = source.next(1.0)
    assert fourth is not None
    assert fourth.frame.seq == 9
    assert source.lost_frames == 6
    assert source.next(0.01) is None  # all four are out: nothing to fill
    for lease in (*held, fourth):
        assert lease is not None
        lease.release()
    source.close()


def test_every_buffer_synchronised_comes_back_synchronised() -> None:
    kernel = _kernel()
    source = _source(kernel, "dmabuf")
    for _ in range(5):
        lease = source.next(1.0)
        assert lease is not None
        lease.release()
    assert kernel.unsynced == -4  # the four first queued without having been read
    source.close()


def test_stamps_of_another_clock_are_replaced() -> None:
    kernel = _kernel()
    kernel.stamps_monotonic = False
    now = iter(range(1000, 9000, 1000))
    source = V4l2Source(Options("/dev/video0"), paced=True, clock=lambda: next(now), kernel=kernel)
    lease = source.next(1.0)
    assert lease is not None
    assert lease.frame.t_ns == 1000
    lease.release()
    source.close()


@pytest.mark.parametrize("number", [errno.ENODEV, errno.EIO])
def test_a_lost_camera_is_source_lost_and_leases_still_go_back(number: int) -> None:
    kernel = _kernel()
    source = _source(kernel)
    lease = source.next(1.0)
    assert lease is not None
    kernel.fail = number
    with pytest.raises(SourceLost, match=r"/dev/video0: (No such device|Input/output error)"):
        source.next(1.0)
    lease.release()
    source.close()
    with pytest.raises(EndOfSource):
        source.next(0.0)


def test_memory_of_a_lease_outlives_the_source() -> None:
    source = _source(_kernel(), "expbuf", "GREY")
    lease = source.next(1.0)
    assert lease is not None
    source.close()
    assert int(lease.frame.planes[0][5]) == 40
    lease.release()
    assert source.outstanding == 0


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("video0", "expected /dev/videoN"),
        ("/dev/video0?size=big", "size=big: expected"),
        ("/dev/video0?format=MJPG", "format=MJPG"),
        ("/dev/video0?io=magic", "io=magic"),
        ("/dev/video0?io=userptr&memory=moon", "memory=moon: expected"),
        ("/dev/video0?io=mmap&memory=cuda", "memory=cuda: expected io=userptr with it"),
        ("/dev/video0?colour=red", "unknown option colour"),
    ],
)
def test_bad_uris_name_the_option(argument: str, says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        parse(argument)


def test_formats_are_named_as_the_kernel_names_them() -> None:
    assert parse("/dev/video0?format=Y10").format == abi.fourcc("Y10 ")
    assert parse("/dev/video0?format=NV12&io=userptr&memory=cuda").memory == "cuda"
    assert set(abi.FORMATS.values()) == set(PixelFormat)


def test_bad_devices_are_told_in_one_line(tmp_path: Path) -> None:
    for argument, says in (
        (str(tmp_path / "video9"), r"video9: opening: No such file or directory; expected a camera's device"),
        ("/dev/null", r"/dev/null: a video device: Inappropriate ioctl for device; expected a video device"),
    ):
        with pytest.raises(BadInputError, match=says):
            open_source(f"v4l2:{argument}", paced=True)
    with pytest.raises(
        BadInputError, match=r"format: offers MJPG, YUYV, NV12, GREY, YU12, UYVY, Y10, Y16, XR24; expected one of"
    ):
        V4l2Source(Options("/dev/video0", format=abi.fourcc("RGB3")), paced=True, clock=lambda: 0, kernel=_kernel())
    with pytest.raises(BadInputError, match="size: gives 64x48"):
        V4l2Source(Options("/dev/video0", size=(640, 480)), paced=True, clock=lambda: 0, kernel=_kernel())


_C = """
#include <stdio.h>
#include <stddef.h>
#include <linux/videodev2.h>
#include <linux/dma-heap.h>
#include <linux/dma-buf.h>
#define R(n) printf("%s %lu\\n", #n, (unsigned long)(n))
int main(void) {
  R(VIDIOC_QUERYCAP); R(VIDIOC_ENUM_FMT); R(VIDIOC_G_FMT); R(VIDIOC_S_FMT); R(VIDIOC_REQBUFS); R(VIDIOC_QUERYBUF);
  R(VIDIOC_QBUF); R(VIDIOC_EXPBUF); R(VIDIOC_DQBUF); R(VIDIOC_STREAMON); R(VIDIOC_STREAMOFF); R(VIDIOC_G_PARM);
  R(VIDIOC_S_PARM); R(DMA_HEAP_IOCTL_ALLOC); R(DMA_BUF_IOCTL_SYNC);
  R(offsetof(struct v4l2_buffer, m)); R(offsetof(struct v4l2_buffer, sequence)); R(offsetof(struct v4l2_format, fmt));
  R(offsetof(struct v4l2_streamparm, parm.capture.timeperframe));
  R(V4L2_PIX_FMT_NV12); R(V4L2_PIX_FMT_YUV420); R(V4L2_PIX_FMT_YUYV); R(V4L2_PIX_FMT_UYVY); R(V4L2_PIX_FMT_GREY);
  R(V4L2_PIX_FMT_Y10); R(V4L2_PIX_FMT_Y16); R(V4L2_PIX_FMT_RGB24); R(V4L2_PIX_FMT_BGR24); R(V4L2_PIX_FMT_RGBX32);
  R(V4L2_PIX_FMT_RGBA32); R(V4L2_PIX_FMT_XBGR32); R(V4L2_PIX_FMT_ABGR32);
  return 0;
}
"""


def test_structures_are_those_of_the_kernels_headers(tmp_path: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not Path("/usr/include/linux/dma-heap.h").exists():
        pytest.skip("needs a C compiler and the kernel's headers")
    (tmp_path / "abi.c").write_text(_C)
    subprocess.run([compiler, "abi.c", "-o", "abi"], cwd=tmp_path, check=True)
    said = subprocess.run([tmp_path / "abi"], capture_output=True, text=True, check=True).stdout
    found = {name: int(value) for name, value in (line.rsplit(" ", 1) for line in said.splitlines())}
    ours = {f"VIDIOC_{name}": getattr(abi, name) for name in (
        "QUERYCAP", "ENUM_FMT", "G_FMT", "S_FMT", "REQBUFS", "QUERYBUF", "QBUF", "EXPBUF", "DQBUF", "STREAMON",
        "STREAMOFF", "G_PARM", "S_PARM")}  # fmt: skip
    ours |= {
        "DMA_HEAP_IOCTL_ALLOC": abi.HEAP_ALLOC,
        "DMA_BUF_IOCTL_SYNC": abi.DMA_BUF_SYNC,
        "offsetof(struct v4l2_buffer, m)": abi.Buffer.m.offset,
        "offsetof(struct v4l2_buffer, sequence)": abi.Buffer.sequence.offset,
        "offsetof(struct v4l2_format, fmt)": abi.Format.fmt.offset,
        "offsetof(struct v4l2_streamparm, parm.capture.timeperframe)": abi.StreamParameters.timeperframe.offset,
    }
    names = ("NV12", "YUV420", "YUYV", "UYVY", "GREY", "Y10", "Y16", "RGB24", "BGR24", "RGBX32", "RGBA32", "XBGR32",
             "ABGR32")  # fmt: skip
    ours |= {f"V4L2_PIX_FMT_{name}": code for name, code in zip(names, abi.FORMATS, strict=True)}
    assert found == ours
