"""What is learned of a driver on the road: glasses on and off, another driver, and what is never learned."""

from __future__ import annotations

import random
from typing import Any

import pytest

from watchkeeper.board import load_board
from watchkeeper.errors import BadInputError
from watchkeeper.state.lid_readings import LidReading
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import DriverBaseline, Eye, Face, Gaze, Head, Measurement, VehicleSignals

MICRO = "Microsleep"
BARE, GLASSES, STRONG = 0.018, 0.108, 0.38  # closed readings: bare eyes, six times that, six times as aspect ratios
UNSEEN: dict[str, object] = {"gaze": None, "head": None, "lids": None, "face": False}


def blinking(drive: Any, blinks: int, closed: float, opening: float = 1.0, **what: object) -> Any:
    """An attentive driver blinking every three seconds."""
    for _ in range(blinks):
        drive.ahead(2.75, lids=(opening, opening), **what).span(0.25, lids=(closed, closed), **what)
    return drive.ahead(0.5, lids=(opening, opening), **what)


def asleep(drive: Any, closed: float, seconds: float = 1.5) -> Any:
    return drive.span(seconds, lids=(closed, closed)).ahead(6)


@pytest.mark.parametrize("fps", [10, 15, 30, 60])
@pytest.mark.parametrize("glasses", [GLASSES, STRONG])
def test_closures_are_caught_after_glasses_were_put_on(drive: Any, glasses: float, fps: int) -> None:
    road = blinking(drive(), 22, BARE).span(1.0, **UNSEEN)  # hands before the face
    played = asleep(blinking(road, 8, glasses, 0.95), glasses).play(fps=fps, lid_noise=0.03)
    assert played.onsets() == [pytest.approx(66.5 + 1 + 24.5 + 1, abs=0.25)]


@pytest.mark.parametrize("glasses", [GLASSES, STRONG])
def test_closures_are_caught_after_glasses_were_taken_off(drive: Any, glasses: float) -> None:
    road = blinking(drive(), 22, glasses, 0.95).span(1.0, **UNSEEN)
    played = asleep(blinking(road, 8, BARE), BARE).play(lid_noise=0.03)
    assert played.onsets() == [pytest.approx(66.5 + 1 + 24.5 + 1, abs=0.25)]
    # and at once, before a single blink told of it
    at_once = asleep(blinking(drive(), 22, glasses, 0.95).ahead(1), BARE).play(lid_noise=0.03)
    assert at_once.onsets() == [pytest.approx(66.5 + 1 + 1, abs=0.25)]


def test_both_pairs_are_kept_and_told_apart(drive: Any) -> None:
    road = blinking(blinking(drive(), 22, BARE), 22, STRONG, 0.95)
    on = road.play(fps=15).machine.baseline.lids
    assert on.present == 1
    assert [pair.closed for pair in on.known] == [pytest.approx(BARE, abs=0.01), pytest.approx(STRONG, abs=0.01)]
    assert [pair.open for pair in on.known] == [pytest.approx(1.0, abs=0.03), pytest.approx(0.95, abs=0.03)]
    off = blinking(road, 6, BARE).play(fps=15).machine.baseline.lids
    assert off.present == 0
    assert [pair.closed for pair in off.known] == [pair.closed for pair in on.known]
    assert [pair.open for pair in off.known] == [pytest.approx(pair.open, abs=0.01) for pair in on.known]


def test_glasses_seen_before_are_noticed_sooner(drive: Any) -> None:
    def again(blinks: int) -> Any:
        road = blinking(blinking(blinking(drive(), 22, BARE), 22, STRONG), 3, BARE)
        return asleep(blinking(road, blinks, STRONG), STRONG).play(fps=15).onsets()

    assert again(3) == []
    assert again(4) == [pytest.approx(66.5 * 2 + 9.5 + 12.5 + 1, abs=0.25)]


@pytest.mark.parametrize("seed", range(3))
def test_incomplete_blinks_and_looks_down_are_no_glasses(drive: Any, seed: int) -> None:
    rng = random.Random(seed)
    road = drive()
    for k in range(150):
        closed = rng.uniform(0.3, 0.5) if rng.random() < 0.2 else rng.uniform(0.0, 0.1)
        road.ahead(rng.uniform(2.0, 5.0)).span(0.25, lids=(closed, closed))
        if k % 15 == 14:
            road.ahead(0.5).look(1.6, (-8.0, -48.0), lids=(0.55, 0.55)).ahead(1.5)
    played = road.play(fps=10, lost=0.2, lid_noise=0.05, gaze_noise_deg=2.0, seed=seed)
    assert played.events == []
    assert played.machine.baseline.numbers.present == 0


def test_narrow_eyes_are_open_again_once_the_glasses_are_off(drive: Any) -> None:
    road = blinking(blinking(drive(), 22, STRONG), 6, BARE)
    assert road.span(4, lids=(0.45, 0.45)).ahead(4).play().events == []


def test_without_learning_the_glasses_would_hide_the_closure(drive: Any) -> None:
    assert asleep(drive().ahead(70), STRONG).play().onsets() == []


def test_drowsy_and_distracted_drivers_are_not_learned_as_normal(drive: Any) -> None:
    drooping = drive().ahead(60, lids=(0.45, 0.45)).play().machine.baseline
    assert drooping.lids.known == (LidReading(), LidReading())
    away = drive().look(60, (-30.0, -18.0)).play()
    assert away.machine.baseline.numbers == DriverBaseline()
    slow = drive().ahead(60, speed_kph=9.0).play()
    assert slow.states[-1].calibration_pct == 0.0
    unknown = drive().ahead(60, speed_kph=None).play()
    assert unknown.states[-1].calibration_pct == 0.0
    nodding_off = drive()
    for _ in range(20):
        nodding_off.ahead(4).span(0.8, lids=(STRONG / 2, STRONG / 2))
    assert nodding_off.play().machine.baseline.lids.known == (LidReading(), LidReading())
    yawning = drive().ahead(60, mouth=0.8).play()
    assert yawning.states[-1].calibration_pct == 0.0


def test_frozen_when_enough_is_learned_and_kept_through_blinks(drive: Any) -> None:
    road = blinking(drive(), 26, BARE)
    before = road.play()
    assert before.states[-1].calibration_pct == 100.0
    later = blinking(road.ahead(1), 20, BARE, 0.8, head=(4.0, -4.0)).play().machine.baseline.numbers
    assert later == before.machine.baseline.numbers
    values = [s.calibration_pct for s in before.states]
    assert values == sorted(values)


def test_posture_is_the_median_of_attentive_time(drive: Any) -> None:
    road = drive()
    for _ in range(12):
        road.ahead(5, gaze=(2.0, -3.0), head=(1.0, -6.0)).look(1.0, (48.0, -8.0))
    numbers = road.play(fps=15, gaze_noise_deg=2.0).machine.baseline.numbers
    assert (numbers.head_yaw_deg, numbers.head_pitch_deg) == (pytest.approx(1, abs=0.6), pytest.approx(-6, abs=0.6))
    assert (numbers.gaze_yaw_deg, numbers.gaze_pitch_deg) == (pytest.approx(2, abs=0.8), pytest.approx(-3, abs=0.8))


@pytest.mark.parametrize(
    "other", [{"head": (0.0, -9.0)}, {"face_px": 280.0}, {"lids": (0.8, 0.8)}], ids=["posture", "size", "opening"]
)
def test_another_driver_is_learned_anew(drive: Any, other: dict[str, object]) -> None:
    road = drive().ahead(70, face=True).span(10, **UNSEEN)
    same = road.ahead(15, face=True).play()
    assert same.states[-1].calibration_pct == 100.0
    changed = drive().ahead(70, face=True).span(10, **UNSEEN).ahead(15, face=True, **other).play()
    assert changed.states[-1].calibration_pct == pytest.approx(100 * 15 / 60, abs=2)
    kept = drive().ahead(70, face=True).ahead(15, face=True, **other).play()  # the face was never gone
    assert kept.states[-1].calibration_pct == 100.0


def test_too_little_known_before_the_face_was_lost_is_learned_anew(drive: Any) -> None:
    played = drive().ahead(8, face=True).span(10, **UNSEEN).ahead(12, face=True).play()
    assert played.states[-1].calibration_pct == pytest.approx(100 * 12 / 60, abs=2)


def _frame(k: int, lid: float) -> Measurement:
    eye = Eye(lid, None, 0.99)
    box = (200.0, 100.0, 180.0, 220.0)
    return Measurement(k * 33_000_000, k, Face(0.9, box), Head(0.0, -3.0, 0.0), Gaze(0.0, 0.0), eye, eye)


def test_numbers_handed_to_another_machine_hold_there(drive: Any) -> None:
    numbers = blinking(blinking(drive(), 22, BARE), 22, STRONG, 0.95).play().machine.baseline.numbers
    machine = DriverStateMachine(get_profile("euroncap-2026"), load_board("host").cabin)
    machine.baseline.restore(numbers)
    assert machine.baseline.numbers == numbers
    car = VehicleSignals(80.0)
    lids = [1.0] * 60 + [STRONG] * 45
    states = [machine.step(_frame(k, lid), car, k * 33_000_000) for k, lid in enumerate(lids)]
    assert [event.warning.label for state in states for event in state.events] == [MICRO]
    assert states[0].calibration_pct == 100.0
    machine.baseline.reset()
    assert machine.baseline.numbers == DriverBaseline()


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        (DriverBaseline(first_closed=float("nan")), "first_closed"),
        (DriverBaseline(head_pitch_deg=-70.0), "head_pitch_deg"),
        (DriverBaseline(present=2), "present"),
        (DriverBaseline(learned_ns=-1), "learned_ns"),
    ],
)
def test_numbers_that_cannot_have_been_learned_are_refused(numbers: DriverBaseline, named: str) -> None:
    machine = DriverStateMachine(get_profile("euroncap-2026"), load_board("host").cabin)
    with pytest.raises(BadInputError, match=named):
        machine.baseline.restore(numbers)
    assert machine.baseline.numbers == DriverBaseline()


def test_a_closure_with_the_head_going_down_is_a_glance_down_at_first(drive: Any, camera: dict[str, float]) -> None:
    down: dict[str, object] = {"head": (0.0, -8.0), "gaze": None}
    assert drive().ahead(5).shut(1.7, **down).ahead(5).play(**camera).events == []
    slept = drive().ahead(5).shut(2.4, **down).ahead(5).play(**camera)
    assert slept.onsets() == [pytest.approx(5 + 2.0, abs=0.2)]
    assert drive().ahead(5).shut(3.3, **down).ahead(5).play(**camera).onsets("Sleep") == [pytest.approx(8.0, abs=0.2)]
    still = drive().ahead(5).shut(1.3, head=(0.0, -3.0), gaze=None).ahead(5).play(**camera)
    assert still.onsets() == [pytest.approx(6.0, abs=0.2)]


def test_half_closed_eyes_are_no_closed_reading(drive: Any) -> None:
    numbers = blinking(drive(), 10, 0.55).span(2, frames=False).ahead(2).play(fps=15).machine.baseline.numbers
    assert numbers.first_closed is None
    assert numbers.first_open == pytest.approx(1.0, abs=0.03)
