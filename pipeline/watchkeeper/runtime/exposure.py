"""How long a camera exposes and how far it amplifies, so that the driver's face has levels to measure.

For cameras whose own automatism looks at the whole cabin: low sun through a side window makes it darken the face. The
controller looks at grey levels of the face (or of the picture, while there is none) and answers with exposure time and
gain. Pure: levels and a time in, a setting or "leave it" out; writing it to the camera is somebody else's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from watchkeeper.preprocess.spec import Histogram

TARGET_LEVEL = 110.0  # median of a face, of 255: skin well above the noise, a forehead's shine below clipping
_GAMMA = 0.6  # cameras' usual transfer between light and level, between linear and 1/2.2
_DEAD_BAND_STOPS = 0.3
_STEP_STOPS = 1.0  # at most twice or half the light at a time
_SHARE = 0.7  # of what is missing: approaches without swinging
_SATURATED_FROM, _SATURATED_SHARE = 250, 0.25
_SETTLE_NS = 150_000_000  # sensors show a new setting two to four frames later; until then the picture is the old one's


@dataclass(frozen=True, slots=True)
class ExposureSetting:
    """exposure_us: how long light is gathered. gain: amplification, 1 and more."""

    exposure_us: float
    gain: float


@dataclass(frozen=True, slots=True)
class ExposureRange:
    """What a camera can do. longest_us is also what motion allows: a turning head blurs in a few milliseconds.

    Raises ValueError for an empty or negative range.
    """

    shortest_us: float
    longest_us: float
    largest_gain: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.shortest_us <= self.longest_us or not self.largest_gain >= 1.0:
            raise ValueError(f"exposure range: expected 0 < shortest <= longest and a gain of 1 or more, got {self}")


class ExposureController:
    """`step` once a frame, in order of time. Light first, gain only when time has run out: gain adds noise."""

    def __init__(self, limits: ExposureRange, start: ExposureSetting) -> None:
        self._limits = limits
        self.setting = _limited(start.exposure_us * start.gain, limits)
        self._changed_ns: int | None = None

    def step(self, levels: Histogram, t_ns: int) -> ExposureSetting | None:
        """levels: (256,) counts of the region that matters. The new setting, or None to leave it as it is."""
        total = int(levels.sum())
        if total == 0 or (self._changed_ns is not None and t_ns - self._changed_ns < _SETTLE_NS):
            return None
        missing = _missing_stops(levels, total)
        if abs(missing) < _DEAD_BAND_STOPS:
            return None
        change = max(-_STEP_STOPS, min(_STEP_STOPS, _SHARE * missing))
        light = self.setting.exposure_us * self.setting.gain * 2.0**change
        wanted = _limited(light, self._limits)
        if wanted == self.setting:
            return None  # at the end of what the camera can do
        self.setting, self._changed_ns = wanted, t_ns
        return wanted


def _missing_stops(levels: Histogram, total: int) -> float:
    """How many times the light has to double (below zero: halve) for the median to come to the target."""
    if int(levels[_SATURATED_FROM:].sum()) > _SATURATED_SHARE * total:
        return -_STEP_STOPS / _SHARE  # beyond the end of the scale nothing says how far
    median = float(np.searchsorted(np.cumsum(levels, dtype=np.int64), total / 2))
    return math.log2(TARGET_LEVEL / max(median, 1.0)) / _GAMMA


def _limited(light_us: float, limits: ExposureRange) -> ExposureSetting:
    """The setting that gives so much light (microseconds times gain), or the nearest that the camera has."""
    exposure_us = max(limits.shortest_us, min(limits.longest_us, light_us))
    return ExposureSetting(exposure_us, max(1.0, min(limits.largest_gain, light_us / exposure_us)))
