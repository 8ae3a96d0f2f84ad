"""The estimate of sleepiness at its edges: the scales it is read from."""

from __future__ import annotations

import pytest
from set_timers import MS
from sleepy_driver import Driver, share_ns


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
    assert Driver(share_ns(share)).judged() == level


def _with_closures(long_ones: int, short_ones: int, perclos: float) -> int | None:
    """The level after so many closures a minute ago, and one more that makes this share of the minute."""
    driver = Driver()
    for k in range(long_ones + short_ones):
        driver.lids(True, 600 * MS if k < long_ones else 200 * MS, after_ns=500 * MS).lids(False, after_ns=500 * MS)
    for _ in range(122):
        driver.lids(False, after_ns=500 * MS)
    driver.lids(True, share_ns(perclos), after_ns=500 * MS).lids(False, after_ns=500 * MS)
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
    driver.lids(True, share_ns(0.0550), after_ns=500 * MS).lids(False, after_ns=500 * MS)
    assert driver.judged() == 5, "5.2"
    driver.lids(True, 540 * MS, after_ns=500 * MS).lids(False, after_ns=500 * MS)
    assert driver.sleepiness.kss == 5, "5.56"
    driver.lids(True, 600 * MS, after_ns=500 * MS).lids(False, after_ns=500 * MS)
    assert driver.sleepiness.kss == 6, "5.96"
