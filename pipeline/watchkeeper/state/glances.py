"""Where the driver looks, and for how long it has been away from the road."""

from __future__ import annotations

import math

from watchkeeper.state import limits
from watchkeeper.state.dwell import Dwell
from watchkeeper.state.zones import FORWARD_ZONES, ZoneMap
from watchkeeper.types import Cabin, Gaze, GazeZone, Head, Measurement

_GAZE_STD_DEG = limits.GAZE_USABLE_STD.value
_HEAD_STD_DEG = limits.HEAD_USABLE_STD.value


class Glances:
    """Glances over time. A glance away runs on over changes between zones that are not forward (ISO 15007: it begins
    where the gaze leaves).

    zone: where the driver looks in this frame, UNKNOWN when that is not measured. away_now: None when not measured.
    `away`: the same over time (value True = away from the forward zones).
    """

    __slots__ = ("_zones", "away", "away_now", "zone")

    def __init__(self, cabin: Cabin) -> None:
        self._zones = ZoneMap(cabin)
        self.away = Dwell(limits.AWAY_HOLD.ns, limits.RETURN_HOLD.ns)
        self.away_now: bool | None = None
        self.zone = GazeZone.UNKNOWN

    def step(self, measurement: Measurement | None, lids_closed: bool | None, t_ns: int) -> None:
        """Take one frame. Behind closed lids (`lids_closed`) nothing is known of the gaze."""
        self.away_now, self.zone = None, GazeZone.UNKNOWN
        if measurement is not None and not lids_closed:
            gaze, head = measurement.gaze, measurement.head
            direction: Gaze | Head | None = None
            if gaze is not None and _usable(gaze, _GAZE_STD_DEG):
                direction = gaze
            elif head is not None and _usable(head, _HEAD_STD_DEG):
                direction = head
            if direction is not None:
                self.zone = self._zones.step(direction.yaw_deg, direction.pitch_deg)
                self.away_now = self.zone not in FORWARD_ZONES
        self.away.step(self.away_now, t_ns)


def _usable(direction: Gaze | Head, std_limit_deg: float) -> bool:
    std_deg = direction.std_deg
    if std_deg is not None and not std_deg <= std_limit_deg:
        return False
    return math.isfinite(direction.yaw_deg) and math.isfinite(direction.pitch_deg)
