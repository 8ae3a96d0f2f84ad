"""Steps in which something is missing: no frame, no signals, one eye, a direction too blurred to use."""

from __future__ import annotations

from watchkeeper.board import load_board
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import DriverState, Eye, EyeState, Gaze, GazeZone, Head, Measurement, Presence, VehicleSignals

NS = 1_000_000_000
AHEAD, SIDE = Gaze(0.0, 0.0), Head(-60.0, -5.0, 0.0)
OPEN, SHUT = Eye(1.0, None, 0.99), Eye(0.0, None, 0.99)


def _machine() -> DriverStateMachine:
    return DriverStateMachine(get_profile("euroncap-2026"), load_board("host").cabin)


def _frame(
    k: int, gaze: Gaze | None = AHEAD, head: Head | None = None, left: Eye | None = OPEN, right: Eye | None = OPEN
) -> Measurement:
    return Measurement(k * NS // 30, k, head=head, gaze=gaze, left_eye=left, right_eye=right)


def _drive(machine: DriverStateMachine, *frames: Measurement | None) -> list[DriverState]:
    return [machine.step(m, VehicleSignals(80.0), k * NS // 30) for k, m in enumerate(frames)]


def test_a_step_without_a_frame_says_nothing_of_the_driver() -> None:
    machine = _machine()
    seen = _drive(machine, *[_frame(k) for k in range(30)])[-1]
    assert (seen.confidence, seen.left_eye, seen.seq) == (3, EyeState.OPEN, 29)
    blind = machine.step(None, VehicleSignals(80.0), NS)
    assert (blind.confidence, blind.left_eye, blind.right_eye) == (0, EyeState.UNKNOWN, EyeState.UNKNOWN)
    assert (blind.gaze_zone, blind.head, blind.gaze, blind.seq) == (GazeZone.UNKNOWN, None, None, 29)
    assert (blind.driver_present, blind.calibration_pct) == (Presence.PRESENT, seen.calibration_pct)


def test_frames_that_are_missing_do_not_end_a_closure() -> None:
    frames: list[Measurement | None] = [_frame(k) for k in range(30)]
    frames += [_frame(k, left=SHUT, right=SHUT) if k % 3 == 0 else None for k in range(30, 66)]
    assert [event.warning.label for state in _drive(_machine(), *frames) for event in state.events] == ["Microsleep"]


def test_signals_hold_for_half_a_second() -> None:
    machine = _machine()
    machine.step(_frame(0), VehicleSignals(5.0), 0)
    held = machine.step(_frame(1), None, NS // 2)
    missing = machine.step(_frame(2), None, NS // 2 + 1)
    assert (held.active, held.cause.label) == (False, "None")
    assert (missing.active, missing.cause.label) == (True, "SpeedMissing")


def test_a_blurred_gaze_leaves_the_direction_to_the_head() -> None:
    blurred = Gaze(0.0, 0.0, 30.0)
    away = _drive(_machine(), *[_frame(k, gaze=blurred, head=SIDE) for k in range(30)])[-1]
    assert away.away_s > 0.8
    sharp = _drive(_machine(), *[_frame(k, gaze=Gaze(0.0, 0.0, 3.0), head=SIDE) for k in range(30)])[-1]
    assert (sharp.away_s, sharp.confidence) == (0.0, 3)
    neither = _drive(_machine(), *[_frame(k, gaze=blurred, head=Head(-60.0, 0.0, 0.0, 40.0)) for k in range(30)])[-1]
    assert (neither.away_s, neither.gaze_zone, neither.confidence) == (0.0, GazeZone.UNKNOWN, 1)


def test_one_eye_is_enough_for_drooping_lids_and_closures() -> None:
    frames = [_frame(k, right=None) for k in range(30)] + [_frame(k, left=SHUT, right=None) for k in range(30, 66)]
    states = _drive(_machine(), *frames)
    assert (states[20].right_eye, states[20].confidence) == (EyeState.NOT_AVAILABLE, 2)
    assert [event.warning.label for state in states for event in state.events] == ["Microsleep"]
    nothing = _drive(_machine(), *[_frame(k, gaze=None, left=None, right=None) for k in range(30)])[-1]
    assert (nothing.confidence, nothing.gaze_zone) == (0, GazeZone.UNKNOWN)
