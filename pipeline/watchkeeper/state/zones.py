"""Which part of the cabin a direction points at."""

from __future__ import annotations

import math

from watchkeeper.state import limits
from watchkeeper.types import Cabin, GazeZone

FORWARD_ZONES = frozenset({GazeZone.ROAD_AHEAD, GazeZone.WINDSCREEN})

_MARGIN_DEG = limits.ZONE_HYSTERESIS.value
_NEAREST_DEG = limits.NEAREST_ZONE.value


class ZoneMap:
    """Directions to zones, with hysteresis. Where boxes overlap the smaller one wins: a mirror hangs in the windscreen.

    Keeps the zone of the last direction: a zone, once entered, reaches `limits.ZONE_HYSTERESIS` further.
    """

    __slots__ = ("_boxes", "zone")

    def __init__(self, cabin: Cabin) -> None:
        boxes = sorted(cabin.zones, key=lambda box: (box.half_yaw_deg * box.half_pitch_deg, box.zone))
        self._boxes = [(b.zone, b.yaw_deg, b.pitch_deg, b.half_yaw_deg, b.half_pitch_deg) for b in boxes]
        self.zone: GazeZone | None = None  # of the last direction; UNKNOWN when that lies outside every zone

    def step(self, yaw_deg: float, pitch_deg: float) -> GazeZone:
        """Zone of a finite direction; UNKNOWN far outside all boxes (a known direction, and not a forward one)."""
        current = self.zone
        nearest, nearest_deg = GazeZone.UNKNOWN, _NEAREST_DEG
        for zone, yaw, pitch, half_yaw, half_pitch in self._boxes:
            beside, above = abs(yaw_deg - yaw) - half_yaw, abs(pitch_deg - pitch) - half_pitch
            margin = _MARGIN_DEG if zone is current else 0.0
            if beside <= margin and above <= margin:
                self.zone = zone
                return zone
            # Outside is outside: a look beside the windscreen is reported as some other zone or none, never as forward.
            if zone not in FORWARD_ZONES:
                distance_deg = math.hypot(max(beside, 0.0), max(above, 0.0))
                if distance_deg < nearest_deg:
                    nearest, nearest_deg = zone, distance_deg
        self.zone = nearest
        return nearest
