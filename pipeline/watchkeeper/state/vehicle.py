"""What the vehicle says, held over short silences; and whether the profile judges at this speed."""

from __future__ import annotations

import math

from watchkeeper.state import limits
from watchkeeper.types import VehicleSignals

_HOLD_NS = limits.VEHICLE_HOLD.ns
_INDICATOR_NS = limits.INDICATOR_HOLD.ns
_HYSTERESIS_KPH = limits.ACTIVE_HYSTERESIS.value


class Gate:
    """Open from a speed on, with hysteresis; open when the speed is not known (the strictest band)."""

    __slots__ = ("_from_kph", "open")

    def __init__(self, from_kph: float) -> None:
        self._from_kph = from_kph
        self.open = False

    def step(self, speed_kph: float | None) -> None:
        """Take the speed, None when unknown."""
        limit_kph = self._from_kph - (_HYSTERESIS_KPH if self.open else 0.0)
        self.open = speed_kph is None or abs(speed_kph) >= limit_kph


class Vehicle:
    """Speed with a time-out of 500 ms. Missing speed is the strictest band: judged, and reported as missing.

    active: the profile judges. speed_missing: no speed for longer than the time-out (also counted from the first step,
    so that a bus that needs a moment to speak is not reported). acknowledged: the button was pressed in this step.
    left, right: the indicator is on, its dark phases included. reverse: the gear is in.
    """

    __slots__ = (
        "_gates",
        "_ignition",
        "_left_ns",
        "_pressed",
        "_reverse_ns",
        "_right_ns",
        "_speed_ns",
        "acknowledged",
        "active",
        "active_gate",
        "left",
        "reverse",
        "right",
        "speed_kph",
        "speed_missing",
    )

    def __init__(self, active_from_kph: float) -> None:
        self.active_gate = Gate(active_from_kph)
        self._gates = [self.active_gate]
        self.speed_kph: float | None = None
        self._speed_ns: int | None = None
        self._left_ns: int | None = None
        self._right_ns: int | None = None
        self._reverse_ns: int | None = None
        self._ignition = True
        self._pressed = False
        self.active = self.speed_missing = self.acknowledged = False
        self.left = self.right = self.reverse = False

    def gate(self, from_kph: float) -> Gate:
        """A further band of speed, kept up to date."""
        self._gates.append(gate := Gate(from_kph))
        return gate

    def step(self, signals: VehicleSignals | None, t_ns: int) -> None:
        """Take what arrived since the last step; None when nothing did."""
        if self._speed_ns is None:
            self._speed_ns = t_ns
        self.acknowledged = False
        if signals is not None:
            self._take(signals, t_ns)
        self.speed_missing = t_ns - self._speed_ns > _HOLD_NS
        if self.speed_missing:
            self.speed_kph = None
        for gate in self._gates:
            gate.step(self.speed_kph)
        self.active = self._ignition and self.active_gate.open
        self.left = self._left_ns is not None and t_ns - self._left_ns <= _INDICATOR_NS
        self.right = self._right_ns is not None and t_ns - self._right_ns <= _INDICATOR_NS
        self.reverse = self._reverse_ns is not None and t_ns - self._reverse_ns <= _HOLD_NS

    def _take(self, signals: VehicleSignals, t_ns: int) -> None:
        if signals.speed_kph is not None and math.isfinite(signals.speed_kph):
            self.speed_kph, self._speed_ns = signals.speed_kph, t_ns
        if signals.ignition is not None:
            self._ignition = signals.ignition
        if signals.acknowledge is not None:
            self.acknowledged = signals.acknowledge and not self._pressed
            self._pressed = signals.acknowledge
        if signals.turn_left:
            self._left_ns = t_ns
        if signals.turn_right:
            self._right_ns = t_ns
        if signals.reverse is not None:
            self._reverse_ns = t_ns if signals.reverse else None
