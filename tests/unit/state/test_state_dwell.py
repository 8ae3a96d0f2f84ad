"""Dwell: timers from noisy samples at uneven times."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.state.dwell import Dwell

MS = 1_000_000


def _fed(samples: Sequence[tuple[int, bool | None]], hold_ms: int = 150) -> Dwell:
    dwell = Dwell(hold_ms * MS, hold_ms * MS)
    for t_ms, raw in samples:
        dwell.step(raw, t_ms * MS)
    return dwell


def test_turns_late_but_dates_back_to_half_way() -> None:
    dwell = _fed([(t, t >= 1000) for t in range(0, 1140, 20)])
    assert dwell.value is False
    dwell = _fed([(t, t >= 1000) for t in range(0, 1220, 20)])
    assert dwell.value is True
    assert dwell.duration_ns == (1200 - 990) * MS


def test_duration_counts_only_up_to_the_newest_sample_that_agrees() -> None:
    dwell = _fed([(t, True) for t in range(0, 1000, 20)] + [(t, False) for t in range(1000, 1100, 20)])
    assert dwell.value is True
    assert dwell.duration_ns == 980 * MS


def test_first_sample_is_believed_and_can_be_outweighed() -> None:
    assert _fed([(0, True)]).value is True
    assert _fed([(0, True)] + [(t, False) for t in range(20, 220, 20)]).value is False


def test_half_of_the_samples_wrong_leaves_the_value() -> None:
    for start in (True, False):
        samples = [(t, start) for t in range(0, 400, 33)] + [(400 + 33 * k, bool(k % 2) is start) for k in range(200)]
        assert _fed(list(samples)).value is start


def test_short_gap_counts_long_gap_is_taken_out_very_long_gap_forgets() -> None:
    before = [(t, True) for t in range(0, 520, 20)]
    assert _fed([*before, (1000, True)]).duration_ns == 1000 * MS
    assert _fed([*before, (1500, True)]).duration_ns == 500 * MS
    assert _fed([*before, (2600, True)]).duration_ns == 0
    assert _fed([*before, (2600, None)]).value is None


def test_unknown_samples_neither_extend_nor_turn() -> None:
    before = [(t, True) for t in range(0, 520, 20)]
    dwell = _fed([*before, *((t, None) for t in range(520, 1500, 20))])
    assert (dwell.value, dwell.duration_ns) == (True, 500 * MS)


def test_judging_starts_anew() -> None:
    dwell = _fed([(t, True) for t in range(0, 1020, 20)])
    dwell.since_start_of_judging(1000 * MS)
    dwell.step(True, 1500 * MS)
    assert dwell.duration_ns == 500 * MS


@given(st.lists(st.tuples(st.integers(0, 700), st.sampled_from([True, False, None])), max_size=80))
def test_duration_is_never_negative_nor_longer_than_what_passed(samples: list[tuple[int, bool | None]]) -> None:
    dwell = Dwell(150 * MS, 300 * MS)
    t_ns = 0
    for step_ms, raw in samples:
        t_ns += step_ms * MS
        dwell.step(raw, t_ns)
        assert 0 <= dwell.duration_ns <= t_ns
        if raw is None:
            continue
        assert dwell.value is not None
