"""Percentiles against the definition: the smallest value that at least that share of the values does not exceed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.trace.histogram import Window
from watchkeeper.trace.stages import Stage, StageTimes


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=50), st.floats(0.01, 1.0))
def test_percentile_is_nearest_rank(values: list[int], share: float) -> None:
    window = Window(64)
    for value in values:
        window.add(value)
    rank = max(1, math.ceil(share * len(values)))
    assert window.percentile(share)[0] == sorted(values)[rank - 1]


def test_oldest_values_fall_out() -> None:
    window = Window(3)
    for value in (100, 1, 2, 3):
        window.add(value)
    assert window.percentile(1.0) == (3,)
    assert window.count == 4


def test_empty_window_is_zero_and_size_is_checked() -> None:
    assert Window(1).percentile(0.5, 0.99) == (0, 0)
    with pytest.raises(ValueError, match="at least 1"):
        Window(0)


def test_stage_durations_add_up_to_the_latency() -> None:
    times = StageTimes()
    times.add([0, 1_000_000, 9_000_000, 9_500_000, 10_000_000])
    medians = times.median_ms()
    assert medians == {"taken": 1.0, "measured": 8.0, "judged": 0.5, "published": 0.5}
    assert times.latency_ms() == (10.0, 10.0)
    assert sum(medians.values()) == pytest.approx(10.0)
    assert len(Stage) == 5
