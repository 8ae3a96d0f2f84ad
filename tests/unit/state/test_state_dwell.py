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


def test_what_becomes_known_is_dated_half_way_back_to_where_it_was_not() -> None:
    assert _fed([(0, None), (100, True), (200, True)]).duration_ns == 150 * MS
    assert _fed([(0, None), (300, True)]).duration_ns == 100 * MS, "a sample speaks for SAMPLE_SPAN_MAX at most"
    assert _fed([(0, None), (500, True)]).duration_ns == 100 * MS
    assert _fed([(0, None), (501, True)]).duration_ns == 0, "beyond GAP nothing is known of between"
    assert _fed([(100, True)]).duration_ns == 0


def test_a_limit_is_told_at_the_frame_nearest_to_it() -> None:
    assert _fed([(t, True) for t in range(0, 1000, 40)]).beyond_ns(1000 * MS) == -20 * MS
    assert _fed([(t, True) for t in range(0, 1001, 40)]).beyond_ns(1020 * MS) == 0
    assert _fed([(t, True) for t in range(0, 1001, 40)]).beyond_ns(1021 * MS) == -1 * MS
    # half a frame at 10 frames/s is the most, however many were lost
    assert _fed([(0, True), (300, True)]).beyond_ns(350 * MS) == 0
    assert _fed([(0, True), (300, True)]).beyond_ns(351 * MS) == -1 * MS
    assert _fed([]).beyond_ns(100 * MS) == -100 * MS


def test_what_was_reached_stays_reached() -> None:
    dwell = _fed([(0, True), (100, True), (101, True), (102, False)])
    assert dwell.beyond_ns(150 * MS) == 0
    assert dwell.duration_ns == 101 * MS


def test_a_turn_and_a_long_gap_reach_half_a_frame_too() -> None:
    dwell = _fed([(0, True), (40, True), (80, False), (120, False), (160, False), (200, False), (240, False)])
    assert (dwell.value, dwell.duration_ns, dwell.beyond_ns(0)) == (False, 180 * MS, 200 * MS)
    dwell = _fed([(0, True), (40, True), (1000, True)])
    assert (dwell.duration_ns, dwell.beyond_ns(0)) == (40 * MS, 90 * MS)
    dwell.since_start_of_judging(2000 * MS)
    assert (dwell.duration_ns, dwell.beyond_ns(0)) == (0, 0)


def test_opposed_is_what_the_newest_known_sample_says() -> None:
    assert not _fed([]).opposed
    before = [(t, True) for t in range(0, 520, 20)]
    assert not _fed(before).opposed
    assert _fed([*before, (520, False)]).opposed
    assert _fed([*before, (520, False), (540, None)]).opposed
    assert not _fed([*before, (520, False), (540, False), (560, True)]).opposed
    turned = _fed([*before, *((t, False) for t in range(520, 700, 20))])
    assert (turned.value, turned.opposed) == (False, False)
    forgotten = _fed([*before, (520, False), (2600, False)])
    assert (forgotten.value, forgotten.opposed) == (False, False)


def test_nothing_has_lasted_before_the_first_sample() -> None:
    assert (_fed([]).value, _fed([]).duration_ns) == (None, 0)
    assert _fed([(1000, None), (1100, True), (1200, True)]).duration_ns == 150 * MS


def test_the_first_opposite_sample_weighs_half_and_the_hold_is_reached_by_being_equal() -> None:
    before = [(0, True), (60, True)]
    assert _fed([*before, (120, False), (180, False)]).value is True
    turned = _fed([*before, (120, False), (180, False), (240, False)])  # 30 + 60 + 60 ms
    assert (turned.value, turned.opposed, turned.duration_ns) == (False, False, 150 * MS)


def test_an_opposite_sample_at_the_same_instant_weighs_one_nanosecond() -> None:
    for hold_ns, value in ((1, False), (2, True)):
        dwell = Dwell(hold_ns, hold_ns)
        dwell.step(True, 5)
        dwell.step(False, 5)
        assert dwell.value is value


def test_each_way_has_its_own_hold() -> None:
    dwell = Dwell(100 * MS, 300 * MS)
    for t_ms in range(0, 1000, 20):
        dwell.step(False, t_ms * MS)
    for t_ms in range(1000, 1120, 20):  # 10 + 5 * 20 ms
        assert dwell.value is False
        dwell.step(True, t_ms * MS)
    assert dwell.value is True
    for t_ms in range(1120, 1400, 20):
        dwell.step(False, t_ms * MS)
        assert dwell.value is True
    dwell.step(False, 1400 * MS)
    dwell.step(False, 1420 * MS)
    assert dwell.value is False


def test_every_turn_is_dated_by_its_own_beginning() -> None:
    first = _fed([(1000, True), *((t, False) for t in range(1020, 1200, 20))])
    assert (first.value, first.duration_ns) == (False, 170 * MS)
    back = _fed(
        [(1000, True), *((t, False) for t in range(1020, 1180, 20)), *((t, True) for t in range(1180, 1400, 20))]
    )
    assert (back.value, back.duration_ns) == (True, (1380 - 1170) * MS)


def test_a_long_gap_is_taken_out_of_all_that_is_running() -> None:
    before = [(t, True) for t in range(0, 520, 20)]
    opposed = _fed([*before, (1500, False)])
    assert (opposed.value, opposed.duration_ns, opposed.beyond_ns(0)) == (True, 500 * MS, 510 * MS)
    # the newest sample that agrees stays where it was, seen from the beginning
    weighed = _fed([*before, (520, False), (1500, False)], hold_ms=300)
    assert (weighed.value, weighed.duration_ns) == (True, 500 * MS)
    # what spoke for False before the gap goes on after it: 510 to 540, then from 1500 on
    turned = _fed([*before, (520, False), (540, False), (1500, False)])
    assert (turned.value, turned.duration_ns) == (False, 30 * MS)


def test_two_seconds_are_not_too_long_to_remember_and_longer_is() -> None:
    before = [(t, True) for t in range(0, 520, 20)]
    assert _fed([*before, (2500, None)]).value is True
    assert _fed([*before, (2501, None)]).value is None
    assert _fed([*before, (2600, True)]).value is True
    assert _fed([*before, (2600, False)]).value is False


def test_a_turn_that_began_before_judging_counts_from_then_on() -> None:
    dwell = _fed([(t, True) for t in range(0, 520, 20)] + [(t, False) for t in range(520, 600, 20)])
    dwell.since_start_of_judging(600 * MS)
    for t_ms in range(600, 720, 20):
        dwell.step(False, t_ms * MS)
    assert (dwell.value, dwell.duration_ns) == (False, 100 * MS)


@given(st.lists(st.tuples(st.integers(0, 700), st.sampled_from([True, False, None])), max_size=80))
def test_duration_is_never_negative_nor_longer_than_what_passed(samples: list[tuple[int, bool | None]]) -> None:
    dwell = Dwell(150 * MS, 300 * MS)
    t_ns = 0
    for step_ms, raw in samples:
        t_ns += step_ms * MS
        dwell.step(raw, t_ns)
        assert 0 <= dwell.duration_ns <= t_ns
        assert dwell.duration_ns <= max(dwell.beyond_ns(0), 0) <= dwell.duration_ns + 50 * MS
        if raw is None:
            continue
        assert dwell.value is not None
