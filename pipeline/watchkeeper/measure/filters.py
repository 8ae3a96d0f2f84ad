"""Smoothing over real time: the step between samples is measured, never assumed."""

from __future__ import annotations

import math

NS_PER_S = 1_000_000_000
_FORGET_NS = NS_PER_S // 2  # after a longer gap the old value says nothing about the new one


class OneEuro:
    """The 1-euro filter (Casiez, Roussel, Vogel, CHI 2012): a low pass whose cut-off rises with the signal's speed.

    min_cutoff_hz: when the signal rests. speed_gain: Hz of cut-off for each unit/s of speed.
    """

    def __init__(self, min_cutoff_hz: float, speed_gain: float, speed_cutoff_hz: float = 2.0) -> None:
        self._min_hz, self._gain, self._speed_hz = min_cutoff_hz, speed_gain, speed_cutoff_hz
        self._t_ns: int | None = None
        self._value = self._speed = 0.0

    def reset(self) -> None:
        """Forget the past: the next value is taken as it is."""
        self._t_ns = None

    def step(self, value: float, t_ns: int) -> float:
        """The filtered value at t_ns; time must not go backwards (a repeated time returns the old value)."""
        if self._t_ns is None or t_ns - self._t_ns > _FORGET_NS:
            self._t_ns, self._value, self._speed = t_ns, value, 0.0
            return value
        dt_s = (t_ns - self._t_ns) / NS_PER_S
        if dt_s <= 0.0:
            return self._value
        self._t_ns = t_ns
        self._speed += _share(self._speed_hz, dt_s) * ((value - self._value) / dt_s - self._speed)
        self._value += _share(self._min_hz + self._gain * abs(self._speed), dt_s) * (value - self._value)
        return self._value


def _share(cutoff_hz: float, dt_s: float) -> float:
    """How much of the difference a first-order low pass takes over in dt_s."""
    return -math.expm1(-2.0 * math.pi * cutoff_hz * dt_s)
