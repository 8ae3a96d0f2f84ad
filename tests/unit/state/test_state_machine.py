"""What a step says of times, signs of a warning and confidence, and when there is something to learn of the driver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from watchkeeper.board import load_board
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import Cause, DriverState, Eye, Face, Gaze, Head, Measurement, Mouth, VehicleSignals

S, MS = 1_000_000_000, 1_000_000
T0 = 5 * S
AHEAD, ASIDE = Gaze(0.0, 0.0), Gaze(-30.0, -18.0)
OPEN, SHUT = Eye(1.0), Eye(0.02)
LONG, SHORT, SLEEPY = "LongDistraction", "ShortDistraction", 6


class Road:
    """A drive at 10 frames/s; times count from T0."""

    def __init__(self, profile: str = "euroncap-2026", speed_kph: float = 80.0) -> None:
        self.machine = DriverStateMachine(get_profile(profile), load_board("host").cabin)
        self.car = VehicleSignals(speed_kph)
        self.k = -1
        self.state = DriverState(0)

    def frame(
        self,
        gaze: Gaze | None = AHEAD,
        eye: Eye | None = OPEN,
        *,
        head: Head | None = None,
        mouth: float = 0.0,
        pressed: bool = False,
    ) -> DriverState:
        self.k += 1
        t_ns = T0 + self.k * 100 * MS
        m = Measurement(t_ns, self.k + 1, gaze=gaze, head=head, left_eye=eye, right_eye=eye, mouth=Mouth(mouth))
        car = VehicleSignals(self.car.speed_kph, acknowledge=pressed)
        self.state = self.machine.step(m, car, t_ns)
        return self.state

    def run(self, seconds: float, gaze: Gaze | None = AHEAD, eye: Eye | None = OPEN, mouth: float = 0.0) -> Road:
        for _ in range(round(seconds * 10)):
            self.frame(gaze, eye, mouth=mouth)
        return self

    @property
    def learned_s(self) -> float:
        return self.state.calibration_pct * 0.6


def _learns(road: Road, frames: int) -> Iterator[bool]:
    """Of each frame with eyes open and the gaze ahead: does it teach?"""
    for _ in range(frames):
        before_s = road.learned_s
        road.frame()
        yield road.learned_s > before_s


# --- times and signs --------------------------------------------------------------------------------------------------


def test_time_never_goes_back() -> None:
    machine = DriverStateMachine(get_profile("r171"), load_board("host").cabin)
    assert machine.step(None, None, T0).t_ns == T0
    assert machine.step(None, None, T0 - S).t_ns == T0
    assert machine.step(None, None, T0 + S).t_ns == T0 + S


def test_before_the_first_frame_its_number_is_nought() -> None:
    state = Road().machine.step(None, None, T0)
    assert (state.seq, state.warning_count, state.onset_ns, state.calibration_pct) == (0, 0, None, 0.0)


def test_how_long_the_gaze_is_away_counts_from_between_the_frames() -> None:
    road = Road().run(1.0)
    assert road.state.away_s == 0.0
    assert road.run(1.1, ASIDE).state.away_s == 1.05
    assert road.state.closed_s == 0.0
    assert road.run(1.0).state.away_s == 0.0


def test_how_long_the_lids_are_closed_counts_from_between_the_frames() -> None:
    road = Road().run(1.0)
    assert road.state.closed_s == 0.0
    assert road.run(0.7, eye=SHUT).state.closed_s == 0.65
    assert road.run(0.5).state.closed_s == 0.0


def test_perclos_is_told_in_percent() -> None:
    road = Road("r171").run(10).run(1.0, eye=SHUT).run(49.0)
    assert road.state.perclos_pct is None
    # seen shut for 0.95 s up to its last frame
    assert road.frame().perclos_pct == pytest.approx(100 * 0.95 / 60, abs=0.001)


def test_the_signs_of_a_warning_follow_its_level_and_the_answer_to_it() -> None:
    road = Road().run(1.0)
    assert (road.state.visual, road.state.acoustic, road.state.haptic) == (False, 0, False)
    road.run(4.0, ASIDE)
    assert (road.state.warning.label, road.state.level) == (LONG, 1)
    assert (road.state.visual, road.state.acoustic, road.state.haptic) == (True, 1, False)
    road.run(3.0, ASIDE)
    assert (road.state.level, road.state.haptic) == (2, True)
    answered = road.frame(ASIDE, pressed=True)
    assert (answered.visual, answered.acoustic, answered.haptic, answered.acknowledged) == (True, 0, True, True)
    road.run(2.0)
    assert (road.state.visual, road.state.acoustic, road.state.haptic) == (False, 0, False)


def test_repeated_short_looks_are_told_where_the_rule_set_has_them() -> None:
    def told(profile: str) -> list[str]:
        road, names = Road(profile), []
        for _ in range(8):
            for gaze, frames in ((ASIDE, 20), (AHEAD, 10)):
                for _ in range(frames):
                    names += [event.warning.label for event in road.frame(gaze).events if event.phase.value == "onset"]
        return names

    assert SHORT in told("euroncap-2026")
    assert told("r171") == []


@pytest.mark.parametrize(
    ("gaze", "head", "confidence"),
    [
        (Gaze(0.0, 0.0), None, 3),
        (Gaze(0.0, 0.0, 6.0), None, 3),
        (Gaze(0.0, 0.0, 6.1), None, 2),
        (None, Head(0.0, 0.0, 0.0), 2),
        (None, None, 1),
    ],
)
def test_confidence_is_full_for_a_gaze_sharp_enough(gaze: Gaze | None, head: Head | None, confidence: int) -> None:
    assert Road().frame(gaze, head=head).confidence == confidence


def test_a_missing_speed_is_the_cause_only_where_there_is_no_other() -> None:
    machine = DriverStateMachine(get_profile("r171"), load_board("host").cabin)
    causes = []
    for k in range(60):
        seen = k < 30
        m = Measurement(T0 + k * 100 * MS, k, gaze=AHEAD, left_eye=OPEN if seen else None, face_searched=not seen)
        causes.append(machine.step(m, None, m.t_ns).cause)
    assert (causes[5], causes[6], causes[-1]) == (Cause.NONE, Cause.SPEED_MISSING, Cause.NO_FACE)


# --- what is learned --------------------------------------------------------------------------------------------------


def test_what_was_learned_is_handed_out_after_a_minute() -> None:
    road = Road().run(60.0)
    assert road.state.calibration_pct == pytest.approx(99.8, abs=0.1)
    before, pct, learned = road.machine.learned, road.frame().calibration_pct, road.machine.learned
    assert (before, pct) == (None, 100.0)
    assert learned is not None
    assert learned.opening == pytest.approx(1.0, abs=0.01)
    other = Road()
    other.machine.recall(learned)
    assert other.frame().calibration_pct == 100.0


def test_a_look_away_teaches_nothing_from_its_first_frame_on() -> None:
    road = Road().run(2.0)
    before_s = road.learned_s
    assert road.run(1.0, ASIDE).learned_s == before_s
    assert list(_learns(road, 8))[-1]


def test_a_driver_whose_gaze_is_not_known_teaches_nothing() -> None:
    assert Road().run(3.0, None).learned_s == 0.0


def test_a_yawn_teaches_nothing() -> None:
    road = Road().run(2.0)
    before_s = road.learned_s
    assert road.run(1.0, mouth=0.6).learned_s == before_s
    assert road.run(1.0, mouth=0.4).learned_s > before_s


def test_twenty_seconds_after_a_long_closure_teach_nothing() -> None:
    road = Road("r171").run(2.0).run(0.8, eye=SHUT)
    closed_frame = road.k + 1  # the first open one is still weighed
    taught = list(_learns(road, 203))
    first = road.k - 202 + taught.index(True)
    # the frame 20 s after it does not, the next one does
    assert first - closed_frame == 201


def test_a_warning_teaches_nothing_until_it_is_over() -> None:
    road = Road().run(2.0).run(4.0, ASIDE)
    before_s = road.learned_s
    while road.frame().warning:
        assert road.learned_s == before_s
    assert road.run(0.5).learned_s > before_s


def test_a_sleepy_driver_teaches_nothing() -> None:
    road = Road("r171").run(30.0)
    for _ in range(4):
        road.run(1.2, eye=SHUT).run(1.0)
    road.run(26.0)
    assert (road.state.sleepiness_kss, road.state.warning) == (SLEEPY, 0)
    before_s = road.learned_s
    assert road.run(2.0).learned_s == before_s
    assert road.state.sleepiness_kss == SLEEPY


def test_another_driver_is_learned_anew_after_the_seat_was_empty() -> None:
    def drive(seconds: float, opening: float, empty: bool = False) -> None:
        for _ in range(round(seconds * 10)):
            road.k += 1
            t_ns = T0 + road.k * 100 * MS
            eye, face = Eye(opening), Face(1.0, (0.0, 0.0, 200.0, 200.0))
            m = Measurement(
                t_ns, road.k, face=None if empty else face, face_searched=empty, gaze=None if empty else AHEAD,
                left_eye=None if empty else eye, right_eye=None if empty else eye,
            )  # fmt: skip
            road.state = road.machine.step(m, road.car, t_ns)

    road = Road()
    drive(61.0, 1.0)
    drive(3.0, 1.0, empty=True)
    assert road.state.cause is Cause.NO_FACE
    drive(14.0, 0.75)
    assert road.state.calibration_pct < 50.0


def test_a_look_away_that_was_warned_of_is_not_forgotten_while_the_driver_is_not_seen() -> None:
    road = Road().run(2.0).run(4.0, ASIDE).run(3.0, None, None).run(3.0, ASIDE)
    assert (road.state.warning.label, road.state.level, road.state.warning_count) == (LONG, 2, 1)
    assert road.state.away_s > 6.0


def test_a_closure_that_was_warned_of_is_not_forgotten_while_the_driver_is_not_seen() -> None:
    road = Road().run(2.0).run(1.5, AHEAD, SHUT).run(3.0, None, None).run(2.0, AHEAD, SHUT)
    assert (road.state.warning.label, road.state.warning_count) == ("Sleep", 2)
    assert road.state.closed_s > 3.0


def test_what_nobody_was_warned_of_is_forgotten_after_two_seconds() -> None:
    road = Road().run(2.0).run(1.0, ASIDE).run(3.0, None, None).run(1.0, ASIDE)
    assert road.state.away_s < 1.1
