"""Buffers of picamera2's requests and of jetson_utils' images: read in place, by address, from driver to kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fake_gpu
import fake_launch
import numpy as np
import pytest
from fake_jetson_utils import RING, cudaImage, videoSource
from fake_picamera2 import GIVEN_BACK, MappedArray, Picamera2
from install import installed

from watchkeeper.capture.cuda_image import CudaImages
from watchkeeper.capture.request_frames import RequestSource
from watchkeeper.capture.source import EndOfSource, SourceInfo, SourceLost
from watchkeeper.clock import now_ns
from watchkeeper.errors import BadInputError
from watchkeeper.memory.buffers import address_of
from watchkeeper.preprocess.backends import open_preprocessor
from watchkeeper.preprocess.cubin_pack import CUBIN, Image, packed
from watchkeeper.preprocess.spec import OutputSpec
from watchkeeper.runtime.copies import bytes_per_frame
from watchkeeper.types import ColorMatrix, Frame, PixelFormat, Region

WIDTH, HEIGHT, STRIDE = 60, 48, 64
NBYTES = STRIDE * HEIGHT * 3 // 2
SPEC = OutputSpec.ranged(16, 16, 0.0, 255.0, channels=1)
MIDDLE = Region(WIDTH / 2, HEIGHT / 2, 32, 32)
COLOR = ColorMatrix.BT601_FULL


def _picture(number: int) -> bytes:
    return bytes([40 + 12 * number]) * NBYTES


def _seen(frame: Frame) -> float:
    """The grey level our CPU kernel reads out of the middle of the frame."""
    out = SPEC.empty()
    open_preprocessor("cpu").run(frame, MIDDLE, SPEC, out)
    assert out.min() == out.max()
    return float(out.max())


@pytest.fixture
def camera() -> Picamera2:
    return Picamera2((WIDTH, HEIGHT), STRIDE, "YUV420", NBYTES, _picture)


@pytest.fixture
def source(camera: Picamera2) -> Iterator[RequestSource]:
    info = SourceInfo("fake", WIDTH, HEIGHT, None)
    source = RequestSource(camera, MappedArray, "lores", COLOR, clock=now_ns, info=info)
    yield source
    source.close()


class TestPicamera2Requests:
    def test_the_kernel_reads_the_very_bytes_the_driver_writes(self, camera: Picamera2, source: RequestSource) -> None:
        seen = set()
        for number in range(9):
            lease = source.next(1.0)
            assert lease is not None
            with lease:
                frame = lease.frame
                assert (frame.format, frame.strides, frame.seq) == (PixelFormat.I420, (64, 32, 32), number)
                (buffer,) = (b for b in camera.buffers if b.address == address_of(frame.planes[0]))
                starts = [address_of(plane) - buffer.address for plane in frame.planes]
                assert starts == [0, STRIDE * HEIGHT, STRIDE * HEIGHT * 5 // 4]
                assert _seen(frame) == 40 + 12 * number
                buffer.write(bytes([7]) * NBYTES)  # from the driver's side, while the lease is held
                assert _seen(frame) == 7
                assert buffer.syncing == 1
                assert now_ns() - 60_000_000_000 < frame.t_ns <= now_ns()
                seen.add(buffer.address)
            assert buffer.syncing == 0
            assert buffer.memory[0] == GIVEN_BACK
        assert seen == {buffer.address for buffer in camera.buffers}
        copies = open_preprocessor("cpu").copies
        assert bytes_per_frame(source.copied_bytes, copies, 9) == {"decode": 0.0, "upload": 0.0, "download": 0.0}

    def test_a_camera_without_a_free_buffer_is_a_time_out_not_a_wait_for_ever(
        self, camera: Picamera2, source: RequestSource
    ) -> None:
        held = [source.next(1.0) for _ in camera.buffers]
        assert source.outstanding == 4
        assert source.next(0.01) is None
        assert source.next(0.01) is None
        for lease in held:
            assert lease is not None
            lease.release()
            lease.release()
        lease = source.next(1.0)
        assert lease is not None
        assert lease.frame.seq == 4
        lease.release()

    def test_close_waits_with_the_camera_until_the_last_request_is_back(self, camera: Picamera2) -> None:
        info = SourceInfo("fake", WIDTH, HEIGHT, None)
        source = RequestSource(camera, MappedArray, "lores", COLOR, clock=now_ns, info=info)
        lease = source.next(1.0)
        assert lease is not None
        source.close()
        source.close()
        assert (camera.started, camera.closed) == (False, False)
        assert _seen(lease.frame) == 40
        with pytest.raises(EndOfSource):
            source.next(1.0)
        lease.release()
        assert camera.closed
        assert source.outstanding == 0

    def test_what_is_wrong_is_told_and_the_request_goes_back(self, camera: Picamera2, source: RequestSource) -> None:
        camera.camera_config["lores"]["format"] = "MJPEG"
        with pytest.raises(BadInputError, match="format MJPEG; expected one of YUV420"):
            source.next(1.0)
        assert len(camera.free) == 4
        camera.broken = "Camera frontend has timed out!"
        with pytest.raises(SourceLost, match="fake: Camera frontend has timed out!"):
            source.next(1.0)


@pytest.fixture
def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    pack = tmp_path / "kernels" / "preprocess.cubins"
    pack.parent.mkdir()
    pack.write_bytes(packed([Image("preprocess", CUBIN, (8, 7), (12, 6), fake_launch.IMAGE)]))
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(tmp_path))
    with installed():
        yield


def _tight(number: int) -> bytes:
    return bytes([40 + 12 * number]) * (WIDTH * HEIGHT * 3 // 2)


class TestJetsonImages:
    def test_both_kernels_read_the_ring_by_pointer(self, gpu: None) -> None:
        from watchkeeper.memory.cuda import primary

        video, images = videoSource((WIDTH, HEIGHT), _tight), CudaImages(COLOR, adopt=primary().adopt)
        cuda, (out, _) = open_preprocessor("cuda"), primary().mapped(SPEC.shape)
        pointers = set()
        for number in range(2 * RING):
            image = video.Capture(format="nv12", timeout=100)
            assert image is not None
            lease = images.lease(image, number, number)
            assert lease is not None
            with lease:
                frame = lease.frame
                assert (frame.format, frame.strides) == (PixelFormat.NV12, (WIDTH, WIDTH))
                assert [address_of(p) for p in frame.planes] == [image.ptr, image.ptr + WIDTH * HEIGHT]
                assert _seen(frame) == 40 + 12 * number
                cuda.run(frame, MIDDLE, SPEC, out)
                assert np.unique(out).tolist() == [40.0 + 12 * number]
                ctypes.memset(image.ptr, 9, WIDTH * HEIGHT)  # behind Python's back
                assert _seen(frame) == 9
            pointers.add(image.ptr)
        assert len(pointers) == RING
        assert pointers <= fake_gpu.gpu.read
        assert cuda.copies.per_frame() == {}
        assert bytes_per_frame(0, cuda.copies, 2 * RING) == {"decode": 0.0, "upload": 0.0, "download": 0.0}
        cuda.close()

    def test_addresses_are_forgotten_with_the_camera(self, gpu: None) -> None:
        from watchkeeper.memory.cuda import primary

        video, images = videoSource((WIDTH, HEIGHT), _tight), CudaImages(COLOR, adopt=primary().adopt)
        image = video.Capture(format="i420")
        lease = images.lease(image, 0, 0)
        assert image is not None
        assert lease is not None
        assert primary().device_address(image.ptr, image.size) == image.ptr
        lease.release()
        images.close()
        video.Close()
        assert primary().device_address(image.ptr, image.size) is None

    def test_none_is_a_time_out(self) -> None:
        video, images = videoSource((WIDTH, HEIGHT), _tight), CudaImages(COLOR)
        video.stalled = True
        assert images.lease(video.Capture(), 0, 0) is None
        assert images.outstanding == 0

    @pytest.mark.parametrize(
        "name", ["nv12", "i420", "yv12", "yuyv", "uyvy", "gray8", "rgb8", "bgr8", "rgba8", "bgra8"]
    )
    def test_every_layout_is_placed(self, name: str) -> None:
        def counted(number: int) -> bytes:
            return (np.arange(WIDTH * HEIGHT * 4) % 251).astype(np.uint8).tobytes()[: video_bytes[name]]

        video_bytes = {"nv12": 4320, "i420": 4320, "yv12": 4320, "yuyv": 5760, "uyvy": 5760, "gray8": 2880,
                       "rgb8": 8640, "bgr8": 8640, "rgba8": 11520, "bgra8": 11520}  # fmt: skip
        video, images = videoSource((WIDTH, HEIGHT), counted), CudaImages(COLOR)
        image = video.Capture(format=name)
        lease = images.lease(image, 0, 0)
        assert lease is not None
        assert image is not None
        starts = [address_of(plane) - image.ptr for plane in lease.frame.planes]
        expected = {"nv12": [0, 2880], "i420": [0, 2880, 3600], "yv12": [0, 3600, 2880]}.get(name, [0])
        assert starts == expected
        assert sum(len(plane) for plane in lease.frame.planes) == image.size
        assert images.outstanding == 1
        lease.release()

    def test_what_cannot_be_used_is_told(self) -> None:
        images = CudaImages(COLOR)

        def image(fmt: str, mapped: bool = True) -> Any:
            return cudaImage(np.zeros(WIDTH * HEIGHT * 12, np.uint8), WIDTH, HEIGHT, fmt, 0, mapped)

        with pytest.raises(BadInputError, match="format rgb32f; expected one of nv12"):
            images.lease(image("rgb32f"), 0, 0)
        with pytest.raises(BadInputError, match="memory of the GPU alone; expected mapped memory"):
            images.lease(image("nv12", mapped=False), 0, 0)
        short = image("nv12")
        object.__setattr__(short, "size", 100)
        with pytest.raises(BadInputError, match="100 bytes; expected 60x48 in nv12"):
            images.lease(short, 0, 0)
