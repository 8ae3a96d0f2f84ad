"""Repeated short glances (VATS): time away from the road, summed over a window, until a longer look ahead."""

from __future__ import annotations

from watchkeeper.state import limits
from watchkeeper.state.glances import Glances
from watchkeeper.state.profiles import Profile

_FREE_NS, _SPAN_NS = limits.FREE_TASK_GLANCE.ns, limits.SAMPLE_SPAN_MAX.ns


class ShortGlances:
    """total_ns: time away within the profile's window. Of a glance, the first second in mirrors or on the speedometer
    is free. A look ahead of the profile's length starts the sum anew, and so does a glance that is warned of as a long
    one: what has been told is not told again.
    """

    __slots__ = (
        "_away", "_clear_ns", "_counted_ns", "_duration_ns", "_end_ns", "_glances", "_limit_ns", "_long_ns", "_past",
        "_serving_ns", "_t_ns", "_told", "_window_ns", "total_ns",
    )  # fmt: skip

    def __init__(self, profile: Profile, glances: Glances, limit_ns: int) -> None:
        self._glances, self._away = glances, glances.away
        self._limit_ns, self._window_ns = limit_ns, profile.short_window.ns
        self._clear_ns, self._long_ns = profile.clear_short.ns, profile.long_distraction.ns
        self._past: list[tuple[int, int]] = []  # end and counted time of glances; no more than fit into the window
        self._counted_ns = self._duration_ns = self._end_ns = self._serving_ns = 0
        self._told = False
        self._t_ns: int | None = None
        self.total_ns = 0

    def step(self, t_ns: int) -> None:
        """After the glances' own step of the same time."""
        away = self._away
        dt_ns = 0 if self._t_ns is None else min(t_ns - self._t_ns, _SPAN_NS)
        self._t_ns = t_ns
        if self._glances.away_now and self._glances.serving:
            self._serving_ns += dt_ns
        if away.value:
            self._during(t_ns)
        else:
            self._between(t_ns)
        start_ns = t_ns - self._window_ns
        past = self._past
        while past and past[0][0] <= start_ns:
            del past[0]
        total_ns = min(self._counted_ns, self._window_ns)
        for end_ns, counted_ns in past:
            total_ns += min(counted_ns, end_ns - start_ns)
        self.total_ns = total_ns

    def _during(self, t_ns: int) -> None:
        duration_ns = self._away.duration_ns
        if duration_ns >= self._long_ns and self.total_ns < self._limit_ns:
            self._told = True
            self._past.clear()
        if duration_ns != self._duration_ns:  # while a look ahead is being weighed, the glance does not grow
            self._duration_ns, self._end_ns = duration_ns, t_ns
        self._counted_ns = 0 if self._told else max(0, duration_ns - min(self._serving_ns, _FREE_NS))

    def _between(self, t_ns: int) -> None:
        away = self._away
        if self._counted_ns:
            # The eyes turned half way between the last sample away and the first one ahead: over several glances at
            # few frames a second the rest would add up.
            rest_ns = t_ns - away.duration_ns - self._end_ns if away.value is False else 0
            rest_ns = max(0, min(rest_ns, _SPAN_NS))
            self._past.append((self._end_ns + rest_ns, self._counted_ns + rest_ns))
        self._counted_ns = self._duration_ns = 0
        self._told = False
        if self._glances.away_now is False:
            self._serving_ns = 0
            if away.duration_ns >= self._clear_ns:
                self._past.clear()
