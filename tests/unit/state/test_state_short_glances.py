"""Repeated short glances by the nanosecond: what of a glance counts, for how long, and what starts the sum anew."""

from __future__ import annotations

from dataclasses import replace

import pytest
from set_timers import MS, S, SetGlances

from watchkeeper.state.limits import Limit
from watchkeeper.state.profiles import Profile, get_profile
from watchkeeper.state.short_glances import ShortGlances

T0 = 5 * S
LIMIT_NS = 10 * S
PROFILE = get_profile("euroncap-2026")  # 10 s in 30 s, cleared by 2 s ahead; a long glance is one of 3.5 s


class Played:
    """Glances set by hand, a step at a time; `t_ns` counts from T0."""

    def __init__(self, profile: Profile = PROFILE) -> None:
        self.glances = SetGlances()
        self.short = ShortGlances(profile, self.glances, LIMIT_NS)

    def away(self, t_ns: int, lasted_ns: int, *, serving: bool = False, now: bool | None = True) -> Played:
        """The timer says away for so long. now: what the newest frame says of itself."""
        return self._step(t_ns, True, lasted_ns, now, serving)

    def ahead(self, t_ns: int, lasted_ns: int = 0, *, now: bool | None = False) -> Played:
        return self._step(t_ns, False, lasted_ns, now, False)

    def unseen(self, t_ns: int) -> Played:
        return self._step(t_ns, None, 0, None, False)

    def glance(self, t_ns: int, lasted_ns: int) -> Played:
        """One that ends at `t_ns`, and the look ahead that began there."""
        return self.away(t_ns, lasted_ns).ahead(t_ns + 100 * MS, 100 * MS)

    def _step(self, t_ns: int, value: bool | None, lasted_ns: int, now: bool | None, serving: bool) -> Played:
        self.glances.set_away.set(value, lasted_ns)
        self.glances.away_now, self.glances.serving = now, serving
        self.short.step(T0 + t_ns)
        return self

    @property
    def total_ns(self) -> int:
        return self.short.total_ns


def test_nothing_is_counted_at_first() -> None:
    played = Played()
    assert played.total_ns == 0
    assert played.ahead(0).total_ns == 0
    assert Played().unseen(0).total_ns == 0
    assert Played().away(0, 0).total_ns == 0


def test_glances_within_the_window_add_up() -> None:
    played = Played().away(S, S)
    assert played.total_ns == S
    assert played.away(2 * S, 2 * S).total_ns == 2 * S
    assert played.ahead(2100 * MS, 100 * MS).total_ns == 2 * S
    assert played.away(4 * S, 1500 * MS).total_ns == 3500 * MS
    assert played.ahead(4100 * MS, 100 * MS).away(6 * S, S).total_ns == 4500 * MS


def test_a_glance_leaves_the_window_as_it_came() -> None:
    played = Played().glance(2 * S, 2 * S).glance(20 * S, 3 * S)
    assert played.ahead(30 * S).total_ns == 5 * S
    assert played.ahead(31 * S).total_ns == 4 * S
    assert played.ahead(32 * S - 1).total_ns == 3 * S + 1
    assert played.ahead(32 * S).total_ns == 3 * S
    assert played.ahead(49 * S).total_ns == S
    assert played.ahead(50 * S).total_ns == 0
    assert played.ahead(60 * S).total_ns == 0


def test_of_a_glance_longer_than_the_window_the_window_counts() -> None:
    played = Played(replace(PROFILE, short_window=Limit(2.0, "s", "of this test, and no rule set", "own")))
    assert played.away(3 * S, 3 * S).total_ns == 2 * S


@pytest.mark.parametrize(("ahead_ns", "left_ns"), [(2 * S - 1, 3 * S), (2 * S, 0)])
def test_a_look_ahead_of_two_seconds_starts_the_sum_anew(ahead_ns: int, left_ns: int) -> None:
    assert Played().glance(3 * S, 3 * S).ahead(5 * S + 100 * MS, ahead_ns).total_ns == left_ns


def test_only_a_look_that_is_seen_ahead_starts_it_anew() -> None:
    assert Played().glance(3 * S, 3 * S).ahead(6 * S, 3 * S, now=None).total_ns == 3 * S
    assert Played().glance(3 * S, 3 * S).ahead(6 * S, 3 * S, now=True).total_ns == 3 * S


# --- where the glance ends --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead_at_ns", "ahead_ns", "rest_ns"),
    [
        (2100 * MS, 50 * MS, 50 * MS),  # turned half way between the two frames
        (2100 * MS, 100 * MS, 0),
        (2100 * MS, 101 * MS, 0),  # before the last frame away, as judging may have begun there
        (2400 * MS, 200 * MS, 200 * MS),
        (2401 * MS, 200 * MS, 200 * MS),  # one sample speaks for no more
    ],
)
def test_a_glance_ends_where_the_look_ahead_began(ahead_at_ns: int, ahead_ns: int, rest_ns: int) -> None:
    played = Played().away(2 * S, 2 * S).ahead(ahead_at_ns, ahead_ns)
    assert played.total_ns == 2 * S + rest_ns
    assert played.ahead(32 * S - 1 + rest_ns, S).total_ns == 1, "and leaves the window as long after that"


def test_a_glance_whose_end_was_not_seen_ends_where_it_was_seen_last() -> None:
    played = Played().away(2 * S, 2 * S).unseen(5 * S)
    assert played.total_ns == 2 * S
    assert played.unseen(31 * S).total_ns == S
    assert played.away(31 * S + 500 * MS, 200 * MS).total_ns == 700 * MS


def test_while_a_look_ahead_is_weighed_the_glance_ends_at_its_last_frame() -> None:
    # the timer stands still at 2 s for two frames, then says that the look ahead began 150 ms ago
    played = Played().away(2 * S, 2 * S).away(2100 * MS, 2 * S, now=False).away(2200 * MS, 2 * S, now=False)
    assert played.ahead(2300 * MS, 250 * MS).total_ns == 2 * S + 50 * MS


# --- the free second --------------------------------------------------------------------------------------------------


def _serving(played: Played, from_ns: int, frames: int) -> int:
    """Frames of a look into a mirror, 100 ms each, from the glance's first on."""
    for k in range(frames + 1):
        played.away(from_ns + k * 100 * MS, k * 100 * MS, serving=True)
    return from_ns + frames * 100 * MS


def test_the_first_second_in_a_mirror_is_free() -> None:
    played = Played()
    t_ns = _serving(played, S, 10)
    assert played.total_ns == 0
    played.away(t_ns + 100 * MS, 1100 * MS, serving=True)
    assert played.total_ns == 100 * MS
    played.away(t_ns + 200 * MS, 1200 * MS)
    assert played.total_ns == 200 * MS


def test_less_than_a_second_in_a_mirror_is_free_as_far_as_it_goes() -> None:
    played = Played()
    t_ns = _serving(played, S, 4)
    assert played.away(t_ns + S, 1400 * MS).total_ns == S


def test_the_first_frame_of_all_speaks_for_no_time() -> None:
    assert Played().away(0, 50 * MS, serving=True).away(100 * MS, 150 * MS).total_ns == 150 * MS


def test_a_frame_after_a_gap_frees_two_hundred_milliseconds() -> None:
    assert Played().away(S, 0).away(1500 * MS, 500 * MS, serving=True).total_ns == 300 * MS


def test_only_frames_away_in_a_mirror_are_free() -> None:
    played = Played().away(S, 0)
    played.away(1100 * MS, 100 * MS).away(1200 * MS, 200 * MS, serving=True, now=None)
    assert played.total_ns == 200 * MS


def test_the_free_second_is_one_a_glance_not_one_for_all() -> None:
    played = Played()
    t_ns = _serving(played, S, 10)
    played.ahead(t_ns + 100 * MS, 100 * MS)
    t_ns = _serving(played, 5 * S, 10)
    assert played.total_ns == 0
    played.unseen(t_ns + 100 * MS).away(t_ns + 200 * MS, 200 * MS)
    assert played.total_ns == 0, "not seen to have looked ahead: the same glance still"
    played.ahead(t_ns + 300 * MS, 100 * MS).away(t_ns + 500 * MS, 200 * MS)
    assert played.total_ns == 200 * MS


# --- what was told as a long glance -----------------------------------------------------------------------------------


def test_a_long_glance_is_told_as_such_and_starts_the_sum_anew() -> None:
    played = Played().glance(3 * S, 3 * S)
    assert played.away(8 * S - 1, 3500 * MS - 1).total_ns == 6500 * MS - 1
    assert played.away(8 * S, 3500 * MS).total_ns == 0
    assert played.away(9 * S, 4500 * MS).ahead(9100 * MS, 100 * MS).total_ns == 0
    assert played.away(12 * S, S).total_ns == S, "the next one counts"


@pytest.mark.parametrize(("before_ns", "counts"), [(1, False), (0, True)])
def test_a_long_glance_after_the_limit_goes_on_counting(before_ns: int, counts: bool) -> None:
    played = Played().glance(3 * S, 3 * S).glance(6500 * MS, 3400 * MS).glance(10 * S, 3400 * MS)
    played.away(13 * S - before_ns, 200 * MS - before_ns)
    assert played.total_ns == LIMIT_NS - before_ns
    played.away(16400 * MS, 3600 * MS)
    assert played.total_ns == (13_400 * MS if counts else 0)
