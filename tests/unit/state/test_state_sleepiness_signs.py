"""The estimate of sleepiness at its edges: yawns, nods and drooping lids, which support it and never make it."""

from __future__ import annotations

import math

import pytest
from set_timers import MS, S
from sleepy_driver import Driver, head, mouth, share_ns

from watchkeeper.state.baseline import Baseline
from watchkeeper.state.lid_readings import LidReading, LidReadings
from watchkeeper.types import Eye, Measurement

ONE = share_ns(0.0825)  # 6.2: with one sign 6.7, told as 7


def test_a_level_below_questionable_is_not_lifted() -> None:
    assert Driver(share_ns(0.0749)).yawn().yawn().nod().judged() == 6
    assert Driver(share_ns(0.0600)).yawn().yawn().nod().judged() == 5


def test_at_questionable_two_signs_make_a_level() -> None:
    assert Driver(share_ns(0.075)).yawn().yawn().judged() == 6, "6.5, rounded to even"
    assert Driver(share_ns(0.075)).yawn().yawn().nod().judged() == 7


def test_signs_go_no_further_than_fighting_sleep() -> None:
    assert Driver(share_ns(0.25)).yawn().yawn().nod().judged() == 9


def test_one_yawn_is_nothing_and_two_are_a_sign() -> None:
    assert Driver(ONE).yawn().judged() == 6
    assert Driver(ONE).yawn(20 * S).judged() == 6, "a long one is one"
    assert Driver(ONE).yawn().yawn().judged() == 7
    assert Driver(ONE).yawn().yawn().yawn().judged() == 7


@pytest.mark.parametrize(
    ("lasted_ns", "opened", "level"), [(2 * S, 0.5, 7), (2 * S - 1, 0.5, 6), (2 * S, 0.49, 6), (3 * S, 1.0, 7)]
)
def test_a_yawn_is_two_seconds_of_a_mouth_half_open(lasted_ns: int, opened: float, level: int) -> None:
    assert Driver(ONE).yawn(lasted_ns, opened).yawn(lasted_ns, opened).judged() == level


def test_a_mouth_that_is_not_measured_for_a_while_does_not_end_a_yawn() -> None:
    driver = Driver(ONE)
    for _ in range(2):
        for k in range(21):
            driver.frame(mouth(math.nan if 8 <= k < 12 else 0.6), None)
        driver.t_ns += 3 * S
    assert driver.judged() == 7
    driver = Driver(ONE)
    for _ in range(2):
        for k in range(21):
            driver.frame(mouth(0.1 if 8 <= k < 12 else 0.6), None)
        driver.t_ns += 3 * S
    assert driver.judged() == 6


@pytest.mark.parametrize(("later_ns", "level"), [(0, 7), (1, 6)])
def test_two_yawns_support_for_three_minutes_from_the_first(later_ns: int, level: int) -> None:
    driver = Driver(ONE)
    first_ns = driver.t_ns + 2 * S
    driver.yawn()
    driver.t_ns += 100 * S
    assert driver.yawn().judged(first_ns + 180 * S + later_ns) == level


def test_of_three_yawns_the_newest_two_count() -> None:
    driver = Driver(ONE).yawn()
    driver.t_ns += 100 * S
    second_ns = driver.t_ns + 2 * S
    assert driver.yawn().yawn().judged(second_ns + 180 * S) == 7


@pytest.mark.parametrize(
    ("fallen_deg", "closed_ns", "level"),
    [(12.0, 500 * MS, 7), (11.9, 500 * MS, 6), (12.0, 500 * MS - 1, 6), (30.0, 500 * MS, 7), (-30.0, 500 * MS, 6)],
)
def test_a_nod_is_a_head_fallen_by_twelve_degrees_behind_closed_lids(
    fallen_deg: float, closed_ns: int, level: int
) -> None:
    assert Driver(ONE).nod(fallen_deg, closed_ns).judged() == level


@pytest.mark.parametrize(("later_ns", "level"), [(0, 7), (1, 6)])
def test_a_nod_supports_for_three_minutes(later_ns: int, level: int) -> None:
    driver = Driver(ONE).nod()
    assert driver.judged(driver.t_ns + 180 * S + later_ns) == level


def test_a_nod_is_counted_from_the_last_frame_before_the_lids_fell() -> None:
    # the frames in which lids have fallen and the timer has not turned yet may show the head fallen already
    fallen = Driver(ONE).frame(head(0.0), False).frame(head(-13.0), True).frame(head(-13.0), True, 500 * MS)
    assert fallen.judged() == 7
    sunk = Driver(ONE).frame(head(0.0), False).frame(head(-13.0), None).frame(head(-13.0), True, 500 * MS)
    assert sunk.judged() == 6


@pytest.mark.parametrize("before", [Measurement(0), head(math.inf), head(math.nan)])
def test_without_a_head_before_it_there_is_no_nod(before: Measurement) -> None:
    assert Driver(ONE).frame(before, False).frame(head(-40.0), True, 500 * MS).judged() == 6


@pytest.mark.parametrize("during", [Measurement(0), head(-math.inf), head(math.nan)])
def test_without_a_head_during_it_there_is_no_nod(during: Measurement) -> None:
    assert Driver(ONE).frame(head(0.0), False).frame(during, True, 500 * MS).judged() == 6


# --- drooping lids ----------------------------------------------------------------------------------------------------


def _eyes(left: float | None, right: float | None) -> Measurement:
    return Measurement(
        0, left_eye=Eye(left) if left is not None else None, right_eye=Eye(right) if right is not None else None
    )


def _droop(
    frames: int,
    m: Measurement,
    *,
    wide: int = 0,
    closed_now: bool | None = False,
    each_ns: int = 200 * MS,
    baseline: Baseline | None = None,
) -> int | None:
    """The level after so many frames of these eyes, after some of wide open ones."""
    driver = Driver(ONE, baseline).frame(_eyes(1.0, 1.0), False)
    for _ in range(wide):
        driver.frame(_eyes(1.2, 1.2), False)
    for _ in range(frames):
        driver.frame(m, closed_now, after_ns=each_ns)
    return driver.judged()


# The mean of half open eyes falls below 0.75 after ln 2 of its 30 s, 20.8 s: 104 frames of both eyes at 5 frames/s.
HALF = _eyes(0.5, 0.5)


@pytest.mark.parametrize(("frames", "level"), [(103, 6), (104, 7)])
def test_lids_that_droop_for_a_while_are_a_sign(frames: int, level: int) -> None:
    assert _droop(frames, HALF) == level


@pytest.mark.parametrize(
    "m",
    [_eyes(0.5, None), _eyes(None, 0.5), _eyes(0.5, math.nan), Measurement(0, left_eye=Eye(None), right_eye=Eye(0.5))],
)
def test_one_eye_that_is_seen_takes_twice_as_long(m: Measurement) -> None:
    assert (_droop(207, m), _droop(208, m)) == (6, 7)


@pytest.mark.parametrize("opening", [0.0, -5.0])
def test_shut_is_the_least_an_eye_can_be_open(opening: float) -> None:
    assert (_droop(43, _eyes(opening, opening)), _droop(44, _eyes(opening, opening))) == (6, 7)


def test_wide_is_no_more_than_open() -> None:
    assert _droop(104, HALF, wide=100) == 7


def test_open_is_what_this_drivers_eyes_read() -> None:
    baseline = Baseline()
    baseline.lids = LidReadings((LidReading(0.8, None), LidReading()))
    m = _eyes(0.4, 0.4)
    assert (_droop(103, m, baseline=baseline), _droop(104, m, baseline=baseline)) == (6, 7)


def test_a_frame_of_drooping_lids_speaks_for_its_time_and_for_two_hundred_milliseconds_at_most() -> None:
    assert (_droop(103, HALF, each_ns=400 * MS), _droop(104, HALF, each_ns=400 * MS)) == (6, 7)
    assert (_droop(207, HALF, each_ns=100 * MS), _droop(208, HALF, each_ns=100 * MS)) == (6, 7)


@pytest.mark.parametrize("closed_now", [True, None])
def test_lids_that_are_shut_or_unseen_do_not_droop(closed_now: bool | None) -> None:
    assert _droop(150, HALF, closed_now=closed_now) == 6


def test_no_sign_alone_makes_two() -> None:
    # 6.26: one sign 6.76, two 7.26, three 7.76
    share = share_ns(0.08475)
    drooping = Driver(share).frame(_eyes(1.0, 1.0), False)
    for _ in range(104):
        drooping.frame(HALF, False, after_ns=200 * MS)
    assert drooping.yawn().yawn().nod().judged() == 8
    assert Driver(share).yawn().yawn().nod().judged() == 7
