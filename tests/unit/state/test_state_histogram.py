"""Medians over time: bins, ends of the scale, weights."""

from __future__ import annotations

import pytest

from watchkeeper.state.histogram import TimeHistogram


def _median(*spent: tuple[float, int], low: float = -60.0, high: float = 60.0) -> float | None:
    """Of (value, ns) on a scale with 120 bins, one wide unless said otherwise."""
    histogram = TimeHistogram(low, high)
    for value, dt_ns in spent:
        histogram.add(value, dt_ns)
    assert histogram.weight_ns == sum(dt_ns for _, dt_ns in spent)
    return histogram.median()


def test_nothing_counted_has_no_median() -> None:
    assert _median() is None
    assert _median((10.2, 0)) is None
    assert _median((10.2, 1)) == 10.5


def test_a_value_stands_in_the_middle_of_its_bin() -> None:
    assert _median((10.2, 10)) == 10.5
    assert _median((-10.2, 10)) == -10.5
    assert _median((0.37, 10), low=0.0, high=1.2) == pytest.approx(0.375)


@pytest.mark.parametrize(("value", "end"), [(-60.0, -59.5), (-1000.0, -59.5), (60.0, 59.5), (1000.0, 59.5)])
def test_beyond_the_scale_counts_at_its_end(value: float, end: float) -> None:
    assert _median((value, 10)) == end


def test_time_counts_and_not_the_number_of_samples() -> None:
    assert _median((10.0, 1), (10.0, 1), (10.0, 1), (20.0, 100)) == pytest.approx(20.485)
    assert _median((10.0, 30), (20.0, 10), (30.0, 10)) == pytest.approx(10 + 25 / 30)
    assert _median((10.0, 10), (20.0, 10), (30.0, 30)) == pytest.approx(30 + 5 / 30)


def test_half_the_time_below_is_the_upper_end_of_what_lies_below() -> None:
    assert _median((10.0, 10), (50.0, 10)) == 11.0
    assert _median((10.0, 10), (50.0, 11)) == pytest.approx(50 + 0.5 / 11)
