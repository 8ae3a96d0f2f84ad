"""One warning at a time (Regulation (EU) 2019/2144 Art. 6(3): never separately, concurrently or confusingly)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchkeeper.state import limits
from watchkeeper.state.rules import Demand, Drowsy, Patience, Rule
from watchkeeper.types import Phase, WarningEvent
from watchkeeper.types import Warning as DriverWarning

_ESCALATE_NS = limits.ESCALATE_UNANSWERED.ns
_SHORTEST_NS = limits.WARNING_SHORTEST.ns
_HALF_NS, _GAP_NS = limits.HALF_FRAME_MAX.ns, limits.GAP.ns


@dataclass(frozen=True, slots=True)
class Style:
    """How a warning is given. acoustic: 0 none, 1 chime, 2 insistent, 3 alarm; sleep sounds unlike distraction."""

    level: int  # at onset
    top_level: int  # after escalation
    acoustic: int
    haptic_from_level: int
    sleep_class: bool


_DISTRACTION = Style(level=1, top_level=3, acoustic=1, haptic_from_level=2, sleep_class=False)

STYLES = {
    DriverWarning.LONG_DISTRACTION: _DISTRACTION,
    DriverWarning.SHORT_DISTRACTION: _DISTRACTION,
    DriverWarning.PHONE_USE: _DISTRACTION,
    DriverWarning.DROWSY: Style(level=1, top_level=2, acoustic=2, haptic_from_level=2, sleep_class=True),
    DriverWarning.MICROSLEEP: Style(level=2, top_level=3, acoustic=2, haptic_from_level=1, sleep_class=True),
    DriverWarning.SLEEP: Style(level=3, top_level=3, acoustic=3, haptic_from_level=1, sleep_class=True),
    DriverWarning.UNRESPONSIVE: Style(level=3, top_level=3, acoustic=3, haptic_from_level=1, sleep_class=True),
}
"""Distraction rises by the profile's steps, at most to `top_level`; the others by `limits.ESCALATE_UNANSWERED`."""


class Arbiter:
    """Picks what the driver is warned of, most urgent first, and escalates what stays unanswered.

    A warning whose condition still holds gives way only to a more urgent one. One that only waits for its all-clear
    gives way to whatever is due, a new closure after a short look included: that is a new warning. Within one class
    the level never falls from one warning to the next that replaces it. Nothing old is taken up again when a warning
    ends, because only conditions that hold now are due. While the driver cannot be seen, the time to the next level
    stands still. It counts from the limit that was passed, and the next level's from when this one was due, so that
    frames that came late do not add up. No warning rises, and none begins, while the newest sample shows that the
    driver is just answering. Once given, a warning stays for `limits.WARNING_SHORTEST`, unless a more urgent one
    replaces it.
    """

    __slots__ = (
        "_answered", "_patience", "_prompts", "_rules", "_steps_ns", "_t_ns", "_unanswered_since_ns", "acknowledged",
        "count", "level", "onset_ns", "warning",
    )  # fmt: skip

    def __init__(
        self, rules: Sequence[Rule], steps_ns: Sequence[int], patience: Patience, *, tells: bool = True
    ) -> None:
        """`rules`: most urgent first. steps_ns: after which times distraction rises. patience: told when that ends.
        tells: False where nothing reaches the driver, so that no rule is to take its prompt for given."""
        self._rules = tuple(rules)
        self._prompts = tuple(rule for rule in rules if tells and isinstance(rule, Drowsy))
        self._steps_ns = tuple(steps_ns)
        self._patience = patience
        self._t_ns = 0
        self.warning = DriverWarning.NONE
        self.level = 0
        self.onset_ns: int | None = None
        self.count = 0  # of warnings raised so far; the bus wraps it
        self.acknowledged = False
        self._answered = False  # the active warning's condition was over at some time since its onset
        self._unanswered_since_ns = 0

    def step(self, active: bool, acknowledged: bool, t_ns: int) -> tuple[WarningEvent, ...]:
        """What changed at `t_ns`. `active`: the profile judges now. `acknowledged`: the button was pressed."""
        dt_ns, self._t_ns = t_ns - self._t_ns, t_ns
        if not active:
            return (self._end(t_ns),) if self.warning is not DriverWarning.NONE else ()
        due, own = self._survey(t_ns)
        events: tuple[WarningEvent, ...] = ()
        if self.warning is DriverWarning.NONE:
            if due is not None:
                events = (self._onset(due, 0, t_ns),)
        elif due is not None and self._replaces(due.warning, own):
            old, level = STYLES[self.warning], self.level
            same_class = old.sleep_class == STYLES[due.warning].sleep_class
            events = (self._end(t_ns), self._onset(due, level if same_class else 0, t_ns))
        elif own is Demand.CLEAR:
            if self.onset_ns is None or t_ns - self.onset_ns >= _SHORTEST_NS:
                events = (self._end(t_ns),)
        elif own is Demand.UNSEEN:
            self._unanswered_since_ns += dt_ns
        elif own is not Demand.EASING:
            events = self._hold(own, min(dt_ns // 2, _HALF_NS), t_ns)
        if acknowledged and self.warning is not DriverWarning.NONE:
            self.acknowledged = True
        return events

    def _survey(self, t_ns: int) -> tuple[Rule | None, Demand]:
        """The rule of the most urgent warning due, and the demand of the rule behind the active one."""
        due: Rule | None = None
        own = Demand.CLEAR
        for rule in self._rules:
            demand = rule.demand(t_ns)
            if due is None and demand is Demand.DUE:
                due = rule
            if rule.warning is self.warning:
                own = demand
        return due, own

    def _replaces(self, due: DriverWarning, own: Demand) -> bool:
        if own is Demand.DUE or own is Demand.EASING:
            return due > self.warning or (due is self.warning and self._answered)
        return True

    def _hold(self, own: Demand, half_ns: int, t_ns: int) -> tuple[WarningEvent, ...]:
        patience = self._patience
        if own is not Demand.DUE:
            self._answered = True
            patience.ended_ns = None
            return ()
        style = STYLES[self.warning]
        if style.sleep_class:
            step_ns = _ESCALATE_NS if self.level < style.top_level else None
        else:
            k = self.level - style.level
            step_ns = self._steps_ns[k] if k < len(self._steps_ns) and self.level < style.top_level else None
            if step_ns is None:
                patience.ended_ns = self._unanswered_since_ns
        if step_ns is None or t_ns + half_ns - self._unanswered_since_ns < step_ns:
            return ()
        self.level += 1
        self._unanswered_since_ns += step_ns
        return (WarningEvent(t_ns, self.warning, Phase.ESCALATE, self.level),)

    def _onset(self, rule: Rule, level_before: int, t_ns: int) -> WarningEvent:
        warning, late_ns = rule.warning, rule.late_ns
        style = STYLES[warning]
        self.warning = warning
        self.level = max(style.level, min(level_before, style.top_level))
        self.onset_ns = t_ns
        # due for longer: it waited for something else than a frame, and the driver hears of it only now
        self._unanswered_since_ns = t_ns - late_ns if late_ns <= _GAP_NS else t_ns
        self.count += 1
        self.acknowledged = self._answered = False
        for prompt in self._prompts:
            if warning is prompt.warning:
                if prompt.again:
                    self.level = style.top_level
                prompt.told(t_ns)
        self._patience.ended_ns = None
        return WarningEvent(t_ns, warning, Phase.ONSET, self.level)

    def _end(self, t_ns: int) -> WarningEvent:
        event = WarningEvent(t_ns, self.warning, Phase.END, self.level)
        self.warning, self.level, self.onset_ns, self.acknowledged = DriverWarning.NONE, 0, None, False
        self._patience.ended_ns = None
        return event
