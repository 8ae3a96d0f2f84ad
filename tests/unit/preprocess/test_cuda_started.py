"""Crops that the back end `cuda` starts and the CPU does not wait for: who reads them does, on the device."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import fake_gpu
import numpy as np
import pytest

from watchkeeper.preprocess.backends import open_preprocessor
from watchkeeper.preprocess.cpu import CpuPreprocessor
from watchkeeper.preprocess.spec import OutputSpec
from watchkeeper.types import ColorMatrix, Frame, PixelFormat, Region

TURNED = Region(25, 17, 20, 24, 0.3)
SPEC = OutputSpec(33, 9)


@pytest.fixture
def cuda(gpu: Path) -> Any:
    return open_preprocessor("cuda")


def picture() -> Frame:
    random = np.random.default_rng(1)
    planes = (random.integers(0, 256, 50 * 34, np.uint8), random.integers(0, 256, 50 * 17, np.uint8))
    return Frame(0, 0, 50, 34, PixelFormat.NV12, ColorMatrix.BT709_LIMITED, planes, (50, 50))


def test_a_started_crop_is_waited_for_by_the_stream_that_reads_it(cuda: Any) -> None:
    from watchkeeper.memory.cuda import primary

    driver: Any = sys.modules["pycuda.driver"]
    frame, expected = picture(), SPEC.empty()
    CpuPreprocessor(lanes="scalar").run(frame, TURNED, SPEC, expected)
    out, address = primary().mapped(SPEC.shape)
    with primary().active():
        reader = driver.Stream()
        cuda.start_many(frame, (TURNED,), SPEC, (out,))
        assert np.isnan(out).all()  # this thread did not wait
        with pytest.raises(fake_gpu.LogicError, match="read before it was written"):
            fake_gpu.gpu.check_written(address + 8, 4)
        primary().wait_on_device(reader, address + out.nbytes, 4)  # of other bytes it knows nothing
        reader.synchronize()
        assert np.isnan(out).all()
        primary().wait_on_device(reader, address + 8, 4)
        assert np.isnan(out).all()
        reader.synchronize()
        fake_gpu.gpu.check_written(address, out.nbytes)
    np.testing.assert_array_equal(out, expected)


def test_a_started_crop_outside_mapped_memory_is_waited_for_and_copied(cuda: Any) -> None:
    frame, expected, out = picture(), SPEC.empty(), SPEC.empty()
    CpuPreprocessor(lanes="scalar").run(frame, TURNED, SPEC, expected)
    cuda.start_many(frame, (TURNED,), SPEC, (out,))
    np.testing.assert_array_equal(out, expected)
    assert cuda.copies.by_place()["download"] == expected.nbytes


def test_an_upload_waits_for_the_launch_that_reads_the_one_before(cuda: Any) -> None:
    from watchkeeper.memory.cuda import primary

    one = picture()
    other = dataclasses.replace(one, seq=1, planes=tuple(255 - plane for plane in one.planes))
    outs = [primary().mapped(SPEC.shape)[0] for _ in range(2)]
    for frame, out in zip((one, other), outs, strict=True):
        cuda.start_many(frame, (TURNED,), SPEC, (out,))
    cuda.statistics(other, None, 4)  # waits for all
    for frame, out in zip((one, other), outs, strict=True):
        expected = SPEC.empty()
        CpuPreprocessor(lanes="scalar").run(frame, TURNED, SPEC, expected)
        np.testing.assert_array_equal(out, expected)


def test_closing_waits_for_what_was_started(cuda: Any) -> None:
    from watchkeeper.memory.cuda import primary

    out, _ = primary().mapped(SPEC.shape)
    cuda.start_many(picture(), (TURNED,), SPEC, (out,))
    started = cuda._started
    cuda.close()
    assert not np.isnan(out).any()
    assert all(event is not started for _, _, event in primary()._unfinished)
