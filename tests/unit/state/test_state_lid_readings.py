"""How a driver's lids read: which blinks teach it, from how many on, and when the other pair holds."""

from __future__ import annotations

import math

import pytest

from watchkeeper.state.lid_readings import LidReading, LidReadings

S, MS = 1_000_000_000, 1_000_000
T0 = 3 * S
NOTHING = LidReading()


class Eyes:
    """Eyes that blink: frames every 100 ms unless said otherwise."""

    def __init__(self, first: LidReading = NOTHING, second: LidReading = NOTHING, present: int = 0) -> None:
        self.lids = LidReadings((first, second), present)
        self.t_ns = T0

    def frame(self, opening: float | None, after_ns: int = 100 * MS, counts: bool = True) -> Eyes:
        self.t_ns += after_ns
        self.lids.step(opening, counts, self.t_ns)
        return self

    def blink(self, *lowest: float) -> Eyes:
        for value in lowest:
            self.frame(1.0).frame(value).frame(1.0)
        return self

    @property
    def closed(self) -> float | None:
        return self.lids.known[self.lids.present].closed


def test_nothing_is_known_at_first() -> None:
    lids = LidReadings()
    assert lids.known == (NOTHING, NOTHING)
    assert (lids.present, lids.is_blink, lids.open) == (0, False, 1.0)
    assert lids.threshold(0.25) == 0.25


# --- which blinks teach -----------------------------------------------------------------------------------------------


def test_a_closed_reading_is_known_from_four_blinks_on_and_is_a_low_one_of_them() -> None:
    eyes = Eyes().blink(0.24, 0.20, 0.16)
    assert eyes.closed is None
    assert eyes.blink(0.28).closed == 0.20, "the second lowest of four"
    assert eyes.lids.known[1] == NOTHING


def test_it_is_frozen_after_twelve_blinks() -> None:
    values = [0.20 + 0.01 * k for k in range(11)]
    eyes = Eyes().blink(*values)
    assert eyes.closed == values[2]
    assert eyes.blink(0.31).closed == values[3]
    assert eyes.blink(0.15, 0.15, 0.15, 0.15, 0.15).closed == values[3]


def test_a_reading_that_was_handed_in_is_not_learned_again() -> None:
    eyes = Eyes(LidReading(1.0, 0.20)).blink(*[0.10] * 12)
    assert eyes.closed == 0.20


def test_the_lowest_frame_of_a_blink_counts() -> None:
    eyes = Eyes()
    for _ in range(4):
        eyes.frame(1.0).frame(0.5).frame(0.2).frame(0.3).frame(1.0)
    assert eyes.closed == 0.2


@pytest.mark.parametrize(("open_after_ns", "learned"), [(200 * MS, True), (200 * MS + 1, False)])
def test_a_blink_lasts_half_a_second_at_most(open_after_ns: int, learned: bool) -> None:
    eyes = Eyes()
    for _ in range(4):
        eyes.frame(1.0).frame(0.2).frame(0.2, 150 * MS).frame(0.2, 150 * MS).frame(1.0, open_after_ns)
    assert (eyes.closed is not None) is learned


@pytest.mark.parametrize(("gap_ns", "learned"), [(200 * MS, True), (200 * MS + 1, False)])
def test_a_gap_of_more_than_two_hundred_ms_spoils_a_blink(gap_ns: int, learned: bool) -> None:
    eyes = Eyes()
    for _ in range(4):
        eyes.frame(1.0).frame(0.2).frame(0.2, gap_ns).frame(1.0)
    assert (eyes.closed is not None) is learned


def test_a_frame_without_lids_spoils_the_blink_around_it_and_no_other() -> None:
    eyes = Eyes()
    for _ in range(6):
        eyes.frame(1.0).frame(0.2).frame(None)
        assert not eyes.lids.is_blink
        eyes.frame(0.2).frame(1.0)
    assert eyes.closed is None
    assert eyes.blink(0.2, 0.2, 0.2, 0.2).closed == 0.2


def test_a_gap_before_a_blink_does_not_spoil_it() -> None:
    eyes = Eyes()
    for _ in range(4):
        eyes.frame(1.0, S).frame(0.2).frame(1.0)
    assert eyes.closed == 0.2


def test_only_blinks_that_count_as_they_end_teach() -> None:
    eyes = Eyes()
    for _ in range(5):
        eyes.frame(1.0).frame(0.2).frame(1.0, counts=False)
    assert eyes.closed is None
    for _ in range(4):
        eyes.frame(1.0).frame(0.2, counts=False).frame(1.0)
    assert eyes.closed == 0.2


def test_a_blink_that_the_first_frame_shows_counts() -> None:
    assert Eyes().frame(0.2).frame(1.0).blink(0.2, 0.2, 0.2).closed == 0.2


@pytest.mark.parametrize(("lowest", "learned"), [(0.45, True), (0.46, False)])
def test_what_reads_higher_than_glasses_explain_is_not_shut(lowest: float, learned: bool) -> None:
    assert (Eyes().blink(*[lowest] * 4).closed is not None) is learned


@pytest.mark.parametrize(("open_reading", "edge"), [(1.0, 0.65), (0.8, 0.8 * 0.65)])
def test_a_blink_begins_below_a_share_of_this_drivers_open_eye(open_reading: float, edge: float) -> None:
    eyes = Eyes(LidReading(open_reading, None))
    assert not eyes.frame(edge).lids.is_blink
    assert eyes.frame(math.nextafter(edge, 0.0)).lids.is_blink
    assert eyes.frame(0.1).lids.is_blink
    assert not eyes.frame(edge).lids.is_blink


# --- open readings and thresholds -------------------------------------------------------------------------------------


def test_an_open_reading_is_known_after_ten_seconds_and_frozen_after_sixty() -> None:
    lids = LidReadings()
    lids.learn_open(0.8, 10 * S - 1)
    assert lids.open == 1.0
    lids.learn_open(0.8, 1)
    assert lids.open == pytest.approx(0.8, abs=0.01)
    lids.learn_open(0.8, 50 * S - 1)
    lids.learn_open(1.1, 1)
    lids.learn_open(1.1, 500 * S)
    assert lids.open == pytest.approx(0.8, abs=0.01)


def test_an_open_reading_that_was_handed_in_is_not_learned_again() -> None:
    lids = LidReadings((LidReading(0.8, None), NOTHING))
    lids.learn_open(1.1, 500 * S)
    assert lids.open == 0.8


@pytest.mark.parametrize(("opening", "reads"), [(0.6, 0.6), (0.59, 1.0)])
def test_drooping_lids_are_not_learned_as_open(opening: float, reads: float) -> None:
    lids = LidReadings()
    lids.learn_open(opening, 30 * S)
    assert lids.open == pytest.approx(reads, abs=0.01)


@pytest.mark.parametrize(("handed_in", "reads"), [(0.3, 0.6), (0.7, 0.7), (1.1, 1.1), (1.5, 1.2)])
def test_the_open_reading_stays_within_bounds(handed_in: float, reads: float) -> None:
    assert LidReadings((LidReading(handed_in, None), NOTHING)).open == reads


@pytest.mark.parametrize(
    ("closed", "open_reading", "threshold"),
    [
        (0.10, 1.0, 0.40),  # what the usual threshold allows for anyway
        (0.20, 1.0, 0.20 + 0.4 * 0.8),
        (0.20, 0.8, 0.20 + 0.4 * 0.6),
        (0.11, 0.6, 0.40),  # never laxer than the share itself
    ],
)
def test_thresholds_lie_between_the_two_readings(closed: float, open_reading: float, threshold: float) -> None:
    lids = LidReadings((LidReading(open_reading, closed), NOTHING))
    assert lids.threshold(0.40) == pytest.approx(threshold)


def test_the_pair_that_is_present_is_the_one_that_holds() -> None:
    pairs = LidReading(0.9, 0.05), LidReading(0.8, 0.30)
    assert (LidReadings(pairs).open, LidReadings(pairs).threshold(0.25)) == (0.9, 0.25)
    second = LidReadings(pairs, present=1)
    assert second.open == 0.8
    assert second.threshold(0.25) == pytest.approx(0.30 + 0.25 * 0.5)
    assert second.known == pairs


# --- something put in front of the eyes or taken away -----------------------------------------------------------------


@pytest.mark.parametrize("present", [0, 1])
def test_six_higher_blinks_in_a_row_are_another_pair(present: int) -> None:
    usual = LidReading(1.0, 0.05)
    eyes = Eyes(*((usual, NOTHING) if present == 0 else (NOTHING, usual)), present)
    assert eyes.blink(*[0.30] * 5).lids.present == present
    assert eyes.blink(0.34).lids.present == 1 - present
    assert eyes.closed == 0.30
    assert eyes.lids.known[present] == usual


def test_a_usual_blink_between_them_begins_the_count_anew() -> None:
    eyes = Eyes(LidReading(1.0, 0.05)).blink(*[0.30] * 5, 0.05, *[0.30] * 5)
    assert eyes.lids.present == 0
    assert eyes.blink(0.30).lids.present == 1


def test_blinks_that_do_not_agree_with_each_other_are_not_a_pair() -> None:
    eyes = Eyes(LidReading(1.0, 0.05)).blink(*[0.22, 0.40] * 10)
    assert eyes.lids.present == 0


def test_four_higher_blinks_are_enough_where_they_fit_the_other_pair() -> None:
    eyes = Eyes(LidReading(1.0, 0.05), LidReading(0.9, 0.30))
    assert eyes.blink(0.30, 0.30, 0.30).lids.present == 0
    eyes.blink(0.30)
    assert (eyes.lids.present, eyes.lids.known) == (1, (LidReading(1.0, 0.05), LidReading(0.9, 0.30)))


def test_two_deep_blinks_are_enough_where_they_fit_the_other_pair() -> None:
    eyes = Eyes(LidReading(1.0, 0.05), LidReading(0.9, 0.30), present=1)
    assert eyes.blink(0.05).lids.present == 1
    assert eyes.blink(0.05).lids.present == 0


def test_four_deep_blinks_are_another_pair_where_none_is_known() -> None:
    eyes = Eyes(LidReading(1.0, 0.40))
    assert eyes.blink(0.10, 0.10, 0.10).lids.present == 0
    assert eyes.blink(0.10).lids.present == 1
    assert eyes.lids.known == (LidReading(1.0, 0.40), LidReading(None, 0.10))


def test_the_same_is_up_to_three_times_the_noise() -> None:
    # 0.10 and 0.25 read the same, one step of the number further does not
    assert Eyes(LidReading(1.0, 0.10)).blink(*[0.25] * 20).lids.present == 0
    assert Eyes(LidReading(1.0, 0.10)).blink(*[0.2500001] * 6).lids.present == 1
    # the other pair at 0.10: 0.25 fits it, and it is kept
    fits = Eyes(LidReading(1.0, 0.42), LidReading(1.0, 0.10)).blink(0.25, 0.25)
    assert (fits.lids.present, fits.lids.known[1]) == (1, LidReading(1.0, 0.10))
    # 0.10 and 0.25 in turn agree with each other
    assert Eyes(LidReading(1.0, 0.42), NOTHING).blink(0.10, 0.25, 0.10, 0.25).lids.present == 1


def test_the_middle_of_the_blinks_says_whether_the_other_pair_holds() -> None:
    # the newest one fits the other pair, but the higher of the two does not: learned anew
    eyes = Eyes(LidReading(1.0, 0.45), LidReading(1.0, 0.10)).blink(0.27, 0.20)
    assert (eyes.lids.present, eyes.lids.known[1]) == (1, NOTHING)
    assert eyes.blink(0.20, 0.20).closed == 0.20, "with the two that changed it"


def test_open_eyes_teach_nothing_while_blinks_do_not_fit() -> None:
    eyes = Eyes(LidReading(None, 0.05)).blink(0.30)
    eyes.lids.learn_open(0.8, 30 * S)
    assert eyes.lids.open == 1.0
    eyes.blink(0.05).lids.learn_open(0.8, 30 * S)
    assert eyes.lids.open == pytest.approx(0.8, abs=0.01)


def test_after_a_change_open_eyes_teach_the_new_pair() -> None:
    eyes = Eyes(LidReading(1.0, 0.05)).blink(*[0.30] * 6)
    eyes.lids.learn_open(0.8, 30 * S)
    assert eyes.lids.known[0] == LidReading(1.0, 0.05)
    assert eyes.lids.known[1].open == pytest.approx(0.8, abs=0.01)
