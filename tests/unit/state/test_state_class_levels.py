"""The level of each class of warning by itself: what is given, and what would be due without the other class."""

from __future__ import annotations

import pytest

from watchkeeper.commands.arbiter_survey import Asked
from watchkeeper.state.arbiter import Arbiter
from watchkeeper.state.class_levels import ClassLevels
from watchkeeper.state.rules import Demand, Drowsy, Patience
from watchkeeper.types import Warning as DriverWarning

S = 1_000_000_000
W = DriverWarning


@pytest.fixture
def rules() -> dict[DriverWarning, Asked]:
    return {warning: Asked(warning) for warning in (W.SLEEP, W.MICROSLEEP, W.LONG_DISTRACTION)}


@pytest.fixture
def levels(rules: dict[DriverWarning, Asked]) -> ClassLevels:
    return ClassLevels(list(rules.values()), (3 * S, 3 * S))


def _given(warning: DriverWarning, level: int) -> Arbiter:
    given = Arbiter([], (), Patience())
    given.warning, given.level = warning, level
    return given


def _levels(levels: ClassLevels, given: Arbiter) -> tuple[int, int]:
    levels.join(given)
    return levels.distraction, levels.drowsiness


def test_none_at_first(levels: ClassLevels) -> None:
    assert (levels.distraction, levels.drowsiness) == (0, 0)
    assert _levels(levels, _given(W.NONE, 0)) == (0, 0)


def test_each_class_rises_whatever_is_given(levels: ClassLevels, rules: dict[DriverWarning, Asked]) -> None:
    rules[W.LONG_DISTRACTION].answer = rules[W.MICROSLEEP].answer = Demand.DUE
    for second, expected in ((0, (1, 2)), (2, (1, 2)), (3, (2, 3)), (6, (3, 3))):
        levels.step(True, second * S)
        assert _levels(levels, _given(W.NONE, 0)) == expected
    levels.step(False, 7 * S)
    assert _levels(levels, _given(W.NONE, 0)) == (0, 0)


def test_what_is_given_counts_in_its_class_where_it_is_higher(
    levels: ClassLevels, rules: dict[DriverWarning, Asked]
) -> None:
    levels.step(True, 0)
    assert _levels(levels, _given(W.LONG_DISTRACTION, 2)) == (2, 0)
    assert _levels(levels, _given(W.MICROSLEEP, 2)) == (0, 2)
    rules[W.LONG_DISTRACTION].answer = rules[W.SLEEP].answer = Demand.DUE
    levels.step(True, S)
    levels.step(True, 4 * S)
    assert _levels(levels, _given(W.LONG_DISTRACTION, 1)) == (2, 3)
    assert _levels(levels, _given(W.LONG_DISTRACTION, 3)) == (3, 3)
    assert _levels(levels, _given(W.MICROSLEEP, 2)) == (2, 3)


class Prompt(Drowsy):
    """Always due; keeps when it was told."""

    def __init__(self) -> None:
        self.warning, self.late_ns, self.again = W.DROWSY, 0, False
        self.times_ns: list[int] = []

    def demand(self, t_ns: int) -> Demand:
        return Demand.DUE

    def told(self, t_ns: int) -> None:
        self.times_ns.append(t_ns)


def test_what_nobody_is_told_does_not_use_up_a_prompt() -> None:
    prompt = Prompt()
    levels = ClassLevels([prompt], (3 * S,))
    levels.step(True, S)
    assert _levels(levels, _given(W.NONE, 0)) == (0, 1)
    assert prompt.times_ns == []
    Arbiter([prompt], (3 * S,), Patience()).step(True, False, S)
    assert prompt.times_ns == [S]
