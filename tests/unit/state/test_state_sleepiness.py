"""The estimate of sleepiness at its edges: the scales it is read from, and each sign that supports it."""

from __future__ import annotations

import math

import pytest
from set_timers import MS, S, SetClosures

from watchkeeper.state.baseline import Baseline
from watchkeeper.state.lid_readings import LidReading, LidReadings
from watchkeeper.state.sleepiness import Sleepiness
from watchkeeper.types import Eye, Head, Measurement, Mouth

T0 = 5 * S
MINUTE_NS = 60 * S


class Driver:
    """A driver whose lids are set by hand. `judged` gives the level that is told first, after a minute of seen time."""

    def __init__(self, closed_ns: int = 0, baseline: Baseline | None = None) -> None:
        """closed_ns: of the minute."""
        self.closures = SetClosures()
        self.sleepiness = Sleepiness(self.closures, baseline if baseline is not None else Baseline())
        self.t_ns = T0
        self._seen, self._seen_ns = False, 0
        self.lids(False)
        if closed_ns:
            self.lids(True, closed_ns, after_ns=100 * MS).lids(False, after_ns=100 * MS)

    def lids(self, closed_now: bool | None, closed_ns: int | None = None, after_ns: int = 0) -> Driver:
        """A step without a frame of which more than the lids is known."""
        return self.frame(None, closed_now, closed_ns, after_ns)

    def frame(
        self, m: Measurement | None, closed_now: bool | None, closed_ns: int | None = None, after_ns: int = 100 * MS
    ) -> Driver:
        """One frame, of which `m` is known."""
        self.t_ns += after_ns
        if closed_now is not None:
            self._seen_ns += min(after_ns, 500 * MS if self._seen else 200 * MS)
        self._seen = closed_now is not None
        self.closures.show(closed_now, closed_ns)
        self.sleepiness.step(m, self.t_ns)
        return self

    def judged(self, at_ns: int | None = None) -> int | None:
        """The level that is told first, at this time on the driver's clock (as soon as can be by default)."""
        while self._seen_ns < MINUTE_NS - 500 * MS:
            self.lids(False, after_ns=min(500 * MS if self._seen else 200 * MS, MINUTE_NS - 500 * MS - self._seen_ns))
        assert self.sleepiness.kss is None
        if at_ns is not None:
            self.t_ns = at_ns - 500 * MS
        self.lids(None).lids(False, after_ns=200 * MS)
        self.lids(False, after_ns=MINUTE_NS - self._seen_ns)
        assert self.sleepiness.perclos is not None
        return self.sleepiness.kss

    def yawn(self, lasted_ns: int = 2 * S, opened: float = 0.5) -> Driver:
        """In time in which the lids are not seen; a pause of 3 s after it."""
        for k in range(0, lasted_ns, 400 * MS):
            self.frame(_mouth(opened), None, after_ns=400 * MS if k else 0)
        self.frame(_mouth(opened), None, after_ns=lasted_ns - (lasted_ns - 1) // (400 * MS) * 400 * MS)
        self.t_ns += 3 * S
        return self

    def nod(self, fallen_deg: float = 12.0, closed_ns: int = 500 * MS) -> Driver:
        self.frame(_head(3.0), None)
        return self.frame(_head(3.0 - fallen_deg), True, closed_ns)


def _mouth(opened: float) -> Measurement:
    return Measurement(0, mouth=Mouth(opened))


def _head(pitch_deg: float) -> Measurement:
    return Measurement(0, head=Head(0.0, pitch_deg, 0.0))


def _share(share: float) -> int:
    return round(share * 60 * S)


def test_no_level_before_a_minute_was_seen() -> None:
    driver = Driver()
    assert (driver.sleepiness.kss, driver.sleepiness.perclos, driver.sleepiness.long_closure_ns) == (None, None, None)
    assert driver.judged() == 3
    assert driver.sleepiness.perclos == 0.0


@pytest.mark.parametrize(
    ("share", "level"),
    [
        (0.0124, 3), (0.0126, 4), (0.0374, 4), (0.0376, 5), (0.0624, 5), (0.0626, 6), (0.075, 6),
        (0.0937, 6), (0.0938, 7), (0.1312, 7), (0.1313, 8), (0.15, 8), (0.199, 8), (0.201, 9), (0.25, 9), (0.9, 9),
    ],
)  # fmt: skip
def test_perclos_to_the_scale(share: float, level: int) -> None:
    assert Driver(_share(share)).judged() == level


def _with_closures(long_ones: int, short_ones: int, perclos: float) -> int | None:
    """The level after so many closures a minute ago, and one more that makes this share of the minute."""
    driver = Driver()
    for k in range(long_ones + short_ones):
        driver.lids(True, 600 * MS if k < long_ones else 200 * MS, after_ns=500 * MS).lids(False, after_ns=500 * MS)
    for _ in range(122):
        driver.lids(False, after_ns=500 * MS)
    driver.lids(True, _share(perclos), after_ns=500 * MS).lids(False, after_ns=500 * MS)
    assert driver.sleepiness.perclos == pytest.approx(perclos)
    driver.sleepiness.kss = None  # as if it was told for the first time, without what was told before
    return driver.lids(False).sleepiness.kss


@pytest.mark.parametrize(
    ("long_ones", "short_ones", "perclos", "level"),
    [
        # all of them long, 9: a PERCLOS that says 4.04 makes 6.52, one that says 3.96 makes 6.48
        (10, 0, 0.0260, 7), (10, 0, 0.0240, 6),
        # 13 of 20, 8.42: 4.60 makes 6.51, 4.56 makes 6.49
        (12, 7, 0.0401, 7), (12, 7, 0.0390, 6),
        # 5 of 20, 7: 4.02 makes 5.51, 3.98 makes 5.49
        (4, 15, 0.0255, 6), (4, 15, 0.0245, 5),
        # 1 of 11, 5.73: 5.30 makes 5.51, 5.24 makes 5.48
        (0, 10, 0.0575, 6), (0, 10, 0.0560, 5),
    ],
)  # fmt: skip
def test_long_closures_lift_the_level_half_way(long_ones: int, short_ones: int, perclos: float, level: int) -> None:
    assert _with_closures(long_ones, short_ones, perclos) == level


def test_long_closures_never_lower_it() -> None:
    assert _with_closures(0, 25, 0.15) == 8


@pytest.mark.parametrize(("closed_ns", "level"), [(1125 * MS, 4), (1124 * MS, 3)])
def test_the_level_follows_from_three_quarters_on(closed_ns: int, level: int) -> None:
    driver = Driver()
    assert driver.judged() == 3
    # a quarter of the way from 3 to 6 is 3.75
    driver.lids(True, closed_ns, after_ns=500 * MS).lids(False, after_ns=500 * MS)
    assert driver.sleepiness.kss == level


def test_the_level_stays_while_the_estimate_is_near() -> None:
    driver = Driver()
    for _ in range(20):
        driver.lids(False, after_ns=500 * MS)
    driver.lids(True, _share(0.0550), after_ns=500 * MS).lids(False, after_ns=500 * MS)
    assert driver.judged() == 5, "5.2"
    driver.lids(True, 540 * MS, after_ns=500 * MS).lids(False, after_ns=500 * MS)
    assert driver.sleepiness.kss == 5, "5.56"
    driver.lids(True, 600 * MS, after_ns=500 * MS).lids(False, after_ns=500 * MS)
    assert driver.sleepiness.kss == 6, "5.96"


# --- signs that support it --------------------------------------------------------------------------------------------

ONE = _share(0.0825)  # 6.2: with one sign 6.7, told as 7


def test_a_level_below_questionable_is_not_lifted() -> None:
    assert Driver(_share(0.0749)).yawn().yawn().nod().judged() == 6
    assert Driver(_share(0.0600)).yawn().yawn().nod().judged() == 5


def test_at_questionable_two_signs_make_a_level() -> None:
    assert Driver(_share(0.075)).yawn().yawn().judged() == 6, "6.5, rounded to even"
    assert Driver(_share(0.075)).yawn().yawn().nod().judged() == 7


def test_signs_go_no_further_than_fighting_sleep() -> None:
    assert Driver(_share(0.25)).yawn().yawn().nod().judged() == 9


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
            driver.frame(_mouth(math.nan if 8 <= k < 12 else 0.6), None)
        driver.t_ns += 3 * S
    assert driver.judged() == 7
    driver = Driver(ONE)
    for _ in range(2):
        for k in range(21):
            driver.frame(_mouth(0.1 if 8 <= k < 12 else 0.6), None)
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
    fallen = Driver(ONE).frame(_head(0.0), False).frame(_head(-13.0), True).frame(_head(-13.0), True, 500 * MS)
    assert fallen.judged() == 7
    sunk = Driver(ONE).frame(_head(0.0), False).frame(_head(-13.0), None).frame(_head(-13.0), True, 500 * MS)
    assert sunk.judged() == 6


@pytest.mark.parametrize("before", [Measurement(0), _head(math.inf), _head(math.nan)])
def test_without_a_head_before_it_there_is_no_nod(before: Measurement) -> None:
    assert Driver(ONE).frame(before, False).frame(_head(-40.0), True, 500 * MS).judged() == 6


@pytest.mark.parametrize("during", [Measurement(0), _head(-math.inf), _head(math.nan)])
def test_without_a_head_during_it_there_is_no_nod(during: Measurement) -> None:
    assert Driver(ONE).frame(_head(0.0), False).frame(during, True, 500 * MS).judged() == 6


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
    share = _share(0.08475)
    drooping = Driver(share).frame(_eyes(1.0, 1.0), False)
    for _ in range(104):
        drooping.frame(HALF, False, after_ns=200 * MS)
    assert drooping.yawn().yawn().nod().judged() == 8
    assert Driver(share).yawn().yawn().nod().judged() == 7
