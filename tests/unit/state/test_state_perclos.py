"""PERCLOS by the nanosecond: its window, what counts of a closure, and the share of long ones."""

from __future__ import annotations

import pytest
from set_timers import MS, S, SetClosures

from watchkeeper.state.perclos import Perclos

T0 = 5 * S  # the clock does not begin at 0


class Played:
    """Lids set by hand, a step at a time; `t_ns` counts from the first."""

    def __init__(self) -> None:
        self.closures = SetClosures()
        self.perclos = Perclos(self.closures)

    def at(self, t_ns: int, closed_now: bool | None = False, closed_ns: int | None = None) -> Played:
        self.closures.show(closed_now, closed_ns)
        self.perclos.step(T0 + t_ns)
        return self

    def open(self, from_ns: int, to_ns: int, each_ns: int = 500 * MS) -> Played:
        """Open lids from one time up to another, both included."""
        for t_ns in range(from_ns, to_ns + 1, each_ns):
            self.at(t_ns)
        return self

    def closure(self, t_ns: int, lasted_ns: int) -> Played:
        """One of that length, and open lids 1 ms later."""
        return self.at(t_ns, True, lasted_ns).at(t_ns + MS)


def test_there_is_no_value_before_sixty_seconds_of_valid_time() -> None:
    assert Played().open(0, 60 * S - 500 * MS).at(60 * S - 1).perclos.value is None
    assert Played().open(0, 60 * S).perclos.value == 0.0


def test_a_closure_counts_from_its_start_and_the_newest_minute_is_what_counts() -> None:
    played = Played().at(0).at(500 * MS).at(S - 1, True, 600 * MS).at(S, True, 900 * MS).open(1500 * MS, 60 * S)
    assert played.perclos.value == 900 * MS / (60 * S)
    played.open(60 * S + 500 * MS, 61 * S - 500 * MS).at(61 * S - 1)
    assert played.perclos.value == 900 * MS / (60 * S), "its second is the oldest of the window"
    assert played.at(61 * S).perclos.value == 0.0


def test_the_last_second_of_the_minute_counts_like_the_first() -> None:
    played = Played().open(0, 59 * S).at(59 * S + 500 * MS, True, 600 * MS).at(60 * S, True, S)
    assert played.perclos.value == 1 / 60
    played.at(60 * S + 500 * MS)
    assert played.open(61 * S, 119 * S).perclos.value == 1 / 60
    assert played.open(119 * S + 500 * MS, 120 * S).perclos.value == 0.0


def test_a_blink_of_half_a_second_does_not_count_and_one_nanosecond_more_does() -> None:
    blink = Played().at(0).closure(S, 500 * MS).open(2 * S, 61 * S)
    assert (blink.perclos.value, blink.perclos.long_closure_ns) == (0.0, None)
    longer = Played().at(0).closure(S, 500 * MS + 1).open(2 * S, 61 * S)
    assert (longer.perclos.value, longer.perclos.long_closure_ns) == ((500 * MS + 1) / (60 * S), T0 + S)


def test_no_time_of_a_closure_counts_twice() -> None:
    # the timer stands still while lids that may be opening are weighed, and judging may begin within a closure
    played = Played().at(0)
    for t_ns, lasted_ns in (
        (S, S),
        (1200 * MS, S),
        (1400 * MS, 700 * MS),
        (1600 * MS, 900 * MS),
        (1900 * MS, 1200 * MS),
    ):
        played.at(t_ns, True, lasted_ns)
    assert played.open(2 * S, 61 * S).perclos.value == 1200 * MS / (60 * S)


def test_the_next_closure_counts_from_its_own_start() -> None:
    played = Played().open(0, 500 * MS).closure(S, 600 * MS).open(1500 * MS, 2 * S).closure(2500 * MS, 700 * MS)
    assert played.open(3 * S, 60 * S).perclos.value == 1300 * MS / (60 * S)


def test_a_share_of_more_than_all_is_all() -> None:
    assert Played().at(0).at(500 * MS, True, 70 * S).open(S, 60 * S).perclos.value == 1.0


def test_the_time_of_the_newest_long_closure_is_told() -> None:
    played = Played().at(0).at(S, True, 600 * MS).at(1100 * MS, True, 700 * MS).at(1200 * MS)
    assert played.perclos.long_closure_ns == T0 + 1100 * MS


def test_unseen_time_is_in_neither_term() -> None:
    played = Played().open(0, 30 * S)
    for t_ns in range(30 * S + 500 * MS, 90 * S, 500 * MS):
        played.at(t_ns, None)
    # the first frame that shows lids again speaks for 200 ms, the next for all its time
    played.open(90 * S, 119 * S + 500 * MS).at(119 * S + 800 * MS - 1)
    assert played.perclos.value is None
    assert played.at(119 * S + 800 * MS).perclos.value == 0.0


def test_of_a_gap_between_frames_half_a_second_counts() -> None:
    played = Played().at(0).at(10 * S).open(10_500 * MS, 69 * S)
    assert played.perclos.value is None
    assert played.at(69 * S + 499 * MS).perclos.value is None
    assert played.at(69 * S + 500 * MS).perclos.value == 0.0


def test_the_share_of_long_closures_is_told_from_ten_on() -> None:
    played = Played().at(0)
    for k in range(8):
        played.closure(k * S + S, 500 * MS)
    played.closure(10 * S, 500 * MS + 1)
    assert played.perclos.long_share is None
    assert played.closure(11 * S, 200 * MS).perclos.long_share == 1 / 10
    played.at(12 * S).at(12 * S + MS, None).at(12 * S + 2 * MS)
    assert played.closure(13 * S, S).perclos.long_share == 2 / 11, "open lids and unseen ones are no closures"


@pytest.mark.parametrize(("long_ones", "left"), [(1, 0), (2, 1), (3, 2)])
def test_the_share_is_of_the_newest_thirty(long_ones: int, left: int) -> None:
    played = Played().at(0)
    for k in range(30):
        played.closure((k + 1) * S, 600 * MS if k < long_ones else 200 * MS)
    assert played.perclos.long_share == long_ones / 30
    assert played.closure(40 * S, 200 * MS).perclos.long_share == left / 30


def test_the_oldest_closures_leave_in_their_order() -> None:
    played = Played().at(0)
    for k in range(30):
        played.closure((k + 1) * S, 600 * MS if k < 2 else 200 * MS)
    assert played.closure(40 * S, 200 * MS).closure(41 * S, 200 * MS).perclos.long_share == 0
