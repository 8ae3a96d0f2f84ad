"""What holds for every input: nothing raises, time is relative, warnings end."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.board import load_board
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import Profile, get_profile, profile_names
from watchkeeper.types import (
    DriverState,
    Eye,
    Face,
    Gaze,
    Head,
    ImageQuality,
    Measurement,
    Phase,
    VehicleSignals,
    Warning,  # noqa: A004  (the contract's word)
)

NS = 1_000_000_000
CABIN = load_board("host").cabin
_profiles = st.sampled_from(profile_names()).map(get_profile)
Step = tuple[int, Measurement | None, VehicleSignals | None]

_any = st.floats()  # NaN and infinities too
_angle = st.one_of(st.sampled_from([0.0, -20.0, -48.0, 40.0]), _any)
_lid = st.one_of(st.none(), st.sampled_from([0.0, 0.2, 0.3, 1.0]), _any)
_maybe = st.one_of(st.none(), _any)
_eye = st.one_of(st.none(), st.builds(Eye, _lid, _maybe, st.one_of(st.none(), st.sampled_from([0.1, 0.9]), _any)))
_measurement = st.builds(
    Measurement,
    t_ns=st.integers(0, 2**62),
    seq=st.integers(0, 2**31),
    face=st.one_of(st.none(), st.builds(Face, _any, st.just((0.0, 0.0, 1.0, 1.0)))),
    head=st.one_of(st.none(), st.builds(Head, _angle, _angle, _angle, _maybe)),
    gaze=st.one_of(st.none(), st.builds(Gaze, _angle, _angle, _maybe)),
    left_eye=_eye,
    right_eye=_eye,
    image=st.one_of(st.none(), st.builds(ImageQuality, _any, _any, _any)),
    face_searched=st.booleans(),
)
_flag = st.one_of(st.none(), st.booleans())
_vehicle = st.one_of(st.none(), st.builds(VehicleSignals, _maybe, _maybe, _flag, _flag, _flag, _flag, _flag))
# Frames far apart, a clock that stands or steps back, a gap of minutes.
_step_ms = st.one_of(st.integers(5, 400), st.sampled_from([0, -300, 70_000, 400_000]))
# Each item lasts a while, so that sequences get as far as warnings.
_items = st.lists(st.tuples(st.integers(1, 60), _step_ms, st.one_of(st.none(), _measurement), _vehicle), max_size=12)


def _steps(items: list[tuple[int, int, Measurement | None, VehicleSignals | None]]) -> list[Step]:
    steps: list[Step] = []
    t_ns = 0
    for repeats, step_ms, measurement, vehicle in items:
        for _ in range(repeats):
            t_ns += step_ms * 1_000_000
            steps.append((t_ns, measurement and replace(measurement, t_ns=t_ns), vehicle))
    return steps


def _run(machine: DriverStateMachine, steps: list[Step], shift_ns: int = 0) -> list[DriverState]:
    return [machine.step(m, v, t_ns + shift_ns) for t_ns, m, v in steps]


@given(_profiles, _items)
@settings(max_examples=150, deadline=None)
def test_nothing_raises_and_events_tell_what_the_state_says(
    profile: Profile,
    items: list[tuple[int, int, Measurement | None, VehicleSignals | None]],
) -> None:
    active, level, count = Warning.NONE, 0, 0
    for state in _run(DriverStateMachine(profile, CABIN), _steps(items)):
        for event in state.events:
            assert event.t_ns == state.t_ns
            if event.phase is Phase.ONSET:
                assert active is Warning.NONE, "one warning at a time"
                active, level, count = event.warning, event.level, count + 1
            else:
                assert event.warning is active, "only the active warning rises or ends"
                if event.phase is Phase.ESCALATE:
                    assert event.level == level + 1
                    level = event.level
                else:
                    active, level = Warning.NONE, 0
        assert (state.warning, state.level, state.warning_count) == (active, level, count)
        assert state.visual == (active is not Warning.NONE)
        assert (state.onset_ns is None) == (active is Warning.NONE)
        assert state.active or active is Warning.NONE, "Standby warns of nothing"
        assert state.away_s >= 0
        assert state.closed_s >= 0


@given(_profiles, _items, st.integers(0, 10**15))
@settings(max_examples=60, deadline=None)
def test_only_time_differences_matter(
    profile: Profile, items: list[tuple[int, int, Measurement | None, VehicleSignals | None]], shift_ns: int
) -> None:
    steps = _steps(items)
    here = _run(DriverStateMachine(profile, CABIN), steps)
    there = _run(DriverStateMachine(profile, CABIN), steps, shift_ns)
    for a, b in zip(here, there, strict=True):
        moved = tuple(replace(event, t_ns=event.t_ns - shift_ns) for event in b.events)
        onset_ns = None if b.onset_ns is None else b.onset_ns - shift_ns
        # repr: the groups handed through may hold NaN, which equals nothing
        assert repr(a) == repr(replace(b, t_ns=b.t_ns - shift_ns, onset_ns=onset_ns, events=moved))


@given(_profiles, _items)
@settings(max_examples=80, deadline=None)
def test_ten_seconds_of_attentive_driving_end_every_warning(
    profile: Profile,
    items: list[tuple[int, int, Measurement | None, VehicleSignals | None]],
) -> None:
    machine = DriverStateMachine(profile, CABIN)
    steps = _steps(items)
    _run(machine, steps)
    t0_ns = max((t_ns for t_ns, _, _ in steps), default=0)
    eye = Eye(1.0, None, 0.99)
    state = None
    for k in range(1, 301):
        t_ns = t0_ns + k * NS // 30
        frame = Measurement(t_ns, k, None, Head(0.0, 0.0, 0.0), Gaze(0.0, 0.0), eye, eye)
        state = machine.step(frame, VehicleSignals(speed_kph=80.0, ignition=True), t_ns)
    assert state is not None
    assert (state.warning, state.level, state.acoustic, state.haptic) == (Warning.NONE, 0, 0, False)
    assert state.active
    assert state.cause.label == "None"


def test_time_that_steps_back_counts_as_no_time() -> None:
    machine = DriverStateMachine(get_profile("euroncap-2026"), CABIN)
    machine.step(None, None, 5 * NS)
    assert machine.step(None, None, 3 * NS).t_ns == 5 * NS
