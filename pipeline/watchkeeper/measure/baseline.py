"""What is normal for this driver: the commonest value, learnt over the first minute or two, then kept.

A value is learnt as a histogram of time, not of frames. The population's value stands in it as if it had been watched
for a while, so the first frames are judged by it and a driver who differs takes over as evidence comes in.
"""

from __future__ import annotations

import numpy as np

NS_PER_S = 1_000_000_000
_LONGEST_SAMPLE_S = 0.2  # one frame speaks for at most this long


class Clock:
    """Seconds each sample stands for: the real time since the last, limited."""

    def __init__(self) -> None:
        self._t_ns: int | None = None

    def step_s(self, t_ns: int) -> float:
        """Time since the last call, 0 at first."""
        last, self._t_ns = self._t_ns, t_ns
        return 0.0 if last is None else min(max(t_ns - last, 0) / NS_PER_S, _LONGEST_SAMPLE_S)


class _Histogram:
    """Time spent at each value between low and high, with the population's share already in it."""

    def __init__(self, low: float, high: float, step: float, prior: float, spread: float, prior_s: float) -> None:
        self.centres = np.arange(low + step / 2, high, step)
        self.low, self.step_size, self.bins = low, step, len(self.centres)
        shape = np.exp(-0.5 * ((self.centres - prior) / spread) ** 2)
        self.seconds = shape * (prior_s / shape.sum())

    def bin_of(self, value: float) -> int:
        return min(max(int((value - self.low) / self.step_size), 0), self.bins - 1)


class Mode:
    """The value seen most, within a window as wide as `spread` each way.

    first_s: the first so many seconds count `first_weight` times, because people start by looking ahead.
    learn_s: after so many seconds of samples the value is kept as it is.
    """

    def __init__(
        self, low: float, high: float, step: float, *, prior: float, spread: float, prior_s: float,
        first_s: float = 0.0, first_weight: float = 1.0, learn_s: float = 120.0,
    ) -> None:  # fmt: skip
        self._time = _Histogram(low, high, step, prior, spread, prior_s)
        self._spread, self._first_s, self._first_weight, self._learn_s = spread, first_s, first_weight, learn_s
        self._density = np.zeros(self._time.bins)
        for centre, seconds in zip(self._time.centres, self._time.seconds, strict=True):
            self._density += seconds * self._kernel(float(centre))
        self.value = prior
        self.learnt_s = 0.0

    def step(self, value: float, dt_s: float) -> float:
        """Take in a sample that stood for dt_s; returns the mode. A value outside the range counts at its edge."""
        if self.learnt_s >= self._learn_s:
            return self.value
        weight = dt_s * (self._first_weight if self.learnt_s < self._first_s else 1.0)
        self.learnt_s += dt_s
        time = self._time
        time.seconds[time.bin_of(value)] += weight
        self._density += weight * self._kernel(value)
        top = float(time.centres[int(self._density.argmax())])
        near = self._kernel(top) * time.seconds
        self.value = float((near * time.centres).sum() / near.sum())
        return self.value

    def _kernel(self, at: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.asarray(np.exp(-0.5 * ((self._time.centres - at) / self._spread) ** 2))


class OpenLid:
    """Lid gap of this driver's alert, open eye, mm: a high quantile of the gaps seen with the eye open.

    Samples below `_OPEN_SHARE` of the present value are blinks, looks down or sleep and teach nothing, so closed lids
    never become the norm. It learns for a minute of open eyes and then stays: a driver who tires opens his eyes less,
    and a baseline that followed would call that normal (reference: freeze an alert baseline).
    """

    _OPEN_SHARE = 0.6
    _QUANTILE = 0.65
    _LEARN_S = 60.0

    def __init__(self, prior_mm: float = 10.0, low_mm: float = 5.0) -> None:
        # 10 mm is the mean of what the network places around nine people's open eyes (8.3 to 11.3 mm); it overstates
        # the lid gap by about a quarter.
        self._time = _Histogram(low_mm, 16.0, 0.1, prior=prior_mm, spread=1.2, prior_s=1.0)
        self.value_mm = prior_mm
        self.learnt_s = 0.0

    def step(self, aperture_mm: float, dt_s: float) -> float:
        """Take in a gap that stood for dt_s; returns the baseline in mm."""
        if self.learnt_s >= self._LEARN_S or aperture_mm < self._OPEN_SHARE * self.value_mm:
            return self.value_mm
        self.learnt_s += dt_s
        time = self._time
        time.seconds[time.bin_of(aperture_mm)] += dt_s
        summed = np.cumsum(time.seconds)
        self.value_mm = float(time.centres[int(np.searchsorted(summed, self._QUANTILE * summed[-1]))])
        return self.value_mm
