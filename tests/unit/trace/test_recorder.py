"""The ring, its file, and what the recorder says of a frame."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.errors import BadInputError
from watchkeeper.trace.recorder import Recorder
from watchkeeper.trace.ring import Ring, read_ring
from watchkeeper.trace.rows import STAGES, Drop, Kind, Network, Row

MS = 1_000_000


class Clock:
    def __init__(self) -> None:
        self.ns = 100 * MS

    def __call__(self) -> int:
        return self.ns


def _saved(ring: Ring, tmp_path: Path) -> Path:
    path = tmp_path / "a.ring"
    path.write_bytes(ring.snapshot())
    return path


def test_the_newest_rows_are_kept_in_order(tmp_path: Path) -> None:
    ring = Ring(rows=4, about={"board": "host"})
    for number in range(7):
        ring.write(number, number, number + 1, Kind.INFER, Network.LANDMARKS, -number)
    read = read_ring(_saved(ring, tmp_path))
    assert read.about == {"board": "host"}
    assert read.lost == 4  # the oldest is given up too: its place may hold half a row of a writer that was killed
    assert read.rows == [Row(n, n, n + 1, Kind.INFER, Network.LANDMARKS, -n) for n in range(4, 7)]


def test_a_ring_in_a_memory_file_outlives_its_writer_and_is_gone_on_with(tmp_path: Path) -> None:
    fd = os.memfd_create("ring")
    first = Ring(rows=8, about={"pid": 1}, fd=fd)
    first.write(1, 2, 3, Kind.DECIDE)
    del first
    second = Ring(rows=8, about={"pid": 2, "longer": "than before"}, fd=fd)
    second.write(2, 3, 4, Kind.INFER)
    path = tmp_path / "a.ring"
    path.write_bytes(os.pread(fd, 1 << 20, 0))
    read = read_ring(path)
    assert read.about == {"pid": 2, "longer": "than before"}
    assert [row.seq for row in read.rows] == [1, 2]
    other = Ring(rows=4, fd=fd)  # another build's shape: begun anew
    assert other.written == 0
    path.write_bytes(os.pread(fd, 1 << 20, 0))
    assert read_ring(path).rows == []
    os.close(fd)


def test_an_empty_ring_reads_back_empty(tmp_path: Path) -> None:
    assert read_ring(_saved(Ring(rows=1), tmp_path)).rows == []


@pytest.mark.parametrize(
    ("at", "patch", "said"),
    [
        (0, b"x", "expected a ring"),
        (8, struct.pack("<I", 9), "version"),
        (16, struct.pack("<Q", 5), "rows"),
        (16, struct.pack("<Q", 2**63), "rows"),
        (64, b"[", "about"),
        (8192 + 24, b"\xff", "rows"),
        (8192 + 16, b"\0" * 8, "rows"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, at: int, patch: bytes, said: str) -> None:
    ring = Ring(rows=2)
    ring.write(0, 5, 6, Kind.DECIDE)
    path = _saved(ring, tmp_path)
    data = bytearray(path.read_bytes())
    data[at : at + len(patch)] = patch
    path.write_bytes(data)
    with pytest.raises(BadInputError, match=rf"a\.ring.*{said}"):
        read_ring(path)
    with pytest.raises(BadInputError, match="cannot be read"):
        read_ring(tmp_path / "none.ring")


@given(st.lists(st.integers(0, 50 * MS), min_size=9, max_size=9))
def test_stages_add_up_to_the_frame_whatever_they_take(steps: list[int]) -> None:
    clock, ring = Clock(), Ring(rows=64)
    recorder = Recorder(ring, clock)
    exposure = clock.ns
    dequeued = exposure + steps[0]
    clock.ns = dequeued + steps[1]
    recorder.begin(3, exposure, dequeued, clock.ns)
    for kind, step in zip(STAGES[2:], steps[2:], strict=False):
        clock.ns += step
        recorder.mark(kind)
    recorder.finish(late=False, rung=0)
    rows = _rows(ring)
    (frame,) = (row for row in rows if row.kind == Kind.FRAME)
    took = {row.kind: row.end_ns - row.begin_ns for row in rows if row.kind in STAGES}
    assert sum(took.values()) == frame.end_ns - frame.begin_ns
    assert [took[kind] for kind in STAGES] == steps[: len(STAGES)]


def test_a_stamp_from_the_future_makes_no_negative_stage() -> None:
    clock, ring = Clock(), Ring(rows=16)
    recorder = Recorder(ring, clock)
    recorder.begin(0, clock.ns + 5 * MS, clock.ns - MS, clock.ns)
    recorder.mark(Kind.MEASURE)
    assert all(row.end_ns >= row.begin_ns for row in _rows(ring))


def test_a_send_is_laid_on_its_frame_once() -> None:
    clock, ring = Clock(), Ring(rows=32)
    recorder = Recorder(ring, clock)
    for seq in (1, 2):
        recorder.begin(seq, clock.ns, 0, clock.ns)
        clock.ns += 10 * MS
        recorder.mark(Kind.PUBLISH)
        recorder.finish(late=False, rung=0)
    for _ in range(2):
        recorder.sent(100 * MS, clock.ns + MS)
    recorder.sent(1, clock.ns + 2 * MS)  # a picture of long ago
    sends = [row for row in _rows(ring) if row.kind == Kind.SEND]
    assert sends == [Row(1, 110 * MS, 121 * MS, Kind.SEND, 0, 0)]


def test_an_echo_is_laid_on_its_frame_once_and_never_before_its_send() -> None:
    clock, ring = Clock(), Ring(rows=32)
    recorder = Recorder(ring, clock, bus_ns=50 * MS)
    recorder.begin(1, 100 * MS, 0, clock.ns)
    clock.ns += 10 * MS
    recorder.mark(Kind.PUBLISH)
    recorder.finish(late=False, rung=0)
    recorder.sent(100 * MS, 160 * MS)
    for _ in range(2):
        recorder.sent(100 * MS, 160 * MS, 161 * MS)
    rows = [row for row in _rows(ring) if row.kind in (Kind.SEND, Kind.ECHO)]
    assert rows == [
        Row(1, 110 * MS, 160 * MS, Kind.SEND, 1, 0),  # 60 ms after the exposure: beyond the limit
        Row(1, 160 * MS, 161 * MS, Kind.ECHO, 0, 0),
    ]
    assert recorder.bus_late == 1


def test_drops_are_counted_by_cause() -> None:
    ring = Ring(rows=8)
    recorder = Recorder(ring, Clock())
    recorder.drop(Drop.STALE, 1, seq=4)
    recorder.drop(Drop.OVERWRITTEN, 3)
    assert recorder.drops[Drop.OVERWRITTEN] == 3
    assert [(row.seq, row.detail, row.value) for row in _rows(ring)] == [(4, Drop.STALE, 1), (-1, Drop.OVERWRITTEN, 3)]


def _rows(ring: Ring) -> list[Row]:
    from watchkeeper.trace.rows import ROW

    data = ring.snapshot()
    return [Row(*ROW.unpack_from(data, 8192 + n * ROW.size)) for n in range(ring.written)]


def test_work_after_the_result_is_a_row_of_its_own_and_no_part_of_the_frame(tmp_path: Path) -> None:
    clock, ring = Clock(), Ring(rows=64)
    recorder = Recorder(ring, clock)
    recorder.begin(3, clock.ns, clock.ns, clock.ns)
    for kind in STAGES[2:]:
        clock.ns += MS
        recorder.mark(kind)
    recorder.finish(late=False, rung=0)
    began_ns = clock.ns
    clock.ns += 5 * MS
    recorder.beside(Kind.REFINE, began_ns)
    rows = read_ring(_saved(ring, tmp_path)).rows
    (refine,) = [row for row in rows if row.kind == Kind.REFINE]
    assert (refine.seq, refine.begin_ns, refine.end_ns) == (3, began_ns, began_ns + 5 * MS)
    (frame,) = [row for row in rows if row.kind == Kind.FRAME]
    took_ns = sum(row.end_ns - row.begin_ns for row in rows if row.kind in STAGES)
    assert frame.end_ns - frame.begin_ns == took_ns == 6 * MS
