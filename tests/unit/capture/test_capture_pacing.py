"""Stream time stamps laid on one clock."""

from __future__ import annotations

import threading
import time
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.capture.pacing import Pacer, Timeline

PERIOD_NS = 40_000_000


def test_time_counts_from_the_first_stamp() -> None:
    timeline = Timeline(Fraction(1, 15360), 33_333_333)
    assert [timeline.place(pts) for pts in (512, 1024, 1536)] == [0, 33_333_333, 66_666_667]


def test_missing_and_backward_stamps_come_one_period_later() -> None:
    timeline = Timeline(Fraction(1, 1000), PERIOD_NS)
    placed = [timeline.place(pts) for pts in (None, 100, 140, None, 90, 300)]
    assert placed == [0, 40_000_000, 80_000_000, 120_000_000, 160_000_000, 200_000_000]


def test_repeat_goes_on_after_the_last() -> None:
    timeline = Timeline(Fraction(1, 25), PERIOD_NS)
    assert [timeline.place(0), timeline.place(1)] == [0, PERIOD_NS]
    timeline.repeat()
    assert [timeline.place(0), timeline.place(1)] == [2 * PERIOD_NS, 3 * PERIOD_NS]


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40), st.just("repeat")), max_size=30))
def test_time_only_grows(stamps: list[int | str | None]) -> None:
    timeline, last_ns = Timeline(Fraction(1, 90_000), PERIOD_NS), -1
    for stamp in stamps:
        if isinstance(stamp, str):
            timeline.repeat()
            continue
        t_ns = timeline.place(stamp)
        assert t_ns > last_ns
        last_ns = t_ns


def test_pacer_starts_with_the_first_question_and_can_be_shifted() -> None:
    now = [1_000]
    pacer = Pacer(lambda: now[0], threading.Event())
    assert pacer.wait(0, time.monotonic())
    now[0] += 500
    assert not pacer.wait(501, time.monotonic())
    assert pacer.wait(500, time.monotonic())
    assert pacer.late_ns(400) == 100
    pacer.shift(100)
    assert pacer.late_ns(400) == 0
    assert pacer.absolute_ns(400) == 1_500


def test_a_closed_source_waits_for_nothing() -> None:
    closed = threading.Event()
    closed.set()
    assert not Pacer(lambda: 0, closed).wait(10**18, time.monotonic() + 1000.0)
