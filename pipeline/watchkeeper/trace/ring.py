"""The recorder's ring and its file: a header, a JSON object about the run, then rows of fixed size.

    ring = Ring(rows=32768)
    ring.write(seq, begin_ns, end_ns, Kind.INFER, Network.LANDMARKS, 0)
    path.write_bytes(ring.snapshot())            # the file is the memory as it is
    recording = read_ring(path)

Everything is allocated in the constructor; `write` packs into it in place. One thread writes. With a descriptor the
memory belongs to whoever made it (the supervisor): it outlives a writer that is killed, and the next one goes on in it.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchkeeper.errors import BadInputError
from watchkeeper.trace.rows import ROW, Kind, Row

_HEADER = struct.Struct("<8sIIQQI")  # magic, version, bytes a row, rows, rows ever written, bytes of JSON
_MAGIC, _VERSION = b"WKRING\r\n", 2
_WRITTEN_AT = 24
_JSON_AT, _ROWS_AT = 64, 8192
ROWS = 32768
"""1 MiB: about a minute and a half at 30 frames a second."""
_ROWS_MAX = 1 << 22
# The machine's own layout is the file's on every board there is, and half as long in packing.
_pack_into = (struct.Struct("@qqqHHi") if sys.byteorder == "little" else ROW).pack_into


class Ring:
    """`about`: what the reader should know of the run (board, versions, ...); kept in the first 8 KiB."""

    def __init__(self, rows: int = ROWS, about: dict[str, Any] | None = None, fd: int | None = None) -> None:
        """fd: a memory file to keep it in, made as long as it has to be; rows of a writer before us stay in it.

        Raises ValueError for no rows or for an `about` that is too long, OSError for an `fd` that cannot be mapped.
        """
        text = json.dumps(about or {}).encode()
        if rows < 1 or len(text) > _ROWS_AT - _JSON_AT:
            raise ValueError("expected at least one row and less than 8 KiB about the run")
        size = _ROWS_AT + rows * ROW.size
        if fd is not None:
            os.ftruncate(fd, size)
        self._memory = mmap.mmap(-1 if fd is None else fd, size)
        self._rows = rows
        magic, version, row_size, had_rows, written, _ = _HEADER.unpack_from(self._memory)
        ours = (magic, version, row_size, had_rows) == (_MAGIC, _VERSION, ROW.size, rows)
        self.written = written if ours else 0
        _HEADER.pack_into(self._memory, 0, _MAGIC, _VERSION, ROW.size, rows, self.written, len(text))
        self._memory[_JSON_AT : _JSON_AT + len(text)] = text
        for at in range(0, len(self._memory), mmap.PAGESIZE):  # the pages are there before the first frame is
            self._memory[at] = self._memory[at]
        # stored in one piece, so that a writer that is killed leaves no half of a number
        self._count = memoryview(self._memory)[_WRITTEN_AT : _WRITTEN_AT + 8].cast("Q")

    def write(self, seq: int, begin_ns: int, end_ns: int, kind: int, detail: int = 0, value: int = 0) -> None:
        """One row; the oldest goes when the ring is full."""
        written = self.written
        _pack_into(self._memory, _ROWS_AT + written % self._rows * 32, seq, begin_ns, end_ns, kind, detail, value)
        self.written = self._count[0] = written + 1

    def snapshot(self) -> bytes:
        """The file's bytes as of now. Consistent from any thread of this process: it is one copy under the GIL."""
        return self._memory[:]


@dataclass(frozen=True, slots=True)
class Recording:
    """A ring read back. rows: oldest first. lost: rows that were overwritten before."""

    about: dict[str, Any]
    rows: list[Row]
    lost: int


def read_ring(path: Path) -> Recording:
    """Raises BadInputError naming the file and what was expected of it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from None
    if len(data) < _ROWS_AT or data[: len(_MAGIC)] != _MAGIC:
        raise BadInputError.at(path, "expected a ring as `run --trace-out` writes it")
    _, version, size, rows, written, length = _HEADER.unpack_from(data)
    if (version, size) != (_VERSION, ROW.size):
        raise BadInputError.at(path, f"expected version {_VERSION}, got {version}", field="version")
    if not 1 <= rows <= _ROWS_MAX or len(data) != _ROWS_AT + rows * size:
        raise BadInputError.at(path, f"expected {rows} rows of {size} bytes; the file is cut or damaged", field="rows")
    try:
        about = json.loads(data[_JSON_AT : _JSON_AT + min(length, _ROWS_AT - _JSON_AT)])
    except ValueError:
        about = None
    if not isinstance(about, dict):
        raise BadInputError.at(path, "expected a JSON object", field="about")
    # the place that is written next may hold half a row already: the writer may have been killed at any moment
    held = written if written < rows else rows - 1
    found = []
    for number in range(written - held, written):
        row = Row(*ROW.unpack_from(data, _ROWS_AT + (number % rows) * size))
        if row.kind not in _KINDS or row.end_ns < row.begin_ns:
            raise BadInputError.at(path, f"row {number} holds no valid kind and times", field="rows")
        found.append(row)
    return Recording(about, found, written - held)


_KINDS = frozenset(Kind)
