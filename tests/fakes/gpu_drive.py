"""The demo drive through the whole of vision on the fake GPU: its pictures from a fake V4L2 camera, its landmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.capture import v4l2_abi as abi
from watchkeeper.capture.source import Source
from watchkeeper.capture.v4l2 import V4l2Source, parse
from watchkeeper.capture.v4l2_fake import FakeKernel
from watchkeeper.runtime.perception import Perception
from watchkeeper.types import Frame

FRAMES = 6


def tight(frame: Frame) -> bytes:
    parts = []
    for plane, stride, share in zip(frame.planes, frame.strides, (1, 2, 2), strict=True):
        rows = np.frombuffer(plane, np.uint8)[: stride * (frame.height // share)].reshape(-1, stride)
        parts.append(rows[:, : frame.width // share].tobytes())
    return b"".join(parts)


def open_camera(drive: tuple[int, int, list[bytes]], options: str) -> V4l2Source:
    width, height, pictures = drive
    kernel = FakeKernel(width, height, 30, None)
    kernel.picture = lambda number: pictures[number % FRAMES]
    wanted = parse(f"/dev/video0?format=YU12&{options}")
    assert wanted.format == abi.fourcc("YU12")
    return V4l2Source(wanted, paced=False, clock=lambda: 1 << 60, kernel=kernel)


def landmarks_of(perception: Perception, source: Source) -> list[NDArray[np.float32]]:
    found = []
    for _ in range(FRAMES):
        lease = source.next(10.0)
        assert lease is not None
        with lease:
            assert perception.process(lease.frame).face is not None
        found.append(perception._points.copy())
    return found
