"""Where the driver looks in one frame: gaze or head, checks that a manoeuvre explains, phones; at the edges of each."""

from __future__ import annotations

import math
from typing import Any

import pytest

from watchkeeper.board import load_board
from watchkeeper.state.baseline import Baseline
from watchkeeper.state.glances import Glances
from watchkeeper.state.vehicle import Vehicle
from watchkeeper.types import DriverBaseline, Face, Gaze, GazeZone, Head, Measurement, Phone, VehicleSignals

MS, S = 1_000_000, 1_000_000_000
CABIN = load_board("host").cabin
AHEAD, LAP, LEFT_MIRROR, RIGHT_MIRROR = (0.0, 0.0), (-8.0, -48.0), (48.0, -8.0), (-62.0, -8.0)
CLUSTER, ROOF = (0.0, -17.0), (0.0, 80.0)


def _glances(baseline: Baseline | None = None, look_back_ns: int = 300 * MS) -> Glances:
    return Glances(CABIN, look_back_ns, baseline if baseline is not None else Baseline())


def _car(**on: bool) -> Vehicle:
    car = Vehicle(0.0)
    car.step(VehicleSignals(80.0, **on), 0)
    return car


NO_SIGNAL = _car()


def _look(
    glances: Glances,
    t_ms: float,
    gaze: tuple[float, float] | None = None,
    head: tuple[float, float] | None = None,
    *,
    std: tuple[float | None, float | None] = (None, None),
    car: Vehicle = NO_SIGNAL,
    shut: bool | None = False,
    phone: float | None = None,
    face: Face | None = None,
) -> Glances:
    frame = Measurement(
        0,
        gaze=Gaze(*gaze, std[0]) if gaze is not None else None,
        head=Head(*head, 0.0, std[1]) if head is not None else None,
        phone=Phone(phone) if phone is not None else None,
        face=face,
    )
    glances.step(frame, shut, car, round(t_ms * MS))
    return glances


def test_nothing_is_known_at_first() -> None:
    glances = _glances()
    assert (glances.away_now, glances.serving, glances.zone) == (None, False, GazeZone.UNKNOWN)
    assert (glances.away.value, glances.area3.value, glances.phone.value, glances.hidden.value) == (None,) * 4


@pytest.mark.parametrize(
    ("gaze", "zone", "away", "serving"),
    [
        (AHEAD, GazeZone.ROAD_AHEAD, False, False), ((-25.0, 6.0), GazeZone.WINDSCREEN, False, False),
        (LAP, GazeZone.LAP, True, False), (CLUSTER, GazeZone.CLUSTER, True, True),
        (LEFT_MIRROR, GazeZone.LEFT_MIRROR, True, True), (ROOF, GazeZone.UNKNOWN, True, False),
    ],
)  # fmt: skip
def test_one_look(gaze: tuple[float, float], zone: GazeZone, away: bool, serving: bool) -> None:
    glances = _look(_glances(), 0, gaze)
    assert (glances.zone, glances.away_now, glances.serving) == (zone, away, serving)
    assert glances.area3.value is (gaze == LAP)
    for shown, shut in ((gaze, True), (None, False)):
        _look(glances, 20, shown, shut=shut)
        assert (glances.zone, glances.away_now, glances.serving) == (GazeZone.UNKNOWN, None, False)
    glances.step(None, None, NO_SIGNAL, 40 * MS)
    assert (glances.zone, glances.away_now, glances.serving) == (GazeZone.UNKNOWN, None, False)
    assert _look(_glances(), 0, gaze, shut=None).away_now is away, "lids that are not seen hide nothing"


@pytest.mark.parametrize(
    ("gaze_std", "head_std", "zone"),
    [
        (None, None, "gaze"), (15.0, None, "gaze"), (15.01, None, "head"), (math.nan, None, "head"),
        (30.0, 20.0, "head"), (30.0, 20.01, "none"), (30.0, math.nan, "none"),
    ],
)  # fmt: skip
def test_a_direction_too_blurred_decides_nothing(gaze_std: float | None, head_std: float | None, zone: str) -> None:
    glances = _look(_glances(), 0, AHEAD, LAP, std=(gaze_std, head_std))
    assert glances.away_now is {"gaze": False, "head": True, "none": None}[zone]
    assert glances.hidden.value is {"gaze": False, "head": True, "none": None}[zone]


@pytest.mark.parametrize("bad", [(math.nan, 0.0), (0.0, math.nan), (math.inf, 0.0), (0.0, -math.inf)])
def test_what_is_no_number_is_not_measured(bad: tuple[float, float]) -> None:
    assert _look(_glances(), 0, bad, LAP).zone is GazeZone.LAP
    assert _look(_glances(), 0, bad).away_now is None
    assert _look(_glances(), 0, None, bad).away_now is None
    assert _look(_glances(), 0, AHEAD, phone=math.nan).phone.value is None


def test_a_head_reaches_area_3_sooner_than_a_gaze() -> None:
    assert _look(_glances(), 0, (-8.0, -25.0)).area3.value is False
    assert _look(_glances(), 0, None, (-8.0, -25.0)).area3.value is True


def test_directions_are_from_this_drivers_straight_ahead() -> None:
    baseline = Baseline()
    baseline.restore(
        DriverBaseline(head_yaw_deg=1.0, head_pitch_deg=2.0, gaze_yaw_deg=3.0, gaze_pitch_deg=4.0, learned_ns=60 * S)
    )
    # the road zone of this cabin: 14 deg to each side, 11 up
    for (yaw, pitch), zone in {
        (16.9, 0.0): GazeZone.ROAD_AHEAD, (17.1, 0.0): GazeZone.WINDSCREEN,
        (-10.9, 0.0): GazeZone.ROAD_AHEAD, (-11.1, 0.0): GazeZone.WINDSCREEN,
        (0.0, 14.9): GazeZone.ROAD_AHEAD, (0.0, 15.1): GazeZone.WINDSCREEN,
    }.items():  # fmt: skip
        assert _look(_glances(baseline), 0, (yaw, pitch)).zone is zone, (yaw, pitch)
        head = yaw - 2.0, pitch - 2.0
        assert _look(_glances(baseline), 0, None, head).zone is zone, head


@pytest.mark.parametrize(("p", "away"), [(0.5, True), (0.49, None)])
def test_a_face_far_from_its_usual_place_is_away_where_no_direction_is_measured(p: float, away: bool | None) -> None:
    baseline = Baseline()
    baseline.restore(DriverBaseline(face_px=200.0, face_x_px=300.0, face_y_px=300.0, learned_ns=60 * S))
    beside, usual = (0.0, 200.0, 150.0, 200.0), (225.0, 200.0, 150.0, 200.0)
    assert _look(_glances(baseline), 0, face=Face(p, beside)).away_now is away
    assert _look(_glances(baseline), 0, face=Face(p, usual)).away_now is None
    assert _look(_glances(baseline), 0, AHEAD, face=Face(p, beside)).away_now is False, "the gaze is measured"
    assert _look(_glances(), 0, face=Face(p, beside)).away_now is None


# --- checks that indicator and reverse gear explain ---


def test_a_check_is_neither_away_nor_ahead() -> None:
    for look, side in ((LEFT_MIRROR, "turn_left"), (RIGHT_MIRROR, "turn_right")):
        assert _look(_glances(), 0, look, car=_car(**{side: True})).away_now is None
        assert _look(_glances(), 0, LAP, car=_car(**{side: True})).away_now is True
        assert _look(_glances(), 0, AHEAD, car=_car(**{side: True})).away_now is False
        assert _look(_glances(), 0, look).away_now is True
    assert _look(_glances(), 0, LEFT_MIRROR, car=_car(turn_right=True)).away_now is True
    checking = _look(_glances(), 0, LEFT_MIRROR, car=_car(turn_left=True))
    assert (checking.zone, checking.serving) == (GazeZone.LEFT_MIRROR, True)


def test_a_check_is_over_after_four_seconds_but_not_in_reverse() -> None:
    car, glances = _car(turn_left=True), _glances()
    for t_ms in (500, 2500, 4500):
        assert _look(glances, t_ms, LEFT_MIRROR, car=car).away_now is None
    assert _look(glances, 4500.001, LEFT_MIRROR, car=car).away_now is True
    assert _look(glances, 4600, AHEAD, car=car).away_now is False
    assert _look(glances, 4700, LEFT_MIRROR, car=car).away_now is None, "a new check"
    assert _look(glances, 8600, LAP, car=car).away_now is True
    assert _look(glances, 8800, LEFT_MIRROR, car=car).away_now is None, "a look elsewhere between begins anew too"
    back, glances = _car(reverse=True), _glances()
    for t_ms in (0, 4000, 4001, 60_000):
        assert _look(glances, t_ms, LEFT_MIRROR, car=back).away_now is None


# --- timers ---


def _turns_after_ms(glances: Glances, name: str, before: dict[str, Any], after: dict[str, Any]) -> int:
    """Milliseconds of `after` until the timer of that name has turned."""
    for t_ms in range(0, 1001, 20):
        _look(glances, t_ms, **before)
    timer = getattr(glances, name)
    value = timer.value
    _look(glances, 1000 + 2e-6, **after)
    for t_ms in range(1, 1000):
        _look(glances, 1000 + t_ms + 1e-6, **after)
        if timer.value is not value:
            return t_ms
    return -1


@pytest.mark.parametrize(
    ("name", "away", "ahead", "there_ms", "back_ms"),
    [
        ("away", {"gaze": LAP}, {"gaze": AHEAD}, 150, 250),
        ("area3", {"gaze": LAP}, {"gaze": AHEAD}, 150, 250),
        ("phone", {"phone": 0.5}, {"phone": 0.49}, 300, 300),
        ("hidden", {"head": AHEAD}, {"gaze": AHEAD}, 300, 300),
    ],
)
def test_how_long_each_has_to_be_seen_before_it_counts(
    name: str, away: dict[str, Any], ahead: dict[str, Any], there_ms: int, back_ms: int
) -> None:
    assert _turns_after_ms(_glances(look_back_ns=250 * MS), name, ahead, away) == there_ms
    assert _turns_after_ms(_glances(look_back_ns=250 * MS), name, away, ahead) == back_ms


def test_where_judging_begins_nothing_has_lasted() -> None:
    glances = _glances()
    for t_ms in range(0, 1001, 20):
        _look(glances, t_ms, LAP, phone=0.9)
    glances.since_start_of_judging(1000 * MS)
    assert [timer.duration_ns for timer in (glances.away, glances.area3, glances.phone)] == [0, 0, 0]
