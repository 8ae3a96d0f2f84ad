"""Zones: overlaps, hysteresis, and directions beside every zone."""

from __future__ import annotations

import pytest

from watchkeeper.board import load_board
from watchkeeper.state.zones import FORWARD_ZONES, ZoneMap
from watchkeeper.types import Cabin, CabinZone, GazeZone


@pytest.fixture
def zones() -> ZoneMap:
    return ZoneMap(load_board("host").cabin)


@pytest.mark.parametrize(
    ("direction", "zone"),
    [
        ((0, 0), GazeZone.ROAD_AHEAD),
        ((-25, 6), GazeZone.WINDSCREEN),
        ((-38, 9), GazeZone.INTERIOR_MIRROR),  # hangs in the windscreen: the smaller zone wins
        ((0, -17), GazeZone.CLUSTER),
        ((-30, -18), GazeZone.INFOTAINMENT),
        ((48, -8), GazeZone.LEFT_MIRROR),
        ((-62, -8), GazeZone.RIGHT_MIRROR),
        ((75, -5), GazeZone.LEFT_WINDOW),
        ((-8, -48), GazeZone.LAP),
        ((0, 32), GazeZone.UNKNOWN),  # the roof: a known direction, no zone
        ((0, 80), GazeZone.UNKNOWN),
    ],
)
def test_zone_of_a_direction(zones: ZoneMap, direction: tuple[float, float], zone: GazeZone) -> None:
    assert zones.step(*direction) is zone


def test_beside_the_forward_zones_is_not_forward(zones: ZoneMap) -> None:
    assert zones.step(24.5, 0.0) not in FORWARD_ZONES
    assert zones.step(0.0, 19.0) not in FORWARD_ZONES


def test_a_zone_once_entered_reaches_further(zones: ZoneMap) -> None:
    zones.step(20.0, 5.0)
    assert zones.step(26.0, 5.0) is GazeZone.WINDSCREEN
    assert zones.step(27.0, 5.0) is not GazeZone.WINDSCREEN
    assert zones.step(26.0, 5.0) is not GazeZone.WINDSCREEN
    assert zones.step(23.9, 5.0) is GazeZone.WINDSCREEN
    zones.step(0.0, -13.0)
    assert zones.step(0.0, -9.0) is GazeZone.CLUSTER
    assert zones.step(0.0, -8.0) is GazeZone.ROAD_AHEAD


def test_an_edge_belongs_to_its_zone_and_the_nearest_of_those_around_is_told() -> None:
    cabin = Cabin(
        "left",
        (CabinZone(GazeZone.CLUSTER, 0.0, 0.0, 10.0, 5.0), CabinZone(GazeZone.INFOTAINMENT, -30.0, 0.0, 10.0, 5.0)),
    )
    assert ZoneMap(cabin).step(10.0, 5.0) is GazeZone.CLUSTER
    # right of the middle between the two, level with both: only the sideways distance counts
    assert ZoneMap(cabin).step(-14.5, 0.0) is GazeZone.CLUSTER
    assert ZoneMap(cabin).step(-15.5, 0.0) is GazeZone.INFOTAINMENT
    # 9.5 deg beside or above is near, 10 deg is not, and neither are 8 deg both ways
    assert ZoneMap(cabin).step(19.5, 0.0) is GazeZone.CLUSTER
    assert ZoneMap(cabin).step(20.0, 0.0) is GazeZone.UNKNOWN
    assert ZoneMap(cabin).step(0.0, 14.5) is GazeZone.CLUSTER
    assert ZoneMap(cabin).step(0.0, 15.0) is GazeZone.UNKNOWN
    assert ZoneMap(cabin).step(18.0, 13.0) is GazeZone.UNKNOWN
    assert ZoneMap(cabin).step(16.0, 11.0) is GazeZone.CLUSTER


@pytest.mark.parametrize(("yaw_deg", "pitch_deg"), [(10.0, 0.0), (-10.0, 0.0), (0.0, 5.0), (0.0, -5.0), (10.0, 5.0)])
def test_the_edge_of_a_forward_zone_is_forward_and_beyond_it_is_nothing(yaw_deg: float, pitch_deg: float) -> None:
    cabin = Cabin("left", (CabinZone(GazeZone.WINDSCREEN, 0.0, 0.0, 10.0, 5.0),))
    assert ZoneMap(cabin).step(yaw_deg, pitch_deg) is GazeZone.WINDSCREEN
    assert ZoneMap(cabin).step(1.001 * yaw_deg, 1.001 * pitch_deg) is GazeZone.UNKNOWN


@pytest.mark.parametrize(("yaw_deg", "pitch_deg"), [(12.5, 0.0), (0.0, 7.5), (-12.5, -7.5)])
def test_a_zone_once_entered_ends_just_beyond_its_margin(yaw_deg: float, pitch_deg: float) -> None:
    cabin = Cabin("left", (CabinZone(GazeZone.WINDSCREEN, 0.0, 0.0, 10.0, 5.0),))
    inside = ZoneMap(cabin)
    inside.step(0.0, 0.0)
    assert inside.step(yaw_deg, pitch_deg) is GazeZone.WINDSCREEN
    assert inside.step(1.001 * yaw_deg, 1.001 * pitch_deg) is GazeZone.UNKNOWN
    assert ZoneMap(cabin).step(yaw_deg, pitch_deg) is GazeZone.UNKNOWN, "never entered"


def test_of_boxes_that_overlap_the_one_with_the_smaller_area_wins() -> None:
    # 20 x 2 is smaller than 10 x 10, though longer
    boxes = CabinZone(GazeZone.CLUSTER, 0.0, 0.0, 10.0, 10.0), CabinZone(GazeZone.INFOTAINMENT, 0.0, 0.0, 20.0, 2.0)
    for cabin in (Cabin("left", boxes), Cabin("left", boxes[::-1])):
        assert ZoneMap(cabin).step(0.0, 0.0) is GazeZone.INFOTAINMENT


def test_a_look_between_two_zones_of_the_same_size_is_the_first_ones() -> None:
    boxes = CabinZone(GazeZone.INFOTAINMENT, -30.0, 0.0, 10.0, 5.0), CabinZone(GazeZone.CLUSTER, 0.0, 0.0, 10.0, 5.0)
    for cabin in (Cabin("left", boxes), Cabin("left", boxes[::-1])):
        assert ZoneMap(cabin).step(-15.0, 0.0) is GazeZone.CLUSTER


def test_near_is_up_to_ten_degrees_sideways_or_above() -> None:
    cabin = Cabin("left", (CabinZone(GazeZone.CLUSTER, 0.0, 0.0, 10.0, 5.0),))
    for yaw_deg, pitch_deg in ((19.99, 0.0), (-19.99, 0.0), (0.0, 14.99), (0.0, -14.99)):
        assert ZoneMap(cabin).step(yaw_deg, pitch_deg) is GazeZone.CLUSTER
