"""Picture content that can be found again: random rows planted in a clip without loss, and the search for them."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from watchkeeper.errors import BadInputError

ROWS, ROW_BYTES = 48, 64
_CHUNK_BYTES = 32 << 20


def plant(source: Path, out: Path, frames: int, seed: int) -> list[bytes]:
    """The first `frames` pictures of `source` with a random patch in a corner, as FFV1; the patch's rows of luma.

    No row is there twice, and chance would not make one. Raises BadInputError naming the file.
    """
    patch = np.random.default_rng(seed).integers(16, 236, (ROWS, ROW_BYTES), dtype=np.uint8)
    try:
        with av.open(str(source)) as film, av.open(str(out), "w") as container:
            stream = container.add_stream("ffv1", rate=film.streams.video[0].average_rate or 30)
            stream.width, stream.height = film.streams.video[0].width, film.streams.video[0].height
            stream.pix_fmt = "yuv420p"
            for number, picture in enumerate(film.decode(video=0)):
                if number == frames:
                    break
                planes = picture.to_ndarray(format="yuv420p")
                if planes.shape[1] < ROW_BYTES or picture.height < ROWS:
                    raise BadInputError.at(source, f"expected pictures of at least {ROW_BYTES}x{ROWS}")
                planes[:ROWS, :ROW_BYTES] = patch
                container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
            container.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise BadInputError.at(source, f"cannot be read as a film: {error}") from None
    return [row.tobytes() for row in patch]


def in_file(path: Path, rows: list[bytes]) -> int:
    """How many of `rows` are in the file. Raises OSError."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return 0
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return sum(content.find(row) >= 0 for row in rows)


def in_descriptor(path: Path, rows: list[bytes]) -> int:
    """As `in_file`, of what has a size but cannot be mapped by others: a memfd by its link in /proc."""
    content = path.read_bytes()
    return sum(row in content for row in rows)


def in_memory(pid: int, rows: list[bytes]) -> int:
    """How many of `rows` are anywhere in the process's memory. Raises OSError where the kernel lets nobody look."""
    found: set[bytes] = set()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for start, end in _mapped(pid):
            for at in range(start, end, _CHUNK_BYTES - ROW_BYTES):
                try:
                    memory.seek(at)
                    chunk = memory.read(min(_CHUNK_BYTES, end - at))
                except (OSError, ValueError):  # a device's memory, or gone since
                    break
                found.update(row for row in rows if row not in found and row in chunk)
    return len(found)


def _mapped(pid: int) -> Iterator[tuple[int, int]]:
    """Readable ranges."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        where, permissions = line.split()[:2]
        if permissions.startswith("r") and "[v" not in line:  # vvar, vsyscall: the kernel's
            start, _, end = where.partition("-")
            yield int(start, 16), int(end, 16)
