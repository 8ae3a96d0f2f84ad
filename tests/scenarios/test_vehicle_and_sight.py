"""When the profile judges, how a warning is given, and what is told when the driver cannot be seen."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from watchkeeper.types import ImageQuality

LAP = (-8.0, -48.0)
UNSEEN: dict[str, object] = {"gaze": None, "head": None, "lids": None, "face": False}


@pytest.mark.parametrize(("speed_kph", "active"), [(0.0, False), (19.5, False), (20.0, True), (None, True)])
def test_speed_decides_whether_the_driver_is_judged(drive: Any, speed_kph: float | None, active: bool) -> None:
    slow: dict[str, object] = {"speed_kph": speed_kph}
    played = drive().ahead(2, **slow).shut(2, **slow).ahead(4, **slow).look(5, LAP, **slow).play()
    assert {s.active for s in played.states} == {active}
    assert bool(played.events) is active


def test_speed_around_the_threshold_does_not_flicker(drive: Any) -> None:
    played = drive().ahead(1, speed_kph=21.0)
    for _ in range(10):
        played.ahead(0.5, speed_kph=19.0).ahead(0.5, speed_kph=21.0)
    played.ahead(1, speed_kph=17.0).ahead(1, speed_kph=19.0)
    states = played.play().states
    changes = [a.active != b.active for a, b in itertools.pairwise(states)]
    assert sum(changes) == 1


def test_missing_speed_is_reported_after_its_hold(drive: Any) -> None:
    states = drive().ahead(2).ahead(2, speed_kph=None).ahead(1).play()
    assert states.at(2.4).cause.label == "None"
    assert states.at(2.6).cause.label == "SpeedMissing"
    assert states.at(4.9).cause.label == "None"


def test_a_slow_vehicle_whose_speed_goes_missing_is_judged(drive: Any) -> None:
    states = drive().ahead(2, speed_kph=5.0).ahead(2, speed_kph=None).play()
    assert (states.at(2.4).active, states.at(2.6).active) == (False, True)


def test_warning_ends_at_standby_and_standing_still_is_not_held_against_the_driver(drive: Any) -> None:
    stop = drive().ahead(5).look(4, LAP).look(3, LAP, speed_kph=0.0).play()
    assert stop.ends("LongDistraction") == [pytest.approx(9.0, abs=0.1)]
    go = drive().look(10, LAP, speed_kph=0.0).look(4, LAP).ahead(3).play()
    assert go.onsets() == [pytest.approx(13.5, abs=0.1)]


def test_acknowledge_silences_this_warning_only(drive: Any) -> None:
    played = drive().ahead(5).look(4, LAP).look(0.2, LAP, acknowledge=True).look(1, LAP).ahead(3).look(4, LAP).play()
    before, after, next_one = played.at(8.9), played.at(9.9), played.states[-1]
    assert (before.acoustic, before.visual, before.acknowledged) == (1, True, False)
    assert (after.acoustic, after.visual, after.acknowledged) == (0, True, True)
    assert (next_one.acoustic, next_one.acknowledged, next_one.warning_count) == (1, False, 2)


def test_a_button_held_down_beforehand_silences_nothing(drive: Any) -> None:
    played = drive().ahead(5, acknowledge=True).look(4, LAP, acknowledge=True).play()
    assert played.states[-1].acoustic == 1


def test_sleep_sounds_unlike_distraction_and_is_more_urgent(drive: Any) -> None:
    away = drive().ahead(5).look(8, LAP).play().states[-1]
    asleep = drive().ahead(5).shut(4).play()
    assert {away.acoustic, asleep.at(6.5).acoustic, asleep.at(8.5).acoustic} == {1, 2, 3}
    assert (away.distraction_level, away.drowsiness_level) == (2, 0)
    assert (asleep.at(8.5).distraction_level, asleep.at(8.5).drowsiness_level) == (0, 3)
    assert asleep.at(6.5).haptic


@pytest.mark.parametrize(
    ("cause", "within_s", "what"),
    [
        ("CameraCovered", 1.2, {**UNSEEN, "image": ImageQuality(20.0, 0.0, 1.0)}),
        ("TooDark", 2.2, {**UNSEEN, "image": ImageQuality(3.0, 0.0, 0.0)}),
        ("TooBright", 2.2, {**UNSEEN, "image": ImageQuality(240.0, 0.9, 0.0)}),
        ("NoFace", 2.2, {**UNSEEN, "image": ImageQuality(90.0, 0.0, 0.0)}),
        ("NoFace", 10.0, {**UNSEEN, "face": None}),
        ("EyesHidden", 10.0, {"gaze": None, "lids": None, "face": True}),
        ("EyesHidden", 10.0, {"gaze": None, "lids": (0.9, 0.9), "p_visible": (0.1, 0.1), "face": True}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_seen_is_told_and_nobody_is_warned(
    drive: Any, cause: str, within_s: float, what: dict[str, object]
) -> None:
    played = drive().ahead(5, face=True).span(30, **what).ahead(3, face=True).play()
    assert played.events == []
    told = [s for s in played.states if s.cause.label != "None"]
    assert {s.cause.label for s in told} == {cause}
    assert 5 < (told[0].t_ns - played.t0_ns) / 1e9 <= 5 + within_s
    assert 34.9 < (told[-1].t_ns - played.t0_ns) / 1e9 < 35.6  # and no more once he is seen again


def test_dark_or_bright_pictures_in_which_the_driver_is_seen_are_fine(drive: Any) -> None:
    for image in (ImageQuality(3.0, 0.0, 0.0), ImageQuality(240.0, 0.9, 0.0), ImageQuality(60.0, 0.0, 0.9)):
        assert {s.cause.label for s in drive().ahead(10, image=image, face=True).play().states} == {"None"}


def test_presence(drive: Any) -> None:
    played = drive().ahead(3, face=True).span(5, **UNSEEN).ahead(1, face=True).play()
    assert played.at(2).driver_present.name == "PRESENT"
    assert played.at(7).driver_present.name == "ABSENT"
    assert played.states[-1].driver_present.name == "PRESENT"


def test_timers_and_zone_on_the_bus(drive: Any) -> None:
    played = drive().ahead(2).look(2, LAP).ahead(2).shut(0.9).ahead(1).play()
    assert played.at(1).gaze_zone.name == "ROAD_AHEAD"
    assert played.at(3.9).gaze_zone.name == "LAP"
    assert played.at(3.9).away_s == pytest.approx(1.9, abs=0.1)
    assert played.at(6.8).closed_s == pytest.approx(0.8, abs=0.1)
    assert played.at(6.8).gaze_zone.name == "UNKNOWN"
    assert (played.at(6.8).left_eye.name, played.states[-1].left_eye.name) == ("CLOSED", "OPEN")
    assert played.at(1).confidence == 3


def test_calibration_is_the_share_of_a_minute_seen_attentive(drive: Any) -> None:
    assert drive().ahead(30).play().states[-1].calibration_pct == pytest.approx(50, abs=0.5)
    assert drive().look(30, LAP).play().states[-1].calibration_pct == 0.0
    assert drive().ahead(90).play(fps=15).states[-1].calibration_pct == 100.0


@pytest.mark.parametrize("seed", range(3))
def test_an_attentive_driver_is_left_alone(drive: Any, seed: int) -> None:
    played = drive()
    for k in range(60):
        played.ahead(2.3).shut(0.2).ahead(1.5).look(0.9, [(48.0, -8.0), (-38.0, 9.0), (0.0, -17.0)][k % 3])
    result = played.play(lid_noise=0.06, gaze_noise_deg=3.0, lost=0.1, jitter_ms=8, seed=seed)
    assert result.events == []
