"""What the arbiter does, found out by driving it: onsets, rises, which warning gives way to which, ends.

For the page of warnings: a picture of the code must come from the code's behaviour, not from a memory of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.clock import NS_PER_MS
from watchkeeper.state.arbiter import Arbiter
from watchkeeper.state.rules import Demand, Drowsy, Patience, Rule
from watchkeeper.types import Phase
from watchkeeper.types import Warning as DriverWarning

_STEP_NS = 100 * NS_PER_MS
_WATCHED = 600  # steps, a minute: longer than every time in the arbiter


class Asked:
    """A rule that asks for what it is told to."""

    def __init__(self, warning: DriverWarning) -> None:
        self.warning, self.late_ns = warning, 0
        self.answer = Demand.CLEAR

    def demand(self, t_ns: int) -> Demand:
        """`answer`, at any time."""
        return self.answer


class Survey:
    """Each question begins with a new arbiter over stand-ins for the rules.

    rules: most urgent first; only which warning each is for counts here, and whether it is a prompt, which once told
    is not due but waits. steps_ns: after which times distraction rises.
    """

    def __init__(self, rules: Sequence[Rule], steps_ns: Sequence[int]) -> None:
        self._warnings, self._steps_ns = [rule.warning for rule in rules], tuple(steps_ns)
        self._prompts = {rule.warning for rule in rules if isinstance(rule, Drowsy)}

    def levels(self, warning: DriverWarning) -> list[tuple[int, int]]:
        """(ns since onset, level) at onset and at every rise while the condition lasts."""
        arbiter, rules = self._warned(warning)
        levels = [(0, arbiter.level)]
        rules[warning].answer = self._lasting(warning, Demand.DUE)
        for k in range(1, _WATCHED):
            for event in arbiter.step(True, False, k * _STEP_NS):
                assert event.phase is Phase.ESCALATE, "nothing else is due"
                levels.append((k * _STEP_NS, event.level))
        return levels

    def replaced(self, warning: DriverWarning, own: Demand, by: DriverWarning) -> bool:
        """Does `warning`, whose rule asks for `own`, give way to `by` that is due now?"""
        arbiter, rules = self._warned(warning)
        rules[warning].answer = self._lasting(warning, own)
        rules[by].answer = Demand.DUE
        arbiter.step(True, False, _STEP_NS)
        return arbiter.warning is by

    def end_ns(self, warning: DriverWarning, own: Demand) -> int | None:
        """When the warning ends whose rule asks for `own` from just after its onset; None: not within a minute."""
        arbiter, rules = self._warned(warning)
        rules[warning].answer = own
        for k in range(1, _WATCHED):
            arbiter.step(True, False, k * _STEP_NS)
            if arbiter.warning is DriverWarning.NONE:
                return k * _STEP_NS
        return None

    def _lasting(self, warning: DriverWarning, own: Demand) -> Demand:
        return Demand.WAIT if own is Demand.DUE and warning in self._prompts else own

    def _warned(self, warning: DriverWarning) -> tuple[Arbiter, dict[DriverWarning, Asked]]:
        """An arbiter that has given the warning at time 0, and its rules."""
        rules = {each: Asked(each) for each in self._warnings}
        arbiter = Arbiter(list(rules.values()), self._steps_ns, Patience())
        rules[warning].answer = Demand.DUE
        arbiter.step(True, False, 0)
        assert arbiter.warning is warning, "the only one due"
        return arbiter, rules
