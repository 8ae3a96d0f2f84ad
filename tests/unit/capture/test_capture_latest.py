"""Depth-1 hand-over: newest wins, nothing is lost uncounted, ends are heard."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.capture.latest import CLOSED, OVERWRITTEN, CaptureThread, Latest
from watchkeeper.capture.lease import FrameLease, LeaseCount
from watchkeeper.capture.source import EndOfSource, SourceInfo, SourceLost, open_source
from watchkeeper.types import ColorMatrix, Frame, PixelFormat


def _frame(seq: int) -> Frame:
    planes = (memoryview(bytes([seq % 256] * 4)),)
    return Frame(seq, seq, 2, 2, PixelFormat.GREY8, ColorMatrix.BT601_FULL, planes, (2,))


class Script:
    """A source that hands out `frames` frames, then raises `end`."""

    def __init__(self, frames: int, end: Exception) -> None:
        self.info = SourceInfo("script", 2, 2, None)
        self.leases = LeaseCount()
        self.lost_frames = self.copied_bytes = 0
        self._frames: Iterator[int] = iter(range(frames))
        self._end = end
        self.closed = threading.Event()

    @property
    def outstanding(self) -> int:
        return self.leases.outstanding

    def next(self, timeout_s: float) -> FrameLease | None:
        seq = next(self._frames, None)
        if seq is None:
            raise self._end
        return self.leases.lend(_frame(seq))

    def close(self) -> None:
        self.closed.set()


def _take_all(latest: Latest) -> list[int]:
    taken: list[int] = []
    while True:
        try:
            lease = latest.take(60.0)
        except EndOfSource:
            return taken
        assert lease is not None
        with lease:
            taken.append(lease.frame.seq)


def test_newest_wins_and_the_overwritten_goes_back() -> None:
    latest, count = Latest(), LeaseCount()
    for seq in range(3):
        latest.put(count.lend(_frame(seq)))
    assert count.outstanding == 1
    lease = latest.take(0.0)
    assert lease is not None
    assert lease.frame.seq == 2
    assert latest.take(0.0) is None
    assert (latest.captured, latest.taken, latest.drops) == (3, 1, {OVERWRITTEN: 2})


def test_end_comes_after_what_is_waiting() -> None:
    latest, count = Latest(), LeaseCount()
    latest.put(count.lend(_frame(0)))
    latest.end(SourceLost("unplugged"))
    latest.end(EndOfSource())
    lease = latest.take(0.0)
    assert lease is not None
    lease.release()
    for _ in range(2):
        with pytest.raises(SourceLost, match="unplugged"):
            latest.take(0.0)


def test_close_releases_and_refuses() -> None:
    latest, count = Latest(), LeaseCount()
    latest.put(count.lend(_frame(0)))
    latest.close()
    latest.close()
    latest.put(count.lend(_frame(1)))
    assert count.outstanding == 0
    assert latest.drops == {CLOSED: 2}
    with pytest.raises(ValueError, match="closed"):
        latest.take(0.0)


def test_close_wakes_a_waiting_take() -> None:
    latest, ended = Latest(), threading.Event()

    def wait() -> None:
        with pytest.raises(ValueError, match="closed"):
            latest.take(200.0)
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    latest.close()
    thread.join(60.0)
    assert ended.is_set()


@given(st.lists(st.sampled_from(["put", "take", "close"]), max_size=40))
def test_every_frame_is_accounted_for(steps: list[str]) -> None:
    latest, count, held = Latest(), LeaseCount(), 0
    for i, step in enumerate(steps):
        if step == "put":
            latest.put(count.lend(_frame(i)))
        elif step == "close":
            latest.close()
        else:
            try:
                lease = latest.take(0.0)
            except ValueError:
                continue
            held += lease is not None
        waiting = latest.captured - latest.taken - latest.dropped
        assert waiting in (0, 1)
        assert count.outstanding == held + waiting


def test_thread_hands_over_and_reports_the_end() -> None:
    source = Script(50, EndOfSource("done"))
    with CaptureThread(source) as capture:
        taken = _take_all(capture.latest)
        with pytest.raises(EndOfSource, match="done"):
            capture.latest.take(60.0)
    assert taken == sorted(set(taken))
    assert taken[-1] == 49
    assert capture.latest.captured == 50 == capture.latest.taken + capture.latest.dropped
    assert source.closed.is_set()
    assert source.outstanding == 0


@pytest.mark.parametrize("error", [SourceLost("unplugged"), ZeroDivisionError("a defect")])
def test_thread_reports_loss_and_defects(error: Exception) -> None:
    with CaptureThread(Script(0, error)) as capture, pytest.raises(type(error), match=str(error)):
        capture.latest.take(60.0)


def test_stop_ends_a_paced_source_at_once_and_twice() -> None:
    capture = CaptureThread(open_source("pattern:64x48@0.1", paced=True))
    capture.start()
    first = capture.latest.take(60.0)
    assert first is not None
    assert capture.stop()
    assert capture.stop()
    assert first.frame.width == 64
    first.release()
    assert capture.source.outstanding == 0


def test_stop_before_start() -> None:
    assert CaptureThread(Script(1, EndOfSource())).stop()
