"""Figures of the vehicle's signals, of waiting for a driver who cannot be seen, and of what a profile file may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.board import load_board
from watchkeeper.errors import BadInputError
from watchkeeper.state.baseline import Baseline
from watchkeeper.state.closures import Closures
from watchkeeper.state.glances import Glances
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profile_file import read_profile
from watchkeeper.state.profiles import get_profile
from watchkeeper.state.rules import Demand, Patience, Rule, build_rules
from watchkeeper.state.short_glances import ShortGlances
from watchkeeper.state.sleepiness import Sleepiness
from watchkeeper.state.vehicle import Vehicle
from watchkeeper.types import Eye, Gaze, Head, Measurement, VehicleSignals
from watchkeeper.types import Warning as DriverWarning

MS, S = 1_000_000, 1_000_000_000
CABIN = load_board("host").cabin
AHEAD, LAP, LEFT_MIRROR, INFOTAINMENT = (0.0, 0.0), (-8.0, -48.0), (48.0, -8.0), (-30.0, -18.0)


def _frame(
    gaze: tuple[float, float] | None = AHEAD, lid: float = 1.0, pitch: float = 0.0, std: float | None = None
) -> Measurement:
    eye, seen = Eye(lid), Gaze(*gaze, std) if gaze is not None else None
    return Measurement(0, head=Head(0.0, pitch, 0.0), gaze=seen, left_eye=eye, right_eye=eye)


# --- the vehicle ---


def test_an_indicator_that_is_dark_for_a_second_is_off() -> None:
    for signals, side in ((VehicleSignals(turn_left=True), "left"), (VehicleSignals(turn_right=True), "right")):
        car = Vehicle(20.0)
        car.step(signals, 0)
        car.step(VehicleSignals(turn_left=False, turn_right=False), S)
        assert getattr(car, side)
        car.step(None, S + 1)
        assert not getattr(car, side)


def test_speed_and_reverse_gear_hold_for_half_a_second() -> None:
    car = Vehicle(20.0)
    car.step(VehicleSignals(5.0, reverse=True), 0)
    car.step(None, 500 * MS)
    assert (car.active, car.speed_missing, car.reverse) == (False, False, True)
    car.step(None, 500 * MS + 1)
    assert (car.active, car.speed_missing, car.reverse) == (True, True, False)


# --- glances, closures, learning ---


@pytest.mark.parametrize(("target", "free_ns"), [(LEFT_MIRROR, S), (INFOTAINMENT, 0)])
def test_the_first_second_in_a_mirror_is_free(target: tuple[float, float], free_ns: int) -> None:
    glances = Glances(CABIN, 300 * MS, Baseline())
    short = ShortGlances(get_profile("euroncap-2026"), glances, 10 * S)
    for t_ms in range(0, 4000, 20):
        glances.step(_frame(target if t_ms >= 1000 else AHEAD), False, Vehicle(0.0), t_ms * MS)
        short.step(t_ms * MS)
    assert glances.away.duration_ns > 2900 * MS
    assert short.total_ns == glances.away.duration_ns - free_ns


def _machine() -> DriverStateMachine:
    return DriverStateMachine(get_profile("euroncap-2026"), CABIN)


def test_a_closure_with_a_glance_down_is_a_microsleep_after_two_seconds() -> None:
    machine, onset_s = _machine(), None
    for k in range(250):
        t_ns = k * S // 50
        state = machine.step(_frame(None, 0.0, -8.0) if k >= 50 else _frame(), VehicleSignals(80.0), t_ns)
        onset_s = t_ns / S if onset_s is None and state.events else onset_s
    assert onset_s == pytest.approx(3.0, abs=0.021)


def test_nothing_is_learned_for_twenty_seconds_after_a_long_closure() -> None:
    machine, learned = _machine(), []
    for k in range(400):
        t_s = k / 10
        lid = 0.0 if 10.0 <= t_s < 10.8 else 1.0
        state = machine.step(_frame(lid=lid), VehicleSignals(80.0), k * S // 10)
        learned.append(state.calibration_pct)
    assert learned[99] > 0.0
    assert learned[305] == learned[100]
    assert learned[312] > learned[100]


def test_a_gaze_of_six_degrees_is_as_sharp_as_can_be_told() -> None:
    for std, confidence in ((6.0, 3), (6.01, 2)):
        assert _machine().step(_frame(std=std), VehicleSignals(80.0), 0).confidence == confidence


# --- a driver out of sight ---


def _rules() -> tuple[dict[DriverWarning, Rule], Closures, Glances]:
    baseline, car = Baseline(), Vehicle(0.0)
    closures, glances = Closures(baseline), Glances(CABIN, 300 * MS, baseline)
    sleepiness = Sleepiness(closures, baseline)
    rules = build_rules(get_profile("euroncap-2026"), closures, glances, car, None, sleepiness, Patience())
    return {rule.warning: rule for rule in rules}, closures, glances


def test_a_distraction_out_of_sight_is_over_after_ten_seconds() -> None:
    rules, _, glances = _rules()
    rule = rules[DriverWarning.LONG_DISTRACTION]
    for t_ms in range(0, 5001, 100):
        glances.step(_frame(LAP), False, Vehicle(0.0), t_ms * MS)
    assert rule.demand(5000 * MS) is Demand.DUE
    assert rule.demand(5500 * MS) is Demand.DUE, "a gap of half a second is none"
    assert rule.demand(5500 * MS + 1) is Demand.UNSEEN
    assert rule.demand(15 * S - 1) is Demand.UNSEEN
    assert rule.demand(15 * S) is Demand.CLEAR


def test_a_sleeper_out_of_sight_is_warned_for_thirty_seconds() -> None:
    rules, closures, _ = _rules()
    for t_ms in range(0, 5001, 100):
        closures.step(_frame(lid=0.0), t_ms * MS)
    for warning in (DriverWarning.MICROSLEEP, DriverWarning.SLEEP):
        assert rules[warning].demand(5500 * MS) is Demand.DUE
        assert rules[warning].demand(35 * S - 1) is Demand.UNSEEN
        assert rules[warning].demand(35 * S) is Demand.CLEAR


# --- a profile file ---


@pytest.mark.parametrize(
    ("limit", "good", "bad"),
    [
        ("microsleep", 0.2, 0.19), ("short_window", 120.0, 120.1), ("active_from", 0.0, -0.1),
        ("drowsy_from", 130.0, 130.1), ("drowsy", 1.0, 0.9), ("drowsy", 9.0, 9.1),
    ],
)  # fmt: skip
def test_the_range_a_profile_file_may_set(tmp_path: Path, limit: str, good: float, bad: float) -> None:
    path = tmp_path / "own.toml"
    head = 'base = "euroncap-2026"\nexperimental = true\n[limits]\n'
    path.write_text(f"{head}{limit} = {good}\n")
    assert getattr(read_profile(path), limit).value == good
    path.write_text(f"{head}{limit} = {bad}\n")
    with pytest.raises(BadInputError, match=limit):
        read_profile(path)
