"""What the vehicle says: bands of speed at their edges, and how long each signal holds."""

from __future__ import annotations

import math

import pytest

from watchkeeper.state.vehicle import Gate, Vehicle
from watchkeeper.types import VehicleSignals

S, MS = 1_000_000_000, 1_000_000


def test_a_gate_opens_at_its_speed_and_closes_two_below_it() -> None:
    gate = Gate(50.0)
    opened = []
    for speed_kph in (49.99, 50.0, 48.0, 47.99, 49.0, 50.0):
        gate.step(speed_kph)
        opened.append(gate.open)
    assert opened == [False, True, True, False, False, True]


def test_a_gate_is_closed_until_the_first_speed_and_open_for_an_unknown_one() -> None:
    gate = Gate(50.0)
    opened = [gate.open]
    for speed_kph in (49.0, None):
        gate.step(speed_kph)
        opened.append(gate.open)
    assert opened == [False, False, True], "2 km/h below is for a gate that was open"
    backwards = Gate(50.0)
    backwards.step(-50.0)
    assert backwards.open is True


def test_before_the_first_step_nothing_is_said() -> None:
    car = Vehicle(20.0)
    assert (car.active, car.speed_missing, car.acknowledged) == (False, False, False)
    assert (car.left, car.right, car.reverse, car.speed_kph) == (False, False, False, None)


def test_a_bus_that_never_spoke_is_missing_half_a_second_after_the_first_step() -> None:
    car, t0_ns = Vehicle(20.0), 7 * S
    said = []
    for t_ns in (t0_ns, t0_ns + 500 * MS, t0_ns + 500 * MS + 1):
        car.step(None, t_ns)
        said.append(car.speed_missing)
    assert said == [False, False, True]
    assert car.active, "an unknown speed is the strictest band"


def test_speed_holds_half_a_second_and_comes_back() -> None:
    car = Vehicle(20.0)
    car.step(VehicleSignals(5.0), S)
    assert (car.speed_kph, car.active) == (5.0, False)
    car.step(VehicleSignals(), S + 500 * MS)
    assert (car.speed_kph, car.speed_missing, car.active) == (5.0, False, False)
    car.step(VehicleSignals(), S + 500 * MS + 1)
    assert (car.speed_kph, car.speed_missing, car.active) == (None, True, True)
    car.step(VehicleSignals(6.0), S + 501 * MS)
    assert (car.speed_kph, car.speed_missing, car.active) == (6.0, False, False)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_speed_that_is_no_number_is_none(value: float) -> None:
    car = Vehicle(20.0)
    car.step(VehicleSignals(5.0), 0)
    car.step(VehicleSignals(value), 400 * MS)
    assert car.speed_kph == 5.0
    car.step(VehicleSignals(value), 501 * MS)
    assert car.speed_missing


def test_indicators_bridge_their_dark_phase_of_one_second_and_reverse_half_of_it() -> None:
    car = Vehicle(20.0)
    car.step(VehicleSignals(30.0, turn_left=True), 0)
    assert (car.left, car.right, car.reverse) == (True, False, False)
    car.step(VehicleSignals(30.0, turn_left=False, turn_right=True), 500 * MS)
    assert (car.left, car.right) == (True, True)
    car.step(VehicleSignals(30.0), S)
    assert (car.left, car.right) == (True, True)
    car.step(VehicleSignals(30.0), S + 1)
    assert (car.left, car.right) == (False, True)
    car.step(VehicleSignals(30.0), 1500 * MS)
    assert car.right
    car.step(VehicleSignals(30.0, reverse=True), 1500 * MS + 1)
    assert (car.right, car.reverse) == (False, True)
    car.step(VehicleSignals(30.0), 2000 * MS + 1)
    assert car.reverse
    car.step(VehicleSignals(30.0), 2000 * MS + 2)
    assert not car.reverse


def test_a_reverse_gear_that_is_told_to_be_out_is_out_at_once() -> None:
    car = Vehicle(20.0)
    car.step(VehicleSignals(30.0, reverse=True), 0)
    car.step(VehicleSignals(30.0, reverse=False), 10 * MS)
    assert not car.reverse


def test_a_press_counts_once_and_only_in_its_step() -> None:
    car = Vehicle(20.0)
    presses = [True, True, None, False, True]
    answered = []
    for k, pressed in enumerate(presses):
        car.step(VehicleSignals(30.0, acknowledge=pressed), k * 10 * MS)
        answered.append(car.acknowledged)
    car.step(None, 60 * MS)
    answered.append(car.acknowledged)
    assert answered == [True, False, False, False, True, False]


def test_nothing_is_judged_with_the_ignition_off() -> None:
    car = Vehicle(20.0)
    active = []
    for k, signals in enumerate((
        VehicleSignals(80.0), VehicleSignals(80.0, ignition=False), VehicleSignals(80.0),
        VehicleSignals(80.0, ignition=True), VehicleSignals(17.9, ignition=True),
    )):  # fmt: skip
        car.step(signals, k * 10 * MS)
        active.append(car.active)
    assert active == [True, False, False, True, False]


def test_further_bands_follow_the_same_speed() -> None:
    car = Vehicle(20.0)
    fast = car.gate(50.0)
    car.step(VehicleSignals(49.0), 0)
    assert (car.active, fast.open) == (True, False)
    car.step(VehicleSignals(50.0), 10 * MS)
    assert (car.active, fast.open) == (True, True)


def test_an_indicator_lasts_a_second_from_its_newest_lit_phase() -> None:
    car = Vehicle(20.0)
    lit = []
    for t_ns, left in ((3 * S, True), (3500 * MS, True), (4500 * MS, False), (4500 * MS + 1, None)):
        car.step(VehicleSignals(30.0, turn_left=left), t_ns)
        lit.append(car.left)
    assert lit == [True, True, True, False]
