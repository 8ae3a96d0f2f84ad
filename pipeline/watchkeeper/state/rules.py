"""One rule a warning. A rule reads the timers and says what it asks for; the arbiter decides what the driver gets.

A new rule is a class with `warning`, `clears` and `demand(t_ns)`, and a line in `build_rules`.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from watchkeeper.state import limits
from watchkeeper.state.closures import Closures
from watchkeeper.state.glances import Glances
from watchkeeper.state.profiles import Profile
from watchkeeper.types import Warning as DriverWarning

_UNSEEN_DISTRACTION_NS = limits.UNSEEN_END_DISTRACTION.ns
_UNSEEN_SLEEP_NS = limits.UNSEEN_END_SLEEP.ns


class Demand(Enum):
    """What a rule asks for now. CLEAR: nothing, and a warning it raised may end. WAIT: its condition is over or not
    seen, but a warning it raised must not end yet. DUE: the driver is to be warned."""

    CLEAR = 0
    WAIT = 1
    DUE = 2


class Rule(Protocol):
    """See the module text. Pure: called once a step, after the timers."""

    warning: DriverWarning

    def demand(self, t_ns: int) -> Demand:
        """What this rule asks for at `t_ns`."""
        ...


class LongDistraction:
    """One glance away from the forward zones for the profile's time; over after the profile's time of gaze ahead."""

    __slots__ = ("_away", "_clear_ns", "_limit_ns", "warning")

    def __init__(self, profile: Profile, glances: Glances) -> None:
        self.warning = DriverWarning.LONG_DISTRACTION
        self._away = glances.away
        self._limit_ns = profile.long_distraction.ns
        self._clear_ns = profile.clear_distraction.ns

    def demand(self, t_ns: int) -> Demand:
        away = self._away
        if away.value and away.duration_ns >= self._limit_ns:
            return Demand.DUE
        if away.value is False and away.duration_ns >= self._clear_ns:
            return Demand.CLEAR
        unseen = away.known_ns is None or t_ns - away.known_ns >= _UNSEEN_DISTRACTION_NS
        return Demand.CLEAR if unseen else Demand.WAIT


class LidClosure:
    """Lids closed for a time: microsleep, sleep, unresponsive. Over once the eyes have been open for the profile's
    time while the gaze was ahead or not measured."""

    __slots__ = ("_asleep", "_away", "_clear_ns", "_lids", "_limit_ns", "warning")

    def __init__(
        self, warning: DriverWarning, limit_ns: int, clear_ns: int, closures: Closures, glances: Glances
    ) -> None:
        self.warning = warning
        self._limit_ns, self._clear_ns = limit_ns, clear_ns
        self._lids, self._asleep, self._away = closures.lids, closures.asleep, glances.away

    def demand(self, t_ns: int) -> Demand:
        lids, away = self._lids, self._away
        if lids.value and lids.duration_ns >= self._limit_ns:
            return Demand.DUE
        asleep = self._asleep
        if asleep.value is False and asleep.duration_ns >= self._clear_ns:
            gaze_ahead = away.value is None or (not away.value and away.duration_ns >= self._clear_ns)
            if gaze_ahead:
                return Demand.CLEAR
        unseen = lids.known_ns is None or t_ns - lids.known_ns >= _UNSEEN_SLEEP_NS
        return Demand.CLEAR if unseen else Demand.WAIT


def build_rules(profile: Profile, closures: Closures, glances: Glances) -> list[Rule]:
    """The rules of a profile over these timers, most urgent first."""
    closure_limits = (
        (DriverWarning.UNRESPONSIVE, profile.unresponsive),
        (DriverWarning.SLEEP, profile.sleep),
        (DriverWarning.MICROSLEEP, profile.microsleep),
    )
    rules: list[Rule] = [
        LidClosure(warning, limit.ns, profile.clear_sleep.ns, closures, glances) for warning, limit in closure_limits
    ]
    rules.append(LongDistraction(profile, glances))
    return rules
