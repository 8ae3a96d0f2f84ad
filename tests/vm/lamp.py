"""A clip of a lamp, and a program that feeds a clip to a v4l2loopback camera as a real one delivers it.

lamp.py CLIP.mkv             makes the clip: lit, dark (Microsleep, then Sleep), lit, dark (Microsleep), lit
lamp.py CLIP.mkv /dev/video9 FORMAT GO    writes it there, each picture when it is due, lossless; its first picture
                             until the file GO is there, and its last one until it is ended
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from watchkeeper.capture import v4l2_abi as abi

FPS = 15
SIZE = (320, 240)
LIT_AND_DARK_S = ((2.0, 4.5), (2.5, 1.5), (2.5, 0.0))
_LIT, _DARK = 200, 40
_OUTPUT = 2  # V4L2_BUF_TYPE_VIDEO_OUTPUT
_FORMATS = {"YUYV": "yuyv422", "NV12": "nv12"}


def make(path: Path) -> None:
    """Lossless, grey, with a little structure so that no two pictures are the same."""
    with av.open(str(path), "w", format="matroska") as film:
        stream = film.add_stream("ffv1", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        number = 0
        for lit_s, dark_s in LIT_AND_DARK_S:
            for level, seconds in ((_LIT, lit_s), (_DARK, dark_s)):
                for _ in range(round(seconds * FPS)):
                    picture = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
                    picture[: SIZE[1]] = level
                    picture[number % SIZE[1]] = level + 20
                    film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
                    number += 1
        film.mux(stream.encode(None))


def pictures(path: Path, code: str) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """(seconds, bytes of the picture in FORMAT) of a clip. YUYV and NV12 hold every sample of 4:2:0."""
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            yield float(frame.time or 0.0), packed(frame, code)


def packed(frame: av.VideoFrame, code: str) -> NDArray[np.uint8]:
    """A 4:2:0 picture's samples in another order; chroma lines doubled for YUYV. No scaler touches a value."""
    w, h = frame.width, frame.height
    planes = [np.frombuffer(memoryview(p), np.uint8).reshape(p.height, p.line_size)[:, : p.width] for p in frame.planes]
    y, u, v = planes
    if code == "NV12":
        return np.concatenate([y.reshape(-1), np.stack([u, v], axis=-1).reshape(-1)])
    out = np.empty((h, w // 2, 4), np.uint8)
    out[:, :, 0], out[:, :, 2] = y[:, 0::2], y[:, 1::2]
    out[:, :, 1], out[:, :, 3] = np.repeat(u, 2, axis=0), np.repeat(v, 2, axis=0)
    return out.reshape(-1)


def open_output(device: str, code: str, width: int, height: int) -> int:
    """The device's writing end, set to the format. Raises OSError."""
    fd = os.open(device, os.O_WRONLY)
    wanted = abi.Format(type=_OUTPUT)
    pix = wanted.fmt.pix
    pix.width, pix.height, pix.field = width, height, 1
    pix.pixelformat = int.from_bytes(code.encode(), "little")
    pix.bytesperline = width * 2 if code == "YUYV" else width
    pix.sizeimage = width * height * 2 if code == "YUYV" else width * height * 3 // 2
    fcntl.ioctl(fd, abi.S_FMT, wanted)
    return fd


def feed(path: Path, device: str, code: str, go: Path) -> None:
    """In real time. Pictures that wait are changed a little: the same one again and again would be a frozen camera."""
    fd = open_output(device, code, *SIZE)
    clip = list(pictures(path, code))
    start, number, begun_s = time.monotonic(), 0, None
    while True:
        time.sleep(max(0.0, start + number / FPS - time.monotonic()))
        if begun_s is None and go.exists():
            begun_s = number / FPS
        place = -1 if begun_s is None else round((number / FPS - begun_s) * FPS)
        if 0 <= place < len(clip):
            picture = clip[place][1]
        else:
            picture = clip[0 if place < 0 else -1][1].copy()
            picture[: SIZE[0]] = 200 + number % 40
        os.write(fd, picture.tobytes())
        number += 1


if __name__ == "__main__":
    if len(sys.argv) == 2:
        make(Path(sys.argv[1]))
    else:
        feed(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]))
