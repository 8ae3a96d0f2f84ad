"""Area 3 of the EU regulation, and the looks that a manoeuvre explains: every edge, both sides."""

from __future__ import annotations

import pytest

from watchkeeper.state.areas import Area3, is_check
from watchkeeper.types import Cabin, CabinZone, GazeZone

# The windscreen box ends at 30 deg down: with the margin of area 2 it reaches yaw -20..40 and 40 deg down.
CABIN = Cabin(
    "left",
    (
        CabinZone(GazeZone.WINDSCREEN, 10.0, 5.0, 20.0, 35.0),
        CabinZone(GazeZone.CLUSTER, 0.0, -50.0, 60.0, 9.0),  # no window: takes nothing away
    ),
)


def _inside(*looks: tuple[float, float]) -> bool:
    area = Area3(CABIN)
    return [area.step(yaw, pitch, from_head=False) for yaw, pitch in looks][-1]


@pytest.mark.parametrize(
    ("look", "inside"),
    [
        ((-50.0, -30.0), True), ((-50.0, -29.9), False),  # below the plane of 30 deg
        ((-55.0, -45.0), True), ((-55.1, -45.0), False), ((55.0, -45.0), True), ((55.1, -45.0), False),  # to the sides
        ((-20.0, -35.0), True), ((-19.9, -35.0), False), ((40.0, -35.0), True), ((39.9, -35.0), False),  # window, sides
        ((0.0, -40.0), True), ((0.0, -39.9), False),  # window, below
        ((0.0, 0.0), False), ((-30.0, -45.0), True),
    ],
)  # fmt: skip
def test_where_area_3_begins(look: tuple[float, float], inside: bool) -> None:
    assert not Area3(CABIN).inside
    assert _inside(look) is inside


@pytest.mark.parametrize(
    ("look", "inside"),
    [
        ((-50.0, -27.5), True), ((-50.0, -27.4), False),
        ((-57.5, -45.0), True), ((-57.6, -45.0), False), ((57.5, -45.0), True), ((57.6, -45.0), False),
        ((-17.5, -35.0), True), ((-17.4, -35.0), False), ((37.5, -35.0), True), ((37.4, -35.0), False),
        ((0.0, -37.5), True), ((0.0, -37.4), False),
    ],
)  # fmt: skip
def test_once_inside_it_reaches_two_and_a_half_degrees_further(look: tuple[float, float], inside: bool) -> None:
    assert _inside((-50.0, -45.0), look) is inside
    assert _inside((-50.0, -45.0), (0.0, 0.0), look) is False, "it was left"


def test_windows_on_the_left_side_are_left_out_too() -> None:
    window = Cabin("left", (CabinZone(GazeZone.LEFT_WINDOW, 50.0, -20.0, 10.0, 15.0),))
    assert Area3(window).step(45.0, -40.0, from_head=False) is False
    assert Area3(window).step(-45.0, -40.0, from_head=False) is True


def test_a_head_counts_from_twenty_degrees_down() -> None:
    for pitch, from_head, inside in ((-20.0, True, True), (-19.9, True, False), (-20.0, False, False)):
        assert Area3(CABIN).step(-50.0, pitch, from_head) is inside


LEFT, RIGHT, REVERSE = (True, False, False), (False, True, False), (False, False, True)
Z = GazeZone


@pytest.mark.parametrize(
    ("car", "zones"),
    [
        (LEFT, {Z.LEFT_MIRROR, Z.LEFT_WINDOW, Z.INTERIOR_MIRROR}),
        (RIGHT, {Z.RIGHT_MIRROR, Z.RIGHT_WINDOW, Z.INTERIOR_MIRROR}),
        (REVERSE, {Z.LEFT_MIRROR, Z.LEFT_WINDOW, Z.INTERIOR_MIRROR, Z.RIGHT_MIRROR, Z.RIGHT_WINDOW, Z.PASSENGER}),
        ((False, False, False), set()),
    ],
)
def test_zones_that_a_manoeuvre_explains(car: tuple[bool, bool, bool], zones: set[GazeZone]) -> None:
    assert {zone for zone in GazeZone if is_check(zone, 0.0, 0.0, *car)} == zones


@pytest.mark.parametrize(
    ("yaw", "pitch", "left", "right"),
    [
        (55.1, -29.9, True, False), (55.0, -29.9, False, False), (55.1, -30.0, False, False),
        (-55.1, -29.9, False, True), (-55.0, -29.9, False, False), (-55.1, -30.0, False, False),
    ],
)  # fmt: skip
def test_over_the_shoulder_on_the_side_of_the_indicator(yaw: float, pitch: float, left: bool, right: bool) -> None:
    assert is_check(Z.UNKNOWN, yaw, pitch, *LEFT) is left
    assert is_check(Z.UNKNOWN, yaw, pitch, *RIGHT) is right
    assert is_check(Z.UNKNOWN, yaw, pitch, *REVERSE) is (left or right)
    assert is_check(Z.UNKNOWN, yaw, pitch, False, False, False) is False
