"""Parts of the cabin beside the zones: area 3 of the EU regulation, and where a manoeuvre is checked."""

from __future__ import annotations

from watchkeeper.state import limits
from watchkeeper.types import Cabin, GazeZone

_SIDE_DEG, _BELOW_DEG = limits.AREA1_SIDE.value, limits.AREA3_BELOW.value
_BELOW_HEAD_DEG = limits.AREA3_BELOW_HEAD.value
_WINDOW_MARGIN_DEG, _HYSTERESIS_DEG = limits.AREA2_MARGIN.value, limits.ZONE_HYSTERESIS.value
_WINDOWS = (GazeZone.WINDSCREEN, GazeZone.LEFT_WINDOW, GazeZone.RIGHT_WINDOW)

TASK_ZONES = frozenset({GazeZone.LEFT_MIRROR, GazeZone.RIGHT_MIRROR, GazeZone.INTERIOR_MIRROR, GazeZone.CLUSTER})
"""Looks there serve the driving."""

_LEFT = frozenset({GazeZone.LEFT_MIRROR, GazeZone.LEFT_WINDOW, GazeZone.INTERIOR_MIRROR})
_RIGHT = frozenset({GazeZone.RIGHT_MIRROR, GazeZone.RIGHT_WINDOW, GazeZone.INTERIOR_MIRROR})
_BACK = _LEFT | _RIGHT | {GazeZone.PASSENGER}


class Area3:
    """Is a direction in area 3: below 30 deg down, within 55 deg to each side, no window. With hysteresis."""

    __slots__ = ("_boxes", "inside")

    def __init__(self, cabin: Cabin) -> None:
        self._boxes = [
            (
                box.yaw_deg,
                box.pitch_deg,
                box.half_yaw_deg + _WINDOW_MARGIN_DEG,
                box.half_pitch_deg + _WINDOW_MARGIN_DEG,
            )
            for box in cabin.zones
            if box.zone in _WINDOWS
        ]
        self.inside = False

    def step(self, yaw_deg: float, pitch_deg: float, from_head: bool) -> bool:
        """Take a finite direction. from_head: it is the head's, whose share of a look down is smaller."""
        margin = _HYSTERESIS_DEG if self.inside else 0.0
        below_deg = _BELOW_HEAD_DEG if from_head else _BELOW_DEG
        self.inside = (
            pitch_deg <= below_deg + margin
            and abs(yaw_deg) <= _SIDE_DEG + margin
            and not any(
                abs(yaw_deg - yaw) < half_yaw - margin and abs(pitch_deg - pitch) < half_pitch - margin
                for yaw, pitch, half_yaw, half_pitch in self._boxes
            )
        )
        return self.inside


def is_check(zone: GazeZone, yaw_deg: float, pitch_deg: float, left: bool, right: bool, reverse: bool) -> bool:
    """Does a look serve the manoeuvre that indicator or reverse gear announce: mirrors, windows, over the shoulder."""
    # area 1: past the mirrors, towards a shoulder
    over_left = pitch_deg > _BELOW_DEG and yaw_deg > _SIDE_DEG
    over_right = pitch_deg > _BELOW_DEG and yaw_deg < -_SIDE_DEG
    if reverse:
        return zone in _BACK or over_left or over_right
    return (left and (zone in _LEFT or over_left)) or (right and (zone in _RIGHT or over_right))
