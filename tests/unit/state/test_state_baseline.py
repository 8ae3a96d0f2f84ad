"""The driver's baseline: what is learned when, and what is made of it, at the edges of each limit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

import pytest

from watchkeeper.errors import BadInputError
from watchkeeper.state.baseline import Baseline
from watchkeeper.types import DriverBaseline, Eye, Face, Gaze, Head, Measurement

MS, S = 1_000_000, 1_000_000_000
EYE = Eye(0.957)
BOX = (201.0, 103.0, 182.0, 223.0)
FRAME = Measurement(
    0, face=Face(0.9, BOX), head=Head(1.2, -6.2, 0.0), gaze=Gaze(2.2, -3.2), left_eye=EYE, right_eye=EYE
)  # fmt: skip
# The middles of the bins that FRAME falls into: half a degree, a hundredth of the opening, 20 px.
LEARNED = DriverBaseline(
    head_yaw_deg=1.25, head_pitch_deg=-6.25, gaze_yaw_deg=2.25, gaze_pitch_deg=-3.25, opening=0.955,
    face_px=230.0, face_x_px=290.0, face_y_px=210.0,
)  # fmt: skip
NAMES = [field.name for field in fields(DriverBaseline)]
KNOWN = replace(LEARNED, first_open=0.955, first_closed=0.05, learned_ns=60 * S)


def _seen(
    baseline: Baseline,
    times_ms: Iterable[int],
    frame: Measurement | None = FRAME,
    *,
    attentive: bool = True,
    speed: float | None = 80.0,
    lost: bool = False,
) -> DriverBaseline:
    for t_ms in times_ms:
        baseline.step(frame, attentive, speed, lost, t_ms * MS)
    return baseline.numbers


def _close(numbers: DriverBaseline, expected: DriverBaseline) -> None:
    for name in NAMES:
        value, wanted = getattr(numbers, name), getattr(expected, name)
        assert value == (None if wanted is None else pytest.approx(wanted)), name


def _restored(numbers: DriverBaseline = KNOWN) -> Baseline:
    baseline = Baseline()
    baseline.restore(numbers)
    return baseline


# --- learning ---


def test_nothing_is_known_at_first() -> None:
    baseline = Baseline()
    assert baseline.numbers == DriverBaseline()
    assert (baseline.progress_pct, baseline.head_pitch_deg) == (0.0, 0.0)
    assert (baseline.neutral_head, baseline.neutral_gaze) == ((0.0, 0.0), (0.0, 0.0))


def test_medians_come_every_second_of_attentive_time() -> None:
    baseline = Baseline()
    assert _seen(baseline, range(0, 1000, 100)) == DriverBaseline(learned_ns=900 * MS)
    _close(_seen(baseline, [1000]), replace(LEARNED, learned_ns=S))
    turned = replace(FRAME, head=Head(9.2, -6.2, 0.0))
    assert _seen(baseline, range(1100, 3000, 100), turned).head_yaw_deg == pytest.approx(1.5)
    assert _seen(baseline, [3000], turned).head_yaw_deg == pytest.approx(9.125)


def test_what_is_not_measured_is_not_learned_and_the_rest_is() -> None:
    bare = Measurement(0, left_eye=EYE)
    _close(_seen(Baseline(), range(0, 1001, 100), bare), DriverBaseline(opening=0.955, learned_ns=S))
    broken = replace(FRAME, head=Head(math.nan, math.inf, 0.0), gaze=None)
    expected = replace(LEARNED, head_yaw_deg=None, head_pitch_deg=None, gaze_yaw_deg=None, gaze_pitch_deg=None)
    _close(_seen(Baseline(), range(0, 1001, 100), broken), replace(expected, learned_ns=S))


def test_a_gap_counts_in_full_between_attentive_frames_and_else_for_200_ms() -> None:
    baseline = Baseline()
    assert _seen(baseline, [0]).learned_ns == 0
    assert _seen(baseline, [300]).learned_ns == 300 * MS
    assert _seen(baseline, [900]).learned_ns == 800 * MS, "500 ms at most"
    assert _seen(baseline, [1000], attentive=False).learned_ns == 800 * MS
    assert _seen(baseline, [1300]).learned_ns == 1000 * MS
    assert _seen(baseline, [1400], None).learned_ns == 1000 * MS
    assert _seen(baseline, [1500]).learned_ns == 1100 * MS


@pytest.mark.parametrize(
    ("attentive", "speed", "learns"),
    [(True, 10.0, True), (True, -10.0, True), (True, 9.99, False), (True, None, False), (False, 80.0, False)],
)
def test_only_attentive_driving_teaches(attentive: bool, speed: float | None, learns: bool) -> None:
    numbers = _seen(Baseline(), range(0, 1001, 100), attentive=attentive, speed=speed)
    assert numbers.learned_ns == (S if learns else 0)


@pytest.mark.parametrize(
    ("left", "right", "opening"),
    [
        (Eye(0.802), Eye(0.902), 0.905), (Eye(0.902), Eye(0.802), 0.905), (Eye(0.802), None, 0.805),
        (None, Eye(0.802), 0.805), (Eye(0.802), Eye(None), 0.805), (Eye(0.802), Eye(math.nan), 0.805),
        (Eye(0.802), Eye(0.902, p_visible=0.49), 0.805), (Eye(0.802), Eye(0.902, p_visible=0.5), 0.905),
        (Eye(0.802), Eye(0.902, p_visible=math.nan), 0.805), (Eye(0.902), Eye(0.0), 0.905),
        (None, None, None), (Eye(0.902, p_visible=0.1), None, None),
    ],
)  # fmt: skip
def test_the_more_open_of_the_eyes_that_are_seen_counts(
    left: Eye | None, right: Eye | None, opening: float | None
) -> None:
    numbers = _seen(Baseline(), range(0, 1001, 100), replace(FRAME, left_eye=left, right_eye=right))
    assert numbers.opening == (None if opening is None else pytest.approx(opening))
    assert numbers.learned_ns == (0 if opening is None else S)


def test_blinks_teach_how_shut_lids_read_and_no_posture() -> None:
    baseline = Baseline()
    shut = replace(FRAME, left_eye=Eye(0.2), right_eye=Eye(0.2))
    for start_ms in range(0, 12000, 3000):
        _seen(baseline, range(start_ms, start_ms + 2800, 100))
        _seen(baseline, [start_ms + 2800, start_ms + 2900], shut)
    numbers = _seen(baseline, [12000])
    assert numbers.first_closed == pytest.approx(0.2)
    assert numbers.first_open == pytest.approx(0.955)
    assert numbers.opening == pytest.approx(0.955)
    assert numbers.learned_ns == (2700 + 3 * 2800 + 100) * MS, "the 200 ms of each blink do not count"


def test_enough_is_sixty_seconds() -> None:
    baseline = Baseline()
    _seen(baseline, range(0, 30_001, 100))
    assert baseline.progress_pct == 50.0
    _seen(baseline, range(30_100, 60_000, 100))
    assert baseline.progress_pct < 100.0
    _seen(baseline, range(60_000, 62_000, 100))
    assert (baseline.progress_pct, baseline.numbers.learned_ns) == (100.0, 60 * S)
    assert _restored(replace(KNOWN, learned_ns=120 * S)).progress_pct == 100.0


def test_the_open_reading_goes_on_being_learned_with_the_other_glasses() -> None:
    # of the pair that is present nothing is known, though the posture is
    baseline = _restored(replace(KNOWN, first_open=None, first_closed=None))
    numbers = _seen(baseline, range(0, 21_000, 100))
    assert numbers.first_open == pytest.approx(0.955)
    assert numbers.learned_ns == 60 * S


# --- what is made of it ---


def test_the_neutral_direction_is_known_from_ten_seconds_on() -> None:
    known = replace(KNOWN, head_yaw_deg=1.0, head_pitch_deg=-2.0, gaze_yaw_deg=3.0, gaze_pitch_deg=-4.0)
    ready = _restored(replace(known, learned_ns=10 * S))
    assert (ready.neutral_head, ready.neutral_gaze, ready.head_pitch_deg) == ((1.0, -2.0), (3.0, -4.0), -2.0)
    early = _restored(replace(known, learned_ns=10 * S - 1))
    assert (early.neutral_head, early.neutral_gaze, early.head_pitch_deg) == ((0.0, 0.0), (0.0, 0.0), 0.0)
    unknown = _restored(replace(known, head_yaw_deg=None, head_pitch_deg=None, gaze_yaw_deg=None, gaze_pitch_deg=None))
    assert (unknown.neutral_head, unknown.neutral_gaze, unknown.head_pitch_deg) == ((0.0, 0.0), (0.0, 0.0), 0.0)


def test_the_neutral_direction_is_at_most_five_degrees_off() -> None:
    far = _restored(replace(KNOWN, head_yaw_deg=5.5, head_pitch_deg=-5.5, gaze_yaw_deg=-29.0, gaze_pitch_deg=29.0))
    assert (far.neutral_head, far.neutral_gaze, far.head_pitch_deg) == ((5.0, -5.0), (-5.0, 5.0), -5.5)


@pytest.mark.parametrize(
    ("centre", "leans"),
    [
        ((300.0, 300.0), False), ((460.0, 300.0), False), ((460.5, 300.0), True), ((140.0, 300.0), False),
        ((139.5, 300.0), True), ((300.0, 460.0), False), ((300.0, 460.5), True), ((300.0, 0.0), False),
        ((math.nan, 300.0), None), ((300.0, math.nan), None), ((math.inf, 300.0), None), ((300.0, -math.inf), None),
    ],
)  # fmt: skip
def test_a_lean_is_four_fifths_of_a_face_beside_or_below(centre: tuple[float, float], leans: bool | None) -> None:
    face = Face(0.9, (centre[0] - 75.0, centre[1] - 100.0, 150.0, 200.0))
    usual = replace(KNOWN, face_px=200.0, face_x_px=300.0, face_y_px=300.0)
    assert _restored(usual).leans(face) is leans
    assert _restored(replace(usual, learned_ns=10 * S)).leans(face) is leans
    assert _restored(replace(usual, learned_ns=10 * S - 1)).leans(face) is None
    for unknown in ("face_px", "face_x_px", "face_y_px"):
        changed: dict[str, Any] = {unknown: None}
        assert _restored(replace(usual, **changed)).leans(face) is None
    assert Baseline().leans(face) is None


# --- numbers handed in ---

BOUNDS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("first_open", "first_closed", "second_open", "second_closed", "opening"), (0.0, 1.2)),
    **dict.fromkeys(("head_yaw_deg", "head_pitch_deg", "gaze_yaw_deg", "gaze_pitch_deg"), (-30.0, 30.0)),
    **dict.fromkeys(("face_px", "face_x_px", "face_y_px"), (0.0, 2400.0)),
    "present": (0, 1),
    "learned_ns": (0, 120 * S),
}


@pytest.mark.parametrize("name", NAMES)
def test_numbers_beyond_what_can_be_learned_are_refused(name: str) -> None:
    def only(value: float) -> DriverBaseline:
        given: dict[str, Any] = {name: value}
        return DriverBaseline(**given)

    low, high = BOUNDS[name]
    for value in (low, high):
        assert _restored(only(value)).numbers == only(value)
    step = 1 if isinstance(low, int) else 1e-6
    for value in (low - step, high + step, math.nan):
        baseline = _restored()
        with pytest.raises(BadInputError, match=re.escape(f"baseline: {name}: {value}; expected {low:g} to {high:g}")):
            baseline.restore(only(value))
        assert baseline.numbers == KNOWN, "nothing is taken over"


def test_numbers_handed_in_count_for_as_long_as_they_took_to_learn() -> None:
    half = replace(LEARNED, head_yaw_deg=1.2, learned_ns=30 * S)
    baseline = _restored(half)
    near = replace(FRAME, head=Head(5.2, -6.2, 0.0))
    assert _seen(baseline, range(0, 10_001, 100), near) == half, "ten seconds tell who sits there"
    numbers = _seen(baseline, range(10_100, 39_000, 100), near)
    assert numbers.head_yaw_deg == pytest.approx(1.5, abs=0.02)
    assert numbers.learned_ns == 30 * S + 28_900 * MS


def test_reset_forgets_all() -> None:
    baseline = _restored()
    baseline.reset()
    assert baseline.numbers == DriverBaseline()
    assert _seen(baseline, range(0, 1001, 100)).learned_ns == S, "and nobody has to be told from anybody"
