"""What may be seen of a driver's state over time, by the words scenarios use for it."""

from __future__ import annotations

from collections.abc import Callable

from watchkeeper.scenarios.tokens import SyntaxProblemError, Words
from watchkeeper.types import Cause, DriverState, Phase
from watchkeeper.types import Warning as DriverWarning

_WARNINGS = {warning.label: warning for warning in DriverWarning if warning is not DriverWarning.NONE}
_CAUSES = {cause.label: cause for cause in Cause if cause is not Cause.NONE}
_PHASES = tuple(phase.value for phase in Phase)
_TURNS = ("begins", "ends")


def read_what(words: Words) -> str:
    """What is expected: `warning`, `NAME onset|escalate|end`, `cause NAME begins|ends`, `judging|silenced|calibrated
    begins|ends`, `kss LEVEL begins|ends`."""
    subject = words.word("what is seen: a warning's name, warning, cause, judging, silenced, calibrated or kss;")
    if subject == "warning":
        return subject
    if subject in _WARNINGS:
        return f"{subject} {words.one_of('a phase', _PHASES)}"
    if subject == "cause":
        subject = f"cause {words.one_of('a cause', _CAUSES)}"
    elif subject == "kss":
        subject = f"kss {int(words.number('a level', 1, 9))}"
    elif subject not in ("judging", "silenced", "calibrated"):
        known = ", ".join((*_WARNINGS, "warning", "cause", "judging", "silenced", "calibrated", "kss"))
        raise SyntaxProblemError(f"expected what is seen: {known}; got {subject!r}")
    return f"{subject} {words.one_of('begins or ends', _TURNS)}"


class Observer:
    """Times at which things were seen to happen, for the things asked for only."""

    def __init__(self, wanted: set[str]) -> None:
        self.seen: dict[str, list[int]] = {what: [] for what in wanted}
        subjects = {what.rpartition(" ")[0] for what in wanted if what.endswith(_TURNS)}
        self._holds = {subject: _predicate(subject) for subject in subjects}
        self._held = dict.fromkeys(subjects, False)

    def step(self, state: DriverState) -> None:
        """Take the next state."""
        for event in state.events:
            names = [f"{event.warning.label} {event.phase.value}"]
            if event.phase is Phase.ONSET:
                names.append("warning")
            for name in names:
                if name in self.seen:
                    self.seen[name].append(event.t_ns)
        for subject, holds in self._holds.items():
            now = holds(state)
            if now is not self._held[subject]:
                self._held[subject] = now
                what = f"{subject} {_TURNS[0] if now else _TURNS[1]}"
                if what in self.seen:
                    self.seen[what].append(state.t_ns)


def _predicate(subject: str) -> Callable[[DriverState], bool]:
    if subject.startswith("cause "):
        cause = _CAUSES[subject.removeprefix("cause ")]
        return lambda state: state.cause is cause
    if subject.startswith("kss "):
        level = int(subject.removeprefix("kss "))
        return lambda state: state.sleepiness_kss is not None and state.sleepiness_kss >= level
    if subject == "judging":
        return lambda state: state.active
    if subject == "silenced":
        return lambda state: state.acknowledged
    return lambda state: state.calibration_pct >= 100
