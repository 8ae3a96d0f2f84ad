"""One warning at a time: what begins, gives way, rises, waits and ends, at the edges of each time."""

from __future__ import annotations

import pytest

from watchkeeper.commands.arbiter_survey import Asked
from watchkeeper.state.arbiter import STYLES, Arbiter, Style
from watchkeeper.state.rules import Demand, Patience
from watchkeeper.types import Phase, WarningEvent
from watchkeeper.types import Warning as DriverWarning

MS, S = 1_000_000, 1_000_000_000
W, D = DriverWarning, Demand
ONSET, RISE, END = Phase.ONSET, Phase.ESCALATE, Phase.END


class Desk:
    """An arbiter over rules set by hand. What it says comes as (warning, phase, level)."""

    def __init__(self, *steps_ns: int) -> None:
        self.patience = Patience()
        self.rules: dict[DriverWarning, Asked] = {w: Asked(w) for w in reversed(W) if w is not W.NONE}
        self.arbiter = Arbiter(list(self.rules.values()), steps_ns, self.patience)

    def step(
        self, t_ns: int, *, active: bool = True, pressed: bool = False, **now: Demand
    ) -> list[tuple[DriverWarning, Phase, int]]:
        for name, demand in now.items():
            self.rules[W[name]].answer = demand
        events = self.arbiter.step(active, pressed, t_ns)
        assert all(isinstance(event, WarningEvent) and event.t_ns == t_ns for event in events)
        return [(event.warning, event.phase, event.level) for event in events]

    def unanswered_since_ns(self) -> int | None:
        return self.patience.ended_ns

    def acknowledged(self) -> bool:
        return self.arbiter.acknowledged

    def rises_at(self, rise_ns: int) -> None:
        """Nothing changes at frames 1 ms apart before `rise_ns`; there the level rises."""
        for t_ns in range(rise_ns - 60 * MS, rise_ns, MS):
            assert self.step(t_ns) == [], t_ns
        assert [phase for _, phase, _ in self.step(rise_ns)] == [RISE]


def test_nothing_at_first() -> None:
    arbiter = Desk().arbiter
    assert (arbiter.warning, arbiter.level, arbiter.onset_ns, arbiter.count) == (W.NONE, 0, None, 0)
    assert arbiter.acknowledged is False


def test_how_each_warning_is_given() -> None:
    distraction = Style(level=1, top_level=3, acoustic=1, haptic_from_level=2, sleep_class=False)
    assert {
        W.LONG_DISTRACTION: distraction,
        W.SHORT_DISTRACTION: distraction,
        W.PHONE_USE: distraction,
        W.DROWSY: Style(level=1, top_level=2, acoustic=2, haptic_from_level=2, sleep_class=True),
        W.MICROSLEEP: Style(level=2, top_level=3, acoustic=2, haptic_from_level=1, sleep_class=True),
        W.SLEEP: Style(level=3, top_level=3, acoustic=3, haptic_from_level=1, sleep_class=True),
        W.UNRESPONSIVE: Style(level=3, top_level=3, acoustic=3, haptic_from_level=1, sleep_class=True),
    } == STYLES


def test_the_most_urgent_that_is_due_begins_and_others_only_ask() -> None:
    desk = Desk()
    assert desk.step(S, LONG_DISTRACTION=D.WAIT, PHONE_USE=D.UNSEEN, SLEEP=D.EASING) == []
    assert desk.step(2 * S, LONG_DISTRACTION=D.DUE, MICROSLEEP=D.DUE) == [(W.MICROSLEEP, ONSET, 2)]
    assert (desk.arbiter.warning, desk.arbiter.level, desk.arbiter.onset_ns) == (W.MICROSLEEP, 2, 2 * S)
    assert desk.arbiter.count == 1
    assert desk.step(2 * S + MS) == []


def test_a_due_warning_gives_way_only_to_a_more_urgent_one() -> None:
    desk = Desk()
    desk.step(0, MICROSLEEP=D.DUE)
    assert desk.step(MS, LONG_DISTRACTION=D.DUE) == []
    assert desk.step(2 * MS, MICROSLEEP=D.EASING) == []
    assert desk.step(3 * MS, SLEEP=D.DUE) == [(W.MICROSLEEP, END, 2), (W.SLEEP, ONSET, 3)]
    assert (desk.arbiter.onset_ns, desk.arbiter.count) == (3 * MS, 2)


def test_one_that_eases_gives_way_to_a_more_urgent_one_too() -> None:
    desk = Desk()
    desk.step(0, LONG_DISTRACTION=D.DUE)
    assert desk.step(MS, LONG_DISTRACTION=D.EASING, SLEEP=D.DUE) == [(W.LONG_DISTRACTION, END, 1), (W.SLEEP, ONSET, 3)]


@pytest.mark.parametrize("waiting", [D.WAIT, D.UNSEEN, D.CLEAR])
def test_one_that_waits_gives_way_to_whatever_is_due(waiting: Demand) -> None:
    desk = Desk()
    desk.step(0, SLEEP=D.DUE)
    assert desk.step(MS, SLEEP=waiting, PHONE_USE=D.DUE) == [(W.SLEEP, END, 3), (W.PHONE_USE, ONSET, 1)]


def test_the_level_never_falls_within_a_class_but_begins_anew_in_the_other() -> None:
    desk = Desk(3 * S)
    desk.step(0, SHORT_DISTRACTION=D.DUE)
    assert desk.step(3 * S) == [(W.SHORT_DISTRACTION, RISE, 2)]
    assert desk.step(4 * S, PHONE_USE=D.DUE) == [(W.SHORT_DISTRACTION, END, 2), (W.PHONE_USE, ONSET, 2)]
    assert desk.step(5 * S, MICROSLEEP=D.DUE) == [(W.PHONE_USE, END, 2), (W.MICROSLEEP, ONSET, 2)]
    assert desk.step(6 * S, SLEEP=D.DUE, MICROSLEEP=D.WAIT) == [(W.MICROSLEEP, END, 2), (W.SLEEP, ONSET, 3)]
    # a prompt has no level 3
    assert desk.step(7 * S, SLEEP=D.WAIT, PHONE_USE=D.CLEAR, SHORT_DISTRACTION=D.CLEAR, DROWSY=D.DUE) == [
        (W.SLEEP, END, 3), (W.DROWSY, ONSET, 2),
    ]  # fmt: skip
    assert desk.step(8 * S, DROWSY=D.WAIT, PHONE_USE=D.DUE) == [(W.DROWSY, END, 2), (W.PHONE_USE, ONSET, 1)]


def test_answered_and_due_once_more_is_a_new_warning_and_unanswered_is_not() -> None:
    desk = Desk()
    desk.step(0, MICROSLEEP=D.DUE)
    desk.step(S, MICROSLEEP=D.EASING)
    desk.step(S + MS, MICROSLEEP=D.UNSEEN)
    assert desk.step(S + 2 * MS, MICROSLEEP=D.DUE) == []
    desk.step(S + 3 * MS, MICROSLEEP=D.WAIT)
    assert desk.step(S + 4 * MS, MICROSLEEP=D.DUE) == [(W.MICROSLEEP, END, 2), (W.MICROSLEEP, ONSET, 2)]
    assert desk.step(S + 5 * MS) == [], "answered before this onset is not answered now"
    assert desk.arbiter.count == 2


def test_distraction_rises_by_the_profiles_steps_and_no_further_than_the_top() -> None:
    desk = Desk(3 * S, 5 * S, 4 * S)
    desk.step(10 * S, LONG_DISTRACTION=D.DUE)
    assert desk.step(13 * S - 51 * MS) == []
    assert desk.step(13 * S - 50 * MS) == []
    assert desk.step(13 * S) == [(W.LONG_DISTRACTION, RISE, 2)]
    assert desk.unanswered_since_ns() is None
    assert desk.step(17 * S) == []
    assert desk.step(18 * S) == [(W.LONG_DISTRACTION, RISE, 3)]
    assert [desk.step(t * S) for t in range(19, 60)] == [[]] * 41
    assert desk.arbiter.level == 3


def test_since_when_it_stands_at_its_highest_level_unanswered_is_told_until_it_is_answered_or_over() -> None:
    desk = Desk(3 * S)
    desk.step(10 * S, LONG_DISTRACTION=D.DUE)
    desk.step(13 * S)
    assert desk.unanswered_since_ns() is None
    desk.step(14 * S)
    assert desk.unanswered_since_ns() == 13 * S
    desk.step(15 * S, LONG_DISTRACTION=D.WAIT)
    assert desk.unanswered_since_ns() is None
    desk = Desk()
    desk.step(S, PHONE_USE=D.DUE)
    desk.step(2 * S)
    assert desk.unanswered_since_ns() == S, "without steps the first level is the highest"
    desk.step(3 * S, PHONE_USE=D.CLEAR)
    assert desk.unanswered_since_ns() is None
    desk.step(4 * S, PHONE_USE=D.DUE)
    desk.step(5 * S)
    desk.step(6 * S, SLEEP=D.DUE)
    assert desk.unanswered_since_ns() is None
    desk.step(7 * S)
    desk.step(20 * S)
    assert desk.unanswered_since_ns() is None, "of the sleep class nobody waits for an answer"


@pytest.mark.parametrize(
    ("warning", "levels"), [(W.DROWSY, [2]), (W.MICROSLEEP, [3]), (W.SLEEP, []), (W.UNRESPONSIVE, [])]
)
def test_the_sleep_class_rises_after_three_seconds_to_its_top(warning: DriverWarning, levels: list[int]) -> None:
    desk = Desk(S)
    desk.rules[warning].answer = D.DUE
    desk.step(0)
    assert desk.step(3 * S - 200 * MS) == []
    assert [level for _, _, level in desk.step(3 * S)] == levels
    assert [desk.step(t * S) for t in range(4, 30)] == [[]] * 26


@pytest.mark.parametrize(("frame_ms", "early_ms"), [(40, 20), (100, 50), (250, 50)])
def test_a_rise_is_told_at_the_frame_nearest_to_its_time(frame_ms: int, early_ms: int) -> None:
    # frames lie so that one comes just as early as half a frame allows, or one nanosecond earlier and then the next
    for late_ns in (0, 1):
        desk = Desk(3 * S)
        desk.step(3 * S, LONG_DISTRACTION=D.DUE)
        first_ns = 6 * S - early_ms * MS - late_ns
        frames = range(first_ns - 8 * frame_ms * MS, first_ns, frame_ms * MS)
        assert [desk.step(t_ns) for t_ns in frames] == [[]] * 8
        assert bool(desk.step(first_ns)) is (late_ns == 0)
        assert bool(desk.step(first_ns + frame_ms * MS)) is (late_ns == 1)


def test_each_step_counts_from_when_the_one_before_was_due() -> None:
    desk = Desk(3 * S, 3 * S)
    desk.step(0, LONG_DISTRACTION=D.DUE)
    assert [level for _, _, level in desk.step(4 * S)] == [2]
    desk.step(5 * S + 940 * MS)
    assert desk.step(5 * S + 960 * MS) == []
    assert [level for _, _, level in desk.step(6 * S)] == [3]


@pytest.mark.parametrize(("late_ms", "counted_ms"), [(0, 0), (300, 300), (500, 500), (501, 0)])
def test_a_warning_that_was_due_for_a_while_rises_sooner(late_ms: int, counted_ms: int) -> None:
    desk = Desk(3 * S)
    desk.rules[W.LONG_DISTRACTION].late_ns = late_ms * MS
    desk.step(10 * S, LONG_DISTRACTION=D.DUE)
    desk.rises_at(13 * S - counted_ms * MS)


def test_time_unseen_and_easing() -> None:
    desk = Desk(3 * S)
    desk.step(0, LONG_DISTRACTION=D.DUE)
    desk.step(2 * S)
    assert desk.step(7 * S, LONG_DISTRACTION=D.UNSEEN) == []  # 5 s that do not count
    assert desk.step(8 * S - 100 * MS, LONG_DISTRACTION=D.DUE) == []
    assert desk.step(8 * S - 40 * MS, LONG_DISTRACTION=D.EASING) == []
    assert desk.step(9 * S) == [], "it does not rise while the driver is just answering"
    assert [level for _, _, level in desk.step(9 * S + MS, LONG_DISTRACTION=D.DUE)] == [2]


def test_unseen_time_counts_in_full() -> None:
    desk = Desk(3 * S)
    desk.step(10 * S, LONG_DISTRACTION=D.DUE)
    desk.step(11 * S, LONG_DISTRACTION=D.UNSEEN)
    desk.step(12 * S)
    desk.rules[W.LONG_DISTRACTION].answer = D.DUE
    desk.rises_at(15 * S)


def test_a_clear_warning_ends_but_not_before_its_shortest_time() -> None:
    desk = Desk()
    desk.step(5 * S, PHONE_USE=D.DUE)
    assert desk.step(5 * S + MS, PHONE_USE=D.CLEAR) == []
    assert desk.step(6 * S - 1) == []
    assert desk.step(6 * S) == [(W.PHONE_USE, END, 1)]
    assert (desk.arbiter.warning, desk.arbiter.level, desk.arbiter.onset_ns) == (W.NONE, 0, None)
    assert desk.step(7 * S) == []
    assert desk.step(8 * S, PHONE_USE=D.DUE) == [(W.PHONE_USE, ONSET, 1)]
    assert desk.arbiter.count == 2


def test_waiting_and_unseen_do_not_end_it() -> None:
    desk = Desk()
    desk.step(0, PHONE_USE=D.DUE)
    assert desk.step(5 * S, PHONE_USE=D.WAIT) == []
    assert desk.step(9 * S, PHONE_USE=D.UNSEEN) == []
    assert desk.arbiter.warning is W.PHONE_USE


def test_where_nothing_is_judged_it_ends_at_once() -> None:
    desk = Desk()
    assert desk.step(0, active=False, SLEEP=D.DUE) == []
    assert desk.step(S) == [(W.SLEEP, ONSET, 3)]
    assert desk.step(S + MS, active=False) == [(W.SLEEP, END, 3)]
    assert desk.step(S + 2 * MS, active=False) == []


def test_the_button_is_taken_for_the_warning_that_is_given_and_no_other() -> None:
    desk = Desk()
    desk.step(0, pressed=True)
    assert desk.acknowledged() is False
    desk.step(S, LONG_DISTRACTION=D.DUE)
    assert desk.acknowledged() is False
    desk.step(2 * S, pressed=True)
    desk.step(3 * S)
    assert desk.acknowledged() is True
    desk.step(4 * S, SLEEP=D.DUE)
    assert desk.acknowledged() is False
    desk.step(5 * S, pressed=True)
    desk.step(6 * S, SLEEP=D.CLEAR, LONG_DISTRACTION=D.CLEAR)
    assert (desk.arbiter.warning, desk.arbiter.acknowledged) == (W.NONE, False)
