"""What is judged relative to the driver's own straight ahead, place and open eyes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from watchkeeper.board import load_board
from watchkeeper.errors import BadInputError
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import Eye, Face, Gaze, GazeZone, Head, Measurement, VehicleSignals

BARE = 0.018  # what a bare closed eye reads


def blinking(drive: Any, seconds: float, opening: float) -> Any:
    """An attentive driver blinking every three seconds."""
    for _ in range(round(seconds / 3)):
        drive.ahead(2.75, lids=(opening, opening)).span(0.25, lids=(BARE, BARE))
    return drive


def test_zones_move_with_what_this_driver_shows_when_looking_ahead(drive: Any) -> None:
    road = drive().ahead(15, gaze=(0.0, -4.0), head=(0.0, -4.0))
    # 14 deg down would be the cluster; for a driver whose straight ahead reads 4 deg down it is the road's edge
    played = road.span(6, gaze=(0.0, -14.0), head=(0.0, -4.0)).play()
    assert played.at(19).gaze_zone is GazeZone.ROAD_AHEAD
    assert played.onsets() == []
    unlearned = drive().ahead(1).span(6, gaze=(0.0, -14.0)).play()
    assert unlearned.at(4).gaze_zone is not GazeZone.ROAD_AHEAD
    assert unlearned.onsets("LongDistraction") != []


def test_the_head_moves_them_where_the_eyes_are_hidden(drive: Any) -> None:
    road = drive().ahead(15, gaze=(0.0, 0.0), head=(0.0, -4.5))
    hidden = {"gaze": None, "lids": None}
    assert road.span(6, head=(0.0, -14.0), **hidden).play().onsets() == []
    assert drive().ahead(1).span(6, head=(0.0, -14.0), **hidden).play().onsets() != []


def test_nobody_teaches_the_zones_to_be_far_from_straight_ahead(drive: Any) -> None:
    machine = drive().ahead(30, gaze=(9.0, -9.0), head=(-9.0, 9.0)).play().machine
    assert machine.baseline.neutral_gaze == (5.0, -5.0)
    assert machine.baseline.neutral_head == (-5.0, 5.0)


def test_a_lean_needs_a_place_to_lean_from(drive: Any) -> None:
    baseline = drive().ahead(30, face=True).play().machine.baseline
    usual_x, usual_y = 290.0, 210.0
    for dx, dy, leans in [(0, 0, False), (160, 0, False), (-160, 0, False), (200, 0, True), (-200, 0, True),
                          (0, 160, False), (0, 200, True), (0, -400, False)]:  # fmt: skip
        box = (usual_x + dx - 60.0, usual_y + dy - 100.0, 120.0, 200.0)
        assert baseline.leans(Face(0.9, box)) is leans, (dx, dy)
    assert baseline.leans(Face(0.9, (math.nan, 0.0, 1.0, 1.0))) is None
    assert drive().ahead(30).play().machine.baseline.leans(Face(0.9, (0.0, 0.0, 1.0, 1.0))) is None
    assert drive().ahead(5, face=True).play().machine.baseline.leans(Face(0.9, (900.0, 0.0, 1.0, 1.0))) is None


def test_droop_is_measured_against_this_drivers_open_eyes(drive: Any) -> None:
    """Eyes that read 0.7 when open do not droop at 0.7, and eyes that read 1 do."""
    played = blinking(drive(), 90, 0.7).ahead(200, lids=(0.7, 0.7)).play(fps=15)
    assert not played.machine._sleepiness._opening < 0.75
    played = blinking(drive(), 90, 1.0).ahead(200, lids=(0.7, 0.7)).play(fps=15)
    assert played.machine._sleepiness._opening < 0.75


def test_a_kept_baseline_holds_from_the_first_frame_and_another_driver_is_noticed(drive: Any) -> None:
    kept = blinking(drive(), 90, 1.0).play(fps=15).machine.learned
    assert kept is not None
    assert DriverStateMachine(get_profile("r171"), load_board("host").cabin).learned is None
    for head_deg, same in ((0.0, True), (-9.0, False)):
        machine = DriverStateMachine(get_profile("euroncap-2026"), load_board("host").cabin)
        machine.recall(kept)
        assert machine.learned == kept
        eye = Eye(1.0, None, 0.99)
        for k in range(300):
            t_ns = k * 66_000_000
            frame = Measurement(t_ns, k, None, Head(0.0, head_deg, 0.0), Gaze(0.0, 0.0), eye, eye)
            machine.step(frame, VehicleSignals(speed_kph=80.0), t_ns)
        assert (machine.learned == kept) is same
    with pytest.raises(BadInputError, match="present"):
        machine.recall(replace(kept, present=2))
