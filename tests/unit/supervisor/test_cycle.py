"""Absolute deadlines: nothing drifts, what is missed is skipped, nothing comes in a burst."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.supervisor.cycle import Cycle

_P = 50


def test_lateness_never_moves_the_next_slot() -> None:
    cycle = Cycle(1000, _P)
    for slot in range(100):
        assert cycle.slot == slot
        assert cycle.due_ns == 1000 + slot * _P
        assert cycle.arrive(cycle.due_ns + 13)
        cycle.done()
    assert cycle.missed == 0


def test_up_to_half_a_period_late_is_sent_beyond_it_is_skipped() -> None:
    cycle = Cycle(0, _P)
    assert cycle.arrive(25)
    assert (cycle.slot, cycle.missed) == (0, 0)
    cycle = Cycle(0, _P)
    assert not cycle.arrive(26)
    assert (cycle.slot, cycle.due_ns, cycle.missed) == (1, 50, 1)
    assert cycle.arrive(50)


def test_a_stall_of_four_periods_is_one_frame_and_three_misses() -> None:
    cycle = Cycle(0, _P)
    assert cycle.arrive(0)
    cycle.done()
    assert cycle.arrive(210)  # slot 1 was due at 50; slot 4 at 200
    assert (cycle.slot, cycle.missed) == (4, 3)


@given(st.lists(st.integers(0, 400), max_size=60))
def test_frames_are_never_nearer_than_half_a_period_and_every_slot_is_sent_or_missed(delays: list[int]) -> None:
    cycle = Cycle(0, _P)
    now, sent = 0, []
    for delay in delays:
        now = max(now, cycle.due_ns) + delay
        if cycle.arrive(now):
            sent.append(now)
            cycle.done()
    assert all(b - a >= _P // 2 for a, b in pairwise(sent))
    assert len(sent) + cycle.missed == cycle.slot


def test_the_99th_percentile_is_of_the_last_minute() -> None:
    cycle = Cycle(0, 1000)
    assert cycle.deviation_p99_ns() == 0
    for late in (*([400] * 1200), *([1] * 1180), *([7] * 20)):
        assert cycle.arrive(cycle.due_ns + late)
        cycle.done()
    assert cycle.deviation_p99_ns() == 7
