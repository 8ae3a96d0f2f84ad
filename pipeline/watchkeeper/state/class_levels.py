"""The level of each class of warning by itself, whatever the arbiter has chosen to tell."""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.state.arbiter import STYLES, Arbiter
from watchkeeper.state.rules import Patience, Rule
from watchkeeper.types import Warning as DriverWarning


class ClassLevels:
    """Judges distraction and the sleep class each as if the other did not exist: what DMS_Warning.DistractionLevel and
    DrowsinessLevel show. Each is judged by an arbiter of its own that tells nobody.

    distraction, drowsiness: 0 none to 3 urgent; never below the level of the warning that is given.
    """

    __slots__ = ("_distraction", "_sleep", "distraction", "drowsiness")

    def __init__(self, rules: Sequence[Rule], steps_ns: Sequence[int]) -> None:
        """`rules` and steps_ns as for the arbiter that tells the driver."""
        own: dict[bool, list[Rule]] = {False: [], True: []}
        for rule in rules:
            own[STYLES[rule.warning].sleep_class].append(rule)
        self._distraction, self._sleep = (
            Arbiter(own[sleep_class], steps_ns, Patience(), tells=False) for sleep_class in (False, True)
        )
        self.distraction = self.drowsiness = 0

    def step(self, active: bool, t_ns: int) -> None:
        """Before the step of the arbiter that tells: a prompt that it tells is due only until then."""
        for arbiter in (self._distraction, self._sleep):
            arbiter.step(active, False, t_ns)

    def join(self, given: Arbiter) -> None:
        """Set the levels, after the step of the arbiter that tells. What is given counts: it may outlast its cause."""
        self.distraction, self.drowsiness = self._distraction.level, self._sleep.level
        if given.warning is DriverWarning.NONE:
            return
        if STYLES[given.warning].sleep_class:
            self.drowsiness = max(self.drowsiness, given.level)
        else:
            self.distraction = max(self.distraction, given.level)
