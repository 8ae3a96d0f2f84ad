"""What the vehicle says, held over short silences; and whether the profile judges at this speed."""

from __future__ import annotations

import math

from watchkeeper.state import limits
from watchkeeper.types import VehicleSignals

_HOLD_NS = limits.VEHICLE_HOLD.ns
_HYSTERESIS_KPH = limits.ACTIVE_HYSTERESIS.value


class Vehicle:
    """Speed with a time-out of 500 ms. Missing speed is the strictest band: judged, and reported as missing.

    active: the profile judges. speed_missing: no speed for longer than the time-out (also counted from the first step,
    so that a bus that needs a moment to speak is not reported). acknowledged: the button was pressed in this step.
    """

    __slots__ = (
        "_active_from_kph",
        "_ignition",
        "_pressed",
        "_speed_kph",
        "_speed_ns",
        "acknowledged",
        "active",
        "speed_missing",
    )

    def __init__(self, active_from_kph: float) -> None:
        self._active_from_kph = active_from_kph
        self._speed_kph: float | None = None
        self._speed_ns: int | None = None
        self._ignition = True
        self._pressed = False
        self.active = False
        self.speed_missing = False
        self.acknowledged = False

    def step(self, signals: VehicleSignals | None, t_ns: int) -> None:
        """Take what arrived since the last step; None when nothing did."""
        if self._speed_ns is None:
            self._speed_ns = t_ns
        self.acknowledged = False
        if signals is not None:
            if signals.speed_kph is not None and math.isfinite(signals.speed_kph):
                self._speed_kph, self._speed_ns = signals.speed_kph, t_ns
            if signals.ignition is not None:
                self._ignition = signals.ignition
            if signals.acknowledge is not None:
                self.acknowledged = signals.acknowledge and not self._pressed
                self._pressed = signals.acknowledge
        self.speed_missing = t_ns - self._speed_ns > _HOLD_NS
        if self.speed_missing:
            self._speed_kph = None
        speed_kph = self._speed_kph
        limit_kph = self._active_from_kph - (_HYSTERESIS_KPH if self.active else 0.0)
        self.active = self._ignition and (speed_kph is None or abs(speed_kph) >= limit_kph)
