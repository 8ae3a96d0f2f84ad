"""One rule a warning. A rule reads the timers and says what it asks for; the arbiter decides what the driver gets.

A new rule is a class with `warning` and `demand(t_ns)`, and a line in `build_rules`.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

from watchkeeper.state import limits
from watchkeeper.state.closures import Closures
from watchkeeper.state.dwell import Dwell
from watchkeeper.state.glances import Glances
from watchkeeper.state.profiles import Profile
from watchkeeper.state.short_glances import ShortGlances
from watchkeeper.state.sleepiness import Sleepiness
from watchkeeper.state.vehicle import Gate, Vehicle
from watchkeeper.types import Warning as DriverWarning

_UNSEEN_DISTRACTION_NS = limits.UNSEEN_END_DISTRACTION.ns
_UNSEEN_SLEEP_NS = limits.UNSEEN_END_SLEEP.ns
_GAP_NS = limits.GAP.ns
_DROWSY_FRESH_NS, _DROWSY_SHOWN_NS = limits.DROWSY_FRESH.ns, limits.DROWSY_SHOWN.ns
_GLANCE_DOWN_NS = limits.GLANCE_DOWN_LONGEST.ns
_DROWSY_REPEAT_NS = limits.DROWSY_REPEAT.ns


class Demand(Enum):
    """What a rule asks for now. CLEAR: nothing, and a warning it raised may end. WAIT: its condition is over, but a
    warning it raised must not end yet. UNSEEN: the same, because the driver is not seen just now. EASING: its condition
    holds, but the newest sample says that it may be ending: a warning it raised stays and does not rise. DUE: the
    driver is to be warned."""

    CLEAR = auto()
    WAIT = auto()
    UNSEEN = auto()
    EASING = auto()
    DUE = auto()


class Rule(Protocol):
    """See the module text. Called once a step, after the timers. late_ns: while DUE, how long ago its limit was
    passed; 0 where that is no time."""

    warning: DriverWarning
    late_ns: int

    def demand(self, t_ns: int) -> Demand:
        """What this rule asks for at `t_ns`."""
        ...


class Patience:
    """ended_ns: since when a distraction warning stands at its highest level unanswered, None when none does."""

    __slots__ = ("ended_ns",)

    def __init__(self) -> None:
        self.ended_ns: int | None = None


def _unseen(dwell: Dwell, end_ns: int, t_ns: int) -> Demand | None:
    """UNSEEN once a timer has had no sample for a while, CLEAR after `end_ns` of it, None while it has some."""
    silent_ns = end_ns if dwell.known_ns is None else t_ns - dwell.known_ns
    if silent_ns >= end_ns:
        return Demand.CLEAR
    return Demand.UNSEEN if silent_ns > _GAP_NS else None


def _holds(dwell: Dwell, end_ns: int, t_ns: int) -> Demand:
    """What a condition that has lasted long enough asks for."""
    return _unseen(dwell, end_ns, t_ns) or (Demand.EASING if dwell.opposed else Demand.DUE)


def _back(away: Dwell, clear_ns: int, t_ns: int) -> Demand:
    """What a distraction that is over asks for until the gaze has been ahead long enough."""
    if away.value is False and away.beyond_ns(clear_ns) >= 0:
        return Demand.CLEAR
    return _unseen(away, _UNSEEN_DISTRACTION_NS, t_ns) or Demand.WAIT


class LongDistraction:
    """One glance away from the forward zones (or in area 3) for the profile's time; over after the profile's time of
    gaze ahead. In profiles with speed bands the limit is that of the present speed."""

    __slots__ = (
        "_allowance_ns", "_away", "_clear_ns", "_fast", "_hidden", "_limit_ns", "_slow_ns", "late_ns", "warning",
    )  # fmt: skip

    def __init__(self, profile: Profile, glances: Glances, fast: Gate | None) -> None:
        self.warning, self.late_ns = DriverWarning.LONG_DISTRACTION, 0
        self._away = glances.area3 if profile.area3 else glances.away
        self._hidden = glances.hidden
        self._fast = fast
        self._limit_ns = self._slow_ns = profile.long_distraction.ns
        if profile.long_distraction_slow is not None:
            self._slow_ns = profile.long_distraction_slow.ns
        self._allowance_ns = profile.hidden_allowance.ns if profile.hidden_allowance is not None else 0
        self._clear_ns = profile.clear_distraction.ns

    def demand(self, t_ns: int) -> Demand:
        away = self._away
        limit_ns = self._limit_ns if self._fast is None or self._fast.open else self._slow_ns
        if self._hidden.value:
            limit_ns += self._allowance_ns
        if away.value and away.beyond_ns(limit_ns) >= 0:
            self.late_ns = away.beyond_ns(limit_ns)
            return _holds(away, _UNSEEN_DISTRACTION_NS, t_ns)
        return _back(away, self._clear_ns, t_ns)


class ShortDistraction:
    """Glances away that sum up to the profile's time within its window; over after its longer look ahead."""

    __slots__ = ("_away", "_clear_ns", "_limit_ns", "_short", "late_ns", "warning")

    def __init__(self, profile: Profile, glances: Glances, short: ShortGlances, limit_ns: int) -> None:
        self.warning, self.late_ns = DriverWarning.SHORT_DISTRACTION, 0
        self._away, self._short = glances.away, short
        self._limit_ns, self._clear_ns = limit_ns, profile.clear_short.ns

    def demand(self, t_ns: int) -> Demand:
        away = self._away
        # the sum is told at the nearest frame, as a single time is
        beyond_ns = self._short.total_ns + away.beyond_ns(away.duration_ns) - self._limit_ns
        if away.value and beyond_ns >= 0:
            self.late_ns = beyond_ns
            return _holds(self._away, _UNSEEN_DISTRACTION_NS, t_ns)
        return _back(self._away, self._clear_ns, t_ns)


class PhoneUse:
    """A phone handled for the profile's time; over when it has been put away for the profile's time of gaze ahead, and
    the gaze is not away."""

    __slots__ = ("_away", "_clear_ns", "_limit_ns", "_phone", "late_ns", "warning")

    def __init__(self, profile: Profile, glances: Glances, limit_ns: int) -> None:
        self.warning, self.late_ns = DriverWarning.PHONE_USE, 0
        self._phone, self._away = glances.phone, glances.away
        self._limit_ns, self._clear_ns = limit_ns, profile.clear_distraction.ns

    def demand(self, t_ns: int) -> Demand:
        phone = self._phone
        if phone.value and phone.beyond_ns(self._limit_ns) >= 0:
            self.late_ns = phone.beyond_ns(self._limit_ns)
            return _holds(phone, _UNSEEN_DISTRACTION_NS, t_ns)
        if phone.value is False and phone.beyond_ns(self._clear_ns) >= 0 and not self._away.value:
            return Demand.CLEAR
        return _unseen(phone, _UNSEEN_DISTRACTION_NS, t_ns) or Demand.WAIT


class LidClosure:
    """Lids closed for a time: microsleep, sleep, unresponsive. Over once the eyes have been open for the profile's
    time while the gaze was ahead or not measured. A microsleep needs longer when the head went down with the lids."""

    __slots__ = (
        "_asleep", "_away", "_clear_ns", "_closures", "_glance_ns", "_lids", "_limit_ns", "late_ns", "warning",
    )  # fmt: skip

    def __init__(
        self, warning: DriverWarning, limit_ns: int, clear_ns: int, closures: Closures, glances: Glances
    ) -> None:
        self.warning, self.late_ns = warning, 0
        self._limit_ns, self._clear_ns = limit_ns, clear_ns
        self._closures, self._lids, self._asleep, self._away = closures, closures.lids, closures.asleep, glances.away
        self._glance_ns = max(limit_ns, _GLANCE_DOWN_NS) if warning is DriverWarning.MICROSLEEP else limit_ns

    def demand(self, t_ns: int) -> Demand:
        lids, away = self._lids, self._away
        limit_ns = self._glance_ns if self._closures.glance_down else self._limit_ns
        if lids.value and lids.beyond_ns(limit_ns) >= 0:
            self.late_ns = lids.beyond_ns(limit_ns)
            return _holds(lids, _UNSEEN_SLEEP_NS, t_ns)
        asleep = self._asleep
        if asleep.value is False and asleep.beyond_ns(self._clear_ns) >= 0:
            gaze_ahead = away.value is None or (not away.value and away.beyond_ns(self._clear_ns) >= 0)
            if gaze_ahead:
                return Demand.CLEAR
        return _unseen(lids, _UNSEEN_SLEEP_NS, t_ns) or Demand.WAIT


class Unresponsive:
    """Lids closed for the profile's time; in some rule sets also away for a time, or a distraction warning unanswered
    for a time. Due until the driver looks back or opens the eyes; over as a closure is."""

    __slots__ = ("_away", "_away_ns", "_closure", "_gone", "_patience", "_unanswered_ns", "late_ns", "warning")

    def __init__(self, profile: Profile, closure: LidClosure, glances: Glances, patience: Patience) -> None:
        self.warning, self.late_ns = DriverWarning.UNRESPONSIVE, 0
        self._closure, self._away, self._patience = closure, glances.away, patience
        away, unanswered = profile.unresponsive_away, profile.unresponsive_unanswered
        self._away_ns = away.ns if away is not None else None
        self._unanswered_ns = unanswered.ns if unanswered is not None else None
        self._gone = False

    def demand(self, t_ns: int) -> Demand:
        away, ended_ns = self._away, self._patience.ended_ns
        if not away.value:
            self._gone = False
        elif not away.opposed and (
            (self._away_ns is not None and away.beyond_ns(self._away_ns) >= 0)
            or (self._unanswered_ns is not None and ended_ns is not None and t_ns - ended_ns >= self._unanswered_ns)
        ):
            self._gone = True
        if self._gone:
            return _holds(away, _UNSEEN_SLEEP_NS, t_ns)
        return self._closure.demand(t_ns)


class Drowsy:
    """The sleepiness estimate at the profile's level, from the profile's speed on. A prompt: told while a long closure
    is fresh, over by itself, repeated after `limits.DROWSY_REPEAT` if it is still so. It does not rise while it is
    shown: no answer to it could be seen, since rest is the only one. A repetition comes at the highest level, unless
    the estimate was below the profile's level in between.

    again: told before, and it has been so ever since."""

    __slots__ = ("_gate", "_level", "_sleepiness", "_told_ns", "again", "late_ns", "warning")

    def __init__(self, level: float, gate: Gate, sleepiness: Sleepiness) -> None:
        self.warning, self.late_ns = DriverWarning.DROWSY, 0
        self._level, self._gate, self._sleepiness = level, gate, sleepiness
        self._told_ns: int | None = None
        self.again = False

    def demand(self, t_ns: int) -> Demand:
        told_ns, kss = self._told_ns, self._sleepiness.kss
        if kss is None or kss < self._level:
            self.again = False
        if told_ns is not None and t_ns - told_ns < _DROWSY_REPEAT_NS:
            shown = t_ns - told_ns < _DROWSY_SHOWN_NS and self._gate.open
            return Demand.WAIT if shown else Demand.CLEAR
        closed_ns = self._sleepiness.long_closure_ns
        if kss is None or kss < self._level or not self._gate.open:
            return Demand.CLEAR
        if closed_ns is None or t_ns - closed_ns > _DROWSY_FRESH_NS:
            return Demand.CLEAR
        return Demand.DUE

    def told(self, t_ns: int) -> None:
        """The arbiter gave the warning."""
        self._told_ns, self.again = t_ns, True


def build_rules(
    profile: Profile,
    closures: Closures,
    glances: Glances,
    car: Vehicle,
    short: ShortGlances | None,
    sleepiness: Sleepiness,
    patience: Patience,
) -> list[Rule]:
    """The rules of a profile over these timers, most urgent first."""
    clear_ns = profile.clear_sleep.ns

    def closure(warning: DriverWarning, limit: limits.Limit) -> LidClosure:
        return LidClosure(warning, limit.ns, clear_ns, closures, glances)

    rules: list[Rule] = [
        Unresponsive(profile, closure(DriverWarning.UNRESPONSIVE, profile.unresponsive), glances, patience),
        closure(DriverWarning.SLEEP, profile.sleep),
        closure(DriverWarning.MICROSLEEP, profile.microsleep),
    ]
    if profile.drowsy is not None:
        rules.append(Drowsy(profile.drowsy.value, car.gate(profile.drowsy_from.value), sleepiness))
    if profile.phone_use is not None:
        rules.append(PhoneUse(profile, glances, profile.phone_use.ns))
    if profile.short_distraction is not None and short is not None:
        rules.append(ShortDistraction(profile, glances, short, profile.short_distraction.ns))
    fast = car.gate(profile.fast_from.value) if profile.fast_from is not None else None
    rules.append(LongDistraction(profile, glances, fast))
    return rules
