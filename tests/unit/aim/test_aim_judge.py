"""Each thing that can be wrong with a mounting is told by its item, with the one next action."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from readings import CAMERA, GOOD, MS, S, session, setup, spoilt

from watchkeeper.commands.aim.verdict import Verdict, next_action, overall
from watchkeeper.types import AimReading, SupervisorReport, SystemState


def _items(reading: Any, **how: Any) -> dict[str, Any]:
    return {item.name: item for item in session(reading, setup(**how)).items}


def test_a_good_mounting_passes_and_asks_for_nothing() -> None:
    made = session(GOOD)
    assert [(item.name, item.verdict) for item in made.items if item.verdict is not Verdict.PASS] == []
    assert (overall(made.items), next_action(made.items)) == (Verdict.PASS, "")


@pytest.mark.parametrize(
    ("change", "item", "verdict", "action"),
    [
        ({"face": {"right_deg": 8.0}}, "across", "warn", "turn the camera 8 deg to its right, towards the door"),
        (
            {"face": {"right_deg": -13.0}}, "across", "fail",
            "turn the camera 13 deg to its left, towards the middle of the car",
        ),
        ({"face": {"down_deg": 9.0}}, "height", "warn", "tilt the camera 9 deg down"),
        ({"face": {"down_deg": -9.0}}, "height", "warn", "tilt the camera 9 deg up"),
        ({"face": {"x_px": -20.0}}, "room", "fail", "bring the face to the middle first"),
        ({"face": {"x_px": 20.0}}, "room", "warn", "bring the face to the middle first"),
        ({"pose": {"z_mm": 300.0}}, "distance", "warn", "mount the camera further away"),
        ({"pose": {"z_mm": 1600.0}}, "distance", "fail", "mount the camera nearer"),
        ({"pose": {"left_deg": -30.0}}, "camera aside", "warn", "mount the camera further towards the door"),
        ({"pose": {"left_deg": 40.0}}, "camera aside", "fail", "further towards the middle of the car"),
        ({"pose": {"above_deg": 12.0}}, "camera above", "warn", "mount the camera lower"),
        ({"pose": {"above_deg": -45.0}}, "camera above", "fail", "mount the camera higher"),
        ({"pose": {"tilt_deg": 15.0}}, "tilt", "warn", "turn the camera 15 deg clockwise about its lens"),
        ({"eyes": {"width_px": 12.0, "opening_px": 3.0}}, "eyes", "fail", "mount nearer"),
        ({"eyes": {"seen": 0.6}}, "eyes", "warn", "take glasses or hands off the eyes"),
        ({"eyes": {"opening_px": 1.0}}, "lids", "warn", "look ahead with open eyes"),
        ({"eyes": {"opening_px": 4.0, "width_px": 20.0}}, "lids", "warn", "mount nearer"),
        ({"mean": 5.0}, "light", "fail", "too dark"),
        ({"saturated": 0.6}, "light", "fail", "too bright"),
        ({"face": {"median": 31.0}}, "light", "warn", "too dark: more infrared light"),
        ({"face": {"median": 240.0}}, "light", "fail", "too bright"),
        ({"face": {"low": 100.0, "high": 120.0}}, "light", "warn", "flat"),
        ({"covered": 0.9}, "picture", "fail", "take the cover off the lens"),
        ({"pose": {"x_mm": 200.0}}, "mounting", "warn", "does not stand where its geometry says"),
        ({"head": {"yaw_deg": 14.0}}, "mounting", "fail", "measure anew"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_what_to_do(change: dict[str, Any], item: str, verdict: str, action: str) -> None:
    found = _items(spoilt(**change))[item]
    assert (found.verdict.value, action in found.action) == (verdict, True), found


def test_the_same_turn_is_towards_the_other_side_with_the_wheel_on_the_right() -> None:
    found = _items(spoilt(face={"right_deg": 8.0}), side="right", cabin="right")["across"]
    assert found.action == "turn the camera 8 deg to its right, towards the middle of the car"


def test_a_geometry_for_the_other_side_is_refused_first() -> None:
    made = session(spoilt(face={"right_deg": 20.0}), setup(side="right"))
    assert next_action(made.items).startswith("start with --geometry of a right-hand drive car")


def test_without_a_face_nothing_passes_that_needs_one() -> None:
    made = session(spoilt(face=None, pose=None, head=None, left_eye=None, right_eye=None))
    by_name = {item.name: item.verdict for item in made.items}
    assert by_name["face"] is Verdict.FAIL
    assert by_name["picture"] is Verdict.PASS
    assert {by_name[n] for n in ("across", "distance", "eyes", "light", "mounting")} == {Verdict.UNKNOWN}
    assert next_action(made.items).startswith("sit as for driving")


def test_before_the_first_picture_all_is_unknown_but_the_side() -> None:
    made = session(None)
    assert {item.verdict for item in made.items if item.name != "drive side"} == {Verdict.UNKNOWN}
    assert overall(made.items) is Verdict.UNKNOWN


def test_a_mounting_nobody_measured_is_no_pass() -> None:
    found = _items(GOOD, camera=replace(CAMERA, mounting_known=False))["mounting"]
    assert (found.verdict, "[mounting]" in found.action) == (Verdict.WARN, True)


def test_one_blink_moves_nothing() -> None:
    made = session(GOOD, n=20)
    made.step(replace(spoilt(eyes={"opening_px": 0.0}), t_ns=2 * S), None, 2 * S)
    assert overall(made.items) is Verdict.PASS


def test_old_readings_are_forgotten_but_for_the_end() -> None:
    made = session(GOOD)
    made.step(made.window.newest, None, 4 * S)  # the mailbox keeps what a vision that is gone said last
    assert overall(made.items) is Verdict.UNKNOWN
    ending = session(GOOD)
    ending.step(ending.window.newest, SupervisorReport(4 * S, 1, state=SystemState.STANDBY), 4 * S)
    ending.step(ending.window.newest, None, 6 * S)
    assert overall(ending.items) is Verdict.PASS


def test_readings_of_the_last_two_seconds_count() -> None:
    made = session(GOOD, n=30)
    for k in range(90):
        t_ns = 2 * S + k * 33 * MS
        made.step(replace(spoilt(face={"right_deg": 9.0}), t_ns=t_ns), None, t_ns)
    assert made.window.median("face_right_deg") == 9.0
    spread = made.window.spread("face_right_deg")
    assert spread is not None
    assert (spread.low, spread.high) == (9.0, 9.0)
    assert 55 <= spread.n <= 62


def test_pictures_in_which_no_face_was_looked_for_say_nothing_of_it() -> None:
    made = session(GOOD, n=20)
    made.step(AimReading(2 * S, 640, 480), None, 2 * S)  # a busy processor left the networks out
    assert made.window.face_share == 1.0
    assert overall(made.items) is Verdict.PASS
