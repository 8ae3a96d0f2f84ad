"""Where the driver looks, and for how long it has been away from the road."""

from __future__ import annotations

import math

from watchkeeper.state import limits
from watchkeeper.state.areas import TASK_ZONES, Area3, is_check
from watchkeeper.state.baseline import Baseline
from watchkeeper.state.dwell import Dwell
from watchkeeper.state.vehicle import Vehicle
from watchkeeper.state.zones import FORWARD_ZONES, ZoneMap
from watchkeeper.types import Cabin, Gaze, GazeZone, Head, Measurement

_GAZE_STD_DEG = limits.GAZE_USABLE_STD.value
_HEAD_STD_DEG = limits.HEAD_USABLE_STD.value
_PHONE = limits.PHONE_SEEN.value
_FACE = limits.FACE_PRESENT.value
_CHECK_NS = limits.CHECK_LONGEST.ns


class Glances:
    """Glances over time. A glance away runs on over changes between zones that are not forward (ISO 15007: it begins
    where the gaze leaves). Owl (the head turns) and lizard (the eyes alone) are one: the gaze decides, and the head
    where the eyes are hidden, each relative to what this driver's shows when he looks straight ahead. Where neither is
    measured but a face is seen, a driver who leans far out of his usual place is taken to look away.

    zone: where the driver looks in this frame, UNKNOWN when that is not measured. away_now: None when not measured, and
    in a check of mirror or shoulder that indicator or reverse gear explain: that is neither away nor ahead. serving:
    away in this frame, but to a mirror or the speedometer.
    `away`: the same over time (value True = away from the forward zones). `area3`: in area 3 of the EU regulation.
    `phone`: a phone is handled. `hidden`: value True while only the head tells the direction.
    """

    __slots__ = (
        "_area3",
        "_baseline",
        "_check_since_ns",
        "_zones",
        "area3",
        "away",
        "away_now",
        "hidden",
        "phone",
        "serving",
        "zone",
    )

    def __init__(self, cabin: Cabin, look_back_ns: int, baseline: Baseline) -> None:
        self._baseline = baseline
        self._zones, self._area3 = ZoneMap(cabin), Area3(cabin)
        self.away = Dwell(limits.AWAY_HOLD.ns, look_back_ns)
        self.area3 = Dwell(limits.AWAY_HOLD.ns, look_back_ns)
        self.phone = Dwell(limits.PHONE_HOLD.ns, limits.PHONE_HOLD.ns)
        self.hidden = Dwell(limits.RETURN_HOLD.ns, limits.RETURN_HOLD.ns)
        self.away_now: bool | None = None
        self.serving = False
        self.zone = GazeZone.UNKNOWN
        self._check_since_ns: int | None = None

    def step(self, measurement: Measurement | None, lids_closed: bool | None, car: Vehicle, t_ns: int) -> None:
        """Take one frame. Behind closed lids (`lids_closed`) nothing is known of the gaze."""
        self.away_now, self.zone, self.serving = None, GazeZone.UNKNOWN, False
        area3: bool | None = None
        if measurement is not None and not lids_closed:
            direction = self._direction(measurement)
            if direction is not None:
                yaw_deg, pitch_deg, from_head = direction
                self.hidden.step(from_head, t_ns)
                area3 = self._area3.step(yaw_deg, pitch_deg, from_head)
                self._look(yaw_deg, pitch_deg, car, t_ns)
            elif measurement.face is not None and measurement.face.p >= _FACE:
                self.away_now = True if self._baseline.leans(measurement.face) else None
        self.away.step(self.away_now, t_ns)
        self.area3.step(area3, t_ns)
        phone = measurement.phone if measurement is not None else None
        self.phone.step(phone.p >= _PHONE if phone is not None and math.isfinite(phone.p) else None, t_ns)

    def since_start_of_judging(self, t_ns: int) -> None:
        """Count nothing that lay before `t_ns`."""
        for dwell in (self.away, self.area3, self.phone):
            dwell.since_start_of_judging(t_ns)

    def _direction(self, measurement: Measurement) -> tuple[float, float, bool] | None:
        """Yaw and pitch from this driver's straight ahead, degrees, and whether they are the head's."""
        gaze, head = measurement.gaze, measurement.head
        if gaze is not None and _usable(gaze, _GAZE_STD_DEG):
            yaw_deg, pitch_deg = self._baseline.neutral_gaze
            return gaze.yaw_deg - yaw_deg, gaze.pitch_deg - pitch_deg, False
        if head is not None and _usable(head, _HEAD_STD_DEG):
            yaw_deg, pitch_deg = self._baseline.neutral_head
            return head.yaw_deg - yaw_deg, head.pitch_deg - pitch_deg, True
        return None

    def _look(self, yaw_deg: float, pitch_deg: float, car: Vehicle, t_ns: int) -> None:
        zone = self.zone = self._zones.step(yaw_deg, pitch_deg)
        away = zone not in FORWARD_ZONES
        self.serving = zone in TASK_ZONES
        if not away or not is_check(zone, yaw_deg, pitch_deg, car.left, car.right, car.reverse):
            self._check_since_ns = None
        elif self._check_since_ns is None:
            self._check_since_ns = t_ns
        checking = self._check_since_ns is not None and (car.reverse or t_ns - self._check_since_ns <= _CHECK_NS)
        self.away_now = None if checking else away


def _usable(direction: Gaze | Head, std_limit_deg: float) -> bool:
    std_deg = direction.std_deg
    if std_deg is not None and not std_deg <= std_limit_deg:
        return False
    return math.isfinite(direction.yaw_deg) and math.isfinite(direction.pitch_deg)
