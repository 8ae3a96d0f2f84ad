"""The back end `cuda` over the fake GPU, which runs kernels/preprocess.cu itself: bits, copies, order of use."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import fake_gpu
import fake_launch
import numpy as np
import pytest

from watchkeeper import _kernels
from watchkeeper.errors import BadInputError, WatchkeeperError
from watchkeeper.preprocess.backends import open_preprocessor
from watchkeeper.preprocess.cpu import CpuPreprocessor
from watchkeeper.preprocess.cubin_pack import CUBIN, Image, packed
from watchkeeper.preprocess.spec import Layout, OutputSpec
from watchkeeper.types import ColorMatrix, Frame, PixelFormat, Region

WIDTH, HEIGHT = 50, 34
LAYOUT: dict[PixelFormat, tuple[tuple[int, int], ...]] = {  # bytes in a row, rows, of each plane
    PixelFormat.I420: ((WIDTH, HEIGHT), (WIDTH // 2, HEIGHT // 2), (WIDTH // 2, HEIGHT // 2)),
    PixelFormat.NV12: ((WIDTH, HEIGHT), (WIDTH, HEIGHT // 2)),
    PixelFormat.YUYV: ((2 * WIDTH, HEIGHT),),
    PixelFormat.UYVY: ((2 * WIDTH, HEIGHT),),
    PixelFormat.GREY8: ((WIDTH, HEIGHT),),
    PixelFormat.GREY10: ((2 * WIDTH, HEIGHT),),
    PixelFormat.GREY16: ((2 * WIDTH, HEIGHT),),
    PixelFormat.RGB24: ((3 * WIDTH, HEIGHT),),
    PixelFormat.BGR24: ((3 * WIDTH, HEIGHT),),
    PixelFormat.RGBA32: ((4 * WIDTH, HEIGHT),),
    PixelFormat.BGRA32: ((4 * WIDTH, HEIGHT),),
}
TURNED = Region(25, 17, 20, 24, 0.3)
SPEC = OutputSpec(33, 9)


def picture(pixel_format: PixelFormat) -> Frame:
    random = np.random.default_rng(int(pixel_format))
    planes = tuple(random.integers(0, 256, row * rows, np.uint8) for row, rows in LAYOUT[pixel_format])
    strides = tuple(row for row, _ in LAYOUT[pixel_format])
    return Frame(0, 0, WIDTH, HEIGHT, pixel_format, ColorMatrix.BT709_LIMITED, planes, strides)


@pytest.fixture
def cuda(gpu: Path) -> Any:
    return open_preprocessor("cuda")


def mapped_buffer(nbytes: int) -> Any:
    from watchkeeper.memory.cuda import CudaBuffer

    return CudaBuffer(nbytes)


@pytest.mark.parametrize("pixel_format", PixelFormat)
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_eight_turned_regions_have_the_cpus_bits(cuda: Any, pixel_format: PixelFormat, dtype: str) -> None:
    """Turned, so that the CPU does not split them into rows and columns, which rounds otherwise."""
    frame, cpu = picture(pixel_format), CpuPreprocessor(lanes="scalar")
    regions = [Region(25 + k, 17 - k, 6 + 5 * k, 24, 0.3 + k) for k in range(8)]
    for layout, channels in ((Layout.NHWC, 3), (Layout.NCHW, 3), (Layout.NHWC, 1)):
        spec = OutputSpec(33, 9, channels, layout, dtype, scale=(0.5, 0.25, 1.0), bias=(1.0, 2.0, 3.0))
        ours, theirs = [spec.empty() for _ in regions], [spec.empty() for _ in regions]
        cuda.run_many(frame, regions, spec, ours)
        cpu.run_many(frame, regions, spec, theirs)
        for mine, wanted in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(mine, wanted)


@pytest.mark.parametrize("pixel_format", PixelFormat)
def test_exposure_is_the_cpus(cuda: Any, pixel_format: PixelFormat) -> None:
    frame, cpu = picture(pixel_format), CpuPreprocessor()
    for region, step in ((None, 1), (TURNED, 2)):
        for _ in range(2):  # twice: the sums begin at 0 each time
            mine, wanted = cuda.exposure(frame, region, step), cpu.exposure(frame, region, step)
            np.testing.assert_array_equal(mine.histogram, wanted.histogram)
            assert (mine.dark, mine.saturated, mine.sharpness) == (wanted.dark, wanted.saturated, wanted.sharpness)
        np.testing.assert_array_equal(cuda.statistics(frame, region, step), cpu.statistics(frame, region, step))


def test_nothing_is_copied_between_mapped_buffers(cuda: Any) -> None:
    """One buffer of both planes, as a camera's driver fills it, and an engine's input: read and written in place."""
    from watchkeeper.memory.cuda import primary

    still = picture(PixelFormat.NV12)
    buffer = mapped_buffer(sum(plane.nbytes for plane in still.planes))
    split = still.planes[0].nbytes
    buffer.view[:split], buffer.view[split:] = still.planes[0], still.planes[1]
    frame = Frame(
        0, 0, WIDTH, HEIGHT, still.format, still.color, (buffer.view[:split], buffer.view[split:]), still.strides
    )
    out, _ = primary().mapped(SPEC.shape)
    expected = SPEC.empty()
    cuda.run(frame, TURNED, SPEC, out)
    CpuPreprocessor(lanes="scalar").run(frame, TURNED, SPEC, expected)
    np.testing.assert_array_equal(out, expected)
    assert cuda.copies.per_frame() == {}
    cuda.run(still, TURNED, SPEC, SPEC.empty())
    assert cuda.copies.total_bytes() == split + still.planes[1].nbytes + expected.nbytes


def test_any_thread_may_call(cuda: Any) -> None:
    frame, expected = picture(PixelFormat.I420), SPEC.empty()
    CpuPreprocessor(lanes="scalar").run(frame, TURNED, SPEC, expected)
    outs = [SPEC.empty() for _ in range(4)]
    threads = [threading.Thread(target=cuda.run, args=(frame, TURNED, SPEC, out)) for out in outs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for out in outs:
        np.testing.assert_array_equal(out, expected)
    with pytest.raises(fake_gpu.LogicError):  # and it left no context behind
        fake_gpu.gpu.check_current("test")


def test_after_close_it_refuses(cuda: Any) -> None:
    cuda.close()
    cuda.close()
    with pytest.raises(WatchkeeperError, match="closed"):
        cuda.run(picture(PixelFormat.GREY8), TURNED, SPEC, SPEC.empty())
    with pytest.raises(WatchkeeperError, match="closed"):
        cuda.statistics(picture(PixelFormat.GREY8), None, 1)


def test_a_buffer_that_is_gone_has_no_address(gpu: Path) -> None:
    from watchkeeper.memory.cuda import primary

    array, device = primary().mapped((64,), "uint8")
    host = int(array.__array_interface__["data"][0])
    assert primary().device_address(host + 8, 56) == device + 8
    assert primary().device_address(host + 8, 57) is None
    assert primary().device_address(host - 1, 4) is None
    del array
    assert primary().device_address(host, 64) is None


def test_what_is_wrong_with_the_pack_is_said(gpu: Path, tmp_path: Path) -> None:
    from watchkeeper.memory.cuda import CudaError
    from watchkeeper.preprocess.cuda import CudaPreprocessor

    path = tmp_path / "pack"
    with pytest.raises(BadInputError, match=r"pack: no compiled kernels"):
        CudaPreprocessor(pack=path)
    path.write_bytes(b"something else")
    with pytest.raises(BadInputError, match=r"pack: not a file of compiled kernels"):
        CudaPreprocessor(pack=path)
    path.write_bytes(packed([Image("preprocess", CUBIN, (11, 0), (13, 0), fake_launch.IMAGE)]))
    with pytest.raises(BadInputError, match=r"nothing for compute capability 8\.7 under CUDA 12\.6"):
        CudaPreprocessor(pack=path)
    path.write_bytes(packed([Image("preprocess", CUBIN, (8, 7), (12, 6), b"\x7fELF of sm_110")]))
    with pytest.raises(CudaError, match=r"cubin for 8\.7 by CUDA 12\.6: the driver refused: .*image is invalid"):
        CudaPreprocessor(pack=path)


def test_without_pycuda_or_its_driver_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("watchkeeper.preprocess.cuda", "watchkeeper.memory.cuda"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "pycuda", None)
    monkeypatch.setitem(sys.modules, "pycuda.driver", None)
    with pytest.raises(BadInputError, match=r"^preprocess: cuda cannot be loaded here .*pycuda"):
        open_preprocessor("cuda")


def test_without_a_device_one_line_says_so(gpu: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from watchkeeper.memory import cuda as memory

    def none(flags: int = 0) -> None:
        raise fake_gpu.LogicError("cuInit failed: no CUDA-capable device is detected")

    monkeypatch.setattr(memory, "_primary", None)
    monkeypatch.setattr(sys.modules["pycuda.driver"], "init", none)
    with pytest.raises(memory.CudaError, match=r"no CUDA-capable device .*expected a GPU"):
        open_preprocessor("cuda")


class TestTheFakeIsUnforgiving:
    """What a real GPU would fail at, or quietly do wrong, fails."""

    @pytest.fixture
    def parts(self, gpu: Path) -> Any:
        driver: Any = sys.modules["pycuda.driver"]
        from watchkeeper.memory.cuda import primary

        with primary().active():
            module = fake_launch.module_from_buffer(fake_launch.IMAGE)
            function = module.get_function("preprocess_2").prepare([f"{_kernels.BATCH_BYTES}s"])
            yield primary(), function.prepared_async_call, driver.Stream()

    def batch(self, plane: int, out: int, pixel_format: PixelFormat = PixelFormat.GREY8) -> bytes:
        return _kernels.preprocess_batch(
            pixel_format, 0, 4, 4, (bytes(32),), (8,), [(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)],
            [(1, 1, 1, 1, 0, 0, 0)], (np.zeros(16, np.float32),), 4, 4, 1, False, (1.0,) * 3, (0.0,) * 3, None,
            [plane], [out],
        )  # fmt: skip

    def test_context_block_stream_parameters(self, parts: Any) -> None:
        cuda, function, stream = parts
        (plane, at), (out, to) = cuda.mapped((32,), "uint8"), cuda.mapped((16,))
        batch = self.batch(at, to)
        function((1, 1, 1), (4, 4, 1), stream, batch)
        assert np.isnan(out).all()  # nobody has waited
        stream.synchronize()
        assert (out == 0).all()
        for grid, block, on, named in (
            ((1, 1, 1), (64, 32, 1), stream, "invalid argument"),
            ((0, 1, 1), (4, 4, 1), stream, "invalid argument"),
            ((1, 1, 1), (4, 4, 1), None, "default stream"),
            ((1, 1, 2), (4, 4, 1), stream, "another format|illegal"),
        ):
            with pytest.raises(fake_gpu.LogicError, match=named):
                function(grid, block, on, batch)
        with pytest.raises(fake_gpu.LogicError, match="cut to the prepared format"):
            function((1, 1, 1), (4, 4, 1), stream, batch + b"more")
        short = fake_launch.module_from_buffer(fake_launch.IMAGE).get_function("preprocess_2")
        with pytest.raises(AttributeError):
            short.prepared_async_call((1, 1, 1), (4, 4, 1), stream, batch)
        with pytest.raises(fake_gpu.LogicError, match="parameters"):
            short.prepare(["8s"]).prepared_async_call((1, 1, 1), (4, 4, 1), stream, batch[:8])
        failed: list[BaseException] = []

        def elsewhere() -> None:
            try:
                function((1, 1, 1), (4, 4, 1), stream, batch)
            except fake_gpu.LogicError as error:
                failed.append(error)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert "invalid device context" in str(failed[0])
        assert plane.nbytes == 32

    def test_addresses(self, parts: Any) -> None:
        cuda, function, stream = parts
        (plane, at), (out, to) = cuda.mapped((32,), "uint8"), cuda.mapped((16,))
        launch = (1, 1, 1), (4, 4, 1), stream
        host = int(plane.__array_interface__["data"][0])
        for bad in (self.batch(host, to), self.batch(0, to), self.batch(at, to + 4), self.batch(at + 8, to)):
            with pytest.raises(fake_gpu.LogicError, match="illegal memory access"):
                function(*launch, bad)
        with pytest.raises(fake_gpu.LogicError, match="another format"):
            function(*launch, self.batch(at, to, PixelFormat.GREY16))
        function(*launch, self.batch(at, to))
        del out
        with pytest.raises(fake_gpu.LogicError, match="illegal memory access"):
            stream.synchronize()
