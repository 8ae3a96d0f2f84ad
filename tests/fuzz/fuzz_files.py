"""Fuzz targets: files that somebody else wrote. Each takes any bytes; what it must not do is raise another's error."""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import av

from watchkeeper.board import read_board
from watchkeeper.capture.source import SourceLost
from watchkeeper.capture.video_file import VideoFile
from watchkeeper.commands.vehicle import compile_mapping
from watchkeeper.errors import BadInputError
from watchkeeper.inference import tensorrt_cache
from watchkeeper.inference.tensorrt_cache import EngineKey
from watchkeeper.measurement_trace.reader import read_trace
from watchkeeper.supervisor.vehicle_file import read_vehicle_file

ROOT = Path(__file__).resolve().parents[2]
_PICTURES = 12
SPLIT = b"\n---8<---\n"
"""Between the mapping and the DBC of one input."""
KEY = EngineKey("ab" * 32, "10.3.0", "12060", "8.7", 8, "# R36 (release), REVISION: 4.3", "fp16,dla=none")


def _in_memory() -> Path | None:
    """A folder without a disk behind it, None where there is none."""
    place = Path("/dev/shm")
    return place if os.access(place, os.W_OK) else None


@functools.cache
def _folder() -> Path:
    """In memory, this process's own, gone with it; below the session's, which removes it, as a fuzzer that ends runs no
    clean-up of ours."""
    made = Path(
        tempfile.mkdtemp(prefix="fuzz-scratch-", dir=os.environ.get("WATCHKEEPER_FUZZ_SCRATCH") or _in_memory())
    )
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


def trace(data: bytes) -> None:
    """A measurement trace, line by line."""
    with contextlib.suppress(BadInputError):
        for measurement, _vehicle in read_trace(_file("input.jsonl", data)):
            assert measurement.t_ns >= 0


def board(data: bytes) -> None:
    """A board file."""
    with contextlib.suppress(BadInputError):
        assert read_board(_file("board.toml", data)).frame_period_ms > 0


def vehicle(data: bytes) -> None:
    """A vehicle file, as the supervisor reads it at its start."""
    with contextlib.suppress(BadInputError):
        read_vehicle_file(_file("vehicle.toml", data))


def dbc(data: bytes) -> None:
    """A mapping with an integrator's DBC; what comes out must be what the supervisor takes."""
    mapping, _, database = data.partition(SPLIT)
    with contextlib.suppress(BadInputError):
        text = compile_mapping(_file("mapping.toml", mapping), _file("input.dbc", database))
        read_vehicle_file(_file("compiled.toml", text.encode()))


def engine_cache(data: bytes) -> None:
    """A kept engine: whole and of this key, or as good as none."""
    plan = tensorrt_cache.parsed(data, KEY)
    assert plan is None or data == KEY.header(plan) + plan


def video(data: bytes) -> None:
    """A film in any container, its first pictures decoded."""
    try:
        film = VideoFile(_file("film.mp4", data))
    except BadInputError:
        return
    try:
        with contextlib.suppress(SourceLost):
            for number, picture in enumerate(film.pictures()):
                assert picture.width > 0
                if number == _PICTURES:
                    break
    finally:
        film.close()


def trace_seeds() -> list[bytes]:
    """Beginnings of real traces."""
    truth = (ROOT / "tests" / "data" / "demo_drive_truth.jsonl").read_bytes().splitlines(keepends=True)
    noise = (ROOT / "tests" / "data" / "perception_noise.jsonl").read_bytes().splitlines(keepends=True)
    return [b"".join(truth[:2]), truth[300], b"".join(noise[:1])[:4000]]


def board_seeds() -> list[bytes]:
    """The boards there are."""
    return [path.read_bytes() for path in sorted((ROOT / "boards").glob("*/board.toml"))]


def vehicle_seeds() -> list[bytes]:
    """The vehicles there are."""
    return [path.read_bytes() for path in sorted((ROOT / "vehicles").glob("*.toml"))]


_DBC = b"""VERSION ""
BU_: X
BO_ 291 SPEED: 8 X
 SG_ V : 7|16@0+ (0.01,0) [0|250] "km/h" X
 SG_ Counter : 52|4@1+ (1,0) [0|15] "" X
 SG_ Check : 56|8@1+ (1,0) [0|255] "" X
 SG_ Left : 20|1@1+ (1,0) [0|1] "" X
"""
_MAPPING = b"""name = "x"
source = "y"
dbc = "input.dbc"
[messages.SPEED]
timeout_ms = 200
counter = "Counter"
checksum = { signal = "Check", kind = "xor8" }
[signals.speed]
message = "SPEED"
signal = "V"
range = [0, 250]
max_rate_per_s = 60
[signals.turn_left]
message = "SPEED"
signal = "Left"
equals = [1]
"""


def dbc_seeds() -> list[bytes]:
    """A small mapping with its DBC."""
    return [_MAPPING + SPLIT + _DBC]


def engine_cache_seeds() -> list[bytes]:
    """A whole one, a cut one."""
    whole = KEY.header(b"plan\n\n") + b"plan\n\n"
    return [whole, whole[:-3], whole.replace(b"8.7", b"8.6")]


@functools.cache
def _small_films() -> tuple[bytes, ...]:
    """Two pictures of 32x32 in each of some containers."""
    films = []
    for container, codec, pixels in (("mp4", "mpeg4", "yuv420p"), ("matroska", "ffv1", "yuv420p"),
                                     ("avi", "mjpeg", "yuvj420p"), ("gif", "gif", "rgb8")):  # fmt: skip
        out = io.BytesIO()
        with av.open(out, "w", format=container) as film:
            stream: Any = film.add_stream(codec, rate=10)  # which kind of stream follows from the codec
            stream.width = stream.height = 32
            stream.pix_fmt = pixels
            for _ in range(2):
                film.mux(stream.encode(av.VideoFrame(32, 32, pixels)))
            film.mux(stream.encode(None))
        films.append(out.getvalue())
    return tuple(films)


def video_seeds() -> list[bytes]:
    """Small whole films."""
    return list(_small_films())
