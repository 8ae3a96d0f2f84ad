"""Another driver is noticed by posture, opening of the eyes and size of the face, in ten seconds of attention."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from watchkeeper.state.baseline import Baseline
from watchkeeper.types import DriverBaseline, Eye, Face, Gaze, Head, Measurement

MS, S = 1_000_000, 1_000_000_000
KNOWN = DriverBaseline(
    first_open=0.955, first_closed=0.05, head_yaw_deg=0.25, head_pitch_deg=-4.25, gaze_yaw_deg=0.25,
    gaze_pitch_deg=0.25, opening=0.955, face_px=250.0, face_x_px=300.0, face_y_px=250.0, learned_ns=60 * S,
)  # fmt: skip


def _frame(
    yaw: float = 0.2, pitch: float = -4.2, lid: float | None = 0.957, height: float | None = 245.0
) -> Measurement:
    eye = Eye(lid) if lid is not None else None
    face = Face(0.9, (200.0, 150.0, 200.0, height)) if height is not None else None
    return Measurement(0, face=face, head=Head(yaw, pitch, 0.0), gaze=Gaze(0.2, 0.2), left_eye=eye, right_eye=eye)


def _known(**changed: Any) -> Baseline:
    baseline = Baseline()
    baseline.restore(replace(KNOWN, **changed))
    return baseline


def _drive(baseline: Baseline, from_ms: int, to_ms: int, frame: Measurement, *, lost: bool = False) -> DriverBaseline:
    for t_ms in range(from_ms, to_ms, 100):
        baseline.step(frame, True, 80.0, lost, t_ms * MS)
    return baseline.numbers


def _is_other(frame: Measurement, **changed: Any) -> bool:
    """Is the driver of `frame` taken for another than the one known?"""
    baseline = _known(**changed)
    before = baseline.numbers
    assert _drive(baseline, 0, 10_000, frame) == before, "not before ten seconds"
    numbers = _drive(baseline, 10_000, 10_100, frame)
    other = numbers.first_closed is None
    assert numbers.learned_ns == (10 * S if other else before.learned_ns)
    assert other or numbers == before
    return other


@pytest.mark.parametrize(
    ("frame", "other"),
    [
        ({}, False),
        ({"yaw": 6.2}, False), ({"yaw": 6.7}, True), ({"yaw": -5.8}, False), ({"yaw": -6.3}, True),  # six degrees
        ({"pitch": 1.8}, False), ({"pitch": 2.3}, True), ({"pitch": -10.2}, False), ({"pitch": -10.7}, True),
        ({"lid": 0.817}, False), ({"lid": 0.797}, True), ({"lid": 1.097}, False), ({"lid": 1.117}, True),
        ({"height": 285.0}, False), ({"height": 305.0}, True), ({"height": 205.0}, False), ({"height": 185.0}, True),
        ({"height": None}, False),
    ],
)  # fmt: skip
def test_what_tells_another_driver(frame: dict[str, Any], other: bool) -> None:
    assert _is_other(_frame(**frame)) is other


def test_what_was_not_known_tells_nothing() -> None:
    unknown: dict[str, Any] = {"head_yaw_deg": None, "head_pitch_deg": None, "opening": None, "face_px": None}
    assert not _is_other(_frame(20.0, 20.0, 0.7, 500.0), **unknown)


def test_another_opening_that_a_pair_of_glasses_explains_is_the_same_driver() -> None:
    assert _is_other(_frame(lid=0.757))
    assert not _is_other(_frame(lid=0.757), second_open=0.76)
    assert _is_other(_frame(lid=0.757), second_open=1.0)
    assert not _is_other(_frame(lid=0.757), first_open=0.76)
    assert not _is_other(_frame(lid=0.957), first_open=0.7), "the opening itself is as it was"


def test_too_little_known_is_learned_anew() -> None:
    assert _is_other(_frame(), learned_ns=10 * S - 1)
    assert not _is_other(_frame(), learned_ns=10 * S)


def test_another_drivers_numbers_take_the_place_of_the_old_and_grow_from_there() -> None:
    baseline = _known()
    numbers = _drive(baseline, 0, 20_001, _frame(yaw=10.2))
    assert numbers.head_yaw_deg == pytest.approx(10.25)
    assert numbers.learned_ns == 20 * S


def test_only_a_face_that_was_lost_makes_the_driver_another() -> None:
    baseline = Baseline()
    known = _drive(baseline, 0, 60_001, _frame())
    assert known.learned_ns == 60 * S
    assert _drive(baseline, 60_100, 80_000, _frame(yaw=10.2)) == known
    baseline.step(None, False, 80.0, True, 80_000 * MS)
    assert _drive(baseline, 80_100, 90_000, _frame(yaw=10.2)).head_yaw_deg == known.head_yaw_deg
    assert _drive(baseline, 90_000, 90_100, _frame(yaw=10.2)).head_yaw_deg == pytest.approx(10.25)


def test_a_face_lost_once_more_does_not_begin_the_ten_seconds_anew() -> None:
    baseline = _known()
    _drive(baseline, 0, 6_001, _frame(yaw=10.2))
    baseline.step(None, False, 80.0, True, 6_050 * MS)
    _drive(baseline, 6_100, 9_900, _frame(yaw=10.2), lost=True)
    assert baseline.numbers == KNOWN
    assert _drive(baseline, 9_900, 10_200, _frame(yaw=10.2)).first_closed is None
