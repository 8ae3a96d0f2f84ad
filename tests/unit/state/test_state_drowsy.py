"""The prompt of drowsiness: once, again at a higher level while nothing has changed, and never a rise of its own."""

from __future__ import annotations

import pytest

from watchkeeper.state.arbiter import Arbiter
from watchkeeper.state.baseline import Baseline
from watchkeeper.state.closures import Closures
from watchkeeper.state.rules import Demand, Drowsy, Patience
from watchkeeper.state.sleepiness import Sleepiness
from watchkeeper.state.vehicle import Gate
from watchkeeper.types import Phase

S = 1_000_000_000


class Estimate(Sleepiness):
    """What the estimate says is set by hand; a long closure was seen just now unless said otherwise."""

    def __init__(self) -> None:
        super().__init__(Closures(), Baseline())
        self.kss = 8
        self.closed_ns: int | None = 0

    @property
    def long_closure_ns(self) -> int | None:
        return self.closed_ns


@pytest.fixture
def estimate() -> Estimate:
    return Estimate()


def _rule(estimate: Estimate, speed_kph: float = 80.0) -> Drowsy:
    gate = Gate(50.0)
    gate.step(speed_kph)
    return Drowsy(8.0, gate, estimate)


def _drive(rule: Drowsy, estimate: Estimate, kss: dict[int, int], seconds: int) -> list[tuple[int, str, int]]:
    """Events of an arbiter over this rule alone: (s, phase, level). kss: from which second on the estimate is what."""
    arbiter = Arbiter([rule], (3 * S,), Patience())
    events = []
    for t in range(seconds):
        estimate.kss, estimate.closed_ns = kss.get(t, estimate.kss), t * S
        events += [(t, e.phase.value, e.level) for e in arbiter.step(True, False, t * S)]
    return events


def test_told_once_then_again_at_the_top(estimate: Estimate) -> None:
    events = _drive(_rule(estimate), estimate, {}, 400)
    onset, end = Phase.ONSET.value, Phase.END.value
    assert events == [(0, onset, 1), (6, end, 1), (180, onset, 2), (186, end, 2), (360, onset, 2), (366, end, 2)]


@pytest.mark.parametrize("dip_at", [3, 30, 179])
def test_a_driver_who_was_awake_in_between_is_told_anew_from_the_bottom(estimate: Estimate, dip_at: int) -> None:
    events = _drive(_rule(estimate), estimate, {dip_at: 7, dip_at + 1: 8}, 200)
    assert [(t, level) for t, phase, level in events if phase == Phase.ONSET.value] == [(0, 1), (180, 1)]


def test_asked_for_only_from_its_level_speed_and_a_fresh_closure_on(estimate: Estimate) -> None:
    rule = _rule(estimate)
    assert rule.demand(2 * S) is Demand.DUE
    assert rule.late_ns == 0, "no time was passed"
    assert rule.demand(2 * S + 1) is Demand.CLEAR, "not seen any more"
    estimate.kss = 7
    assert rule.demand(0) is Demand.CLEAR
    estimate.kss = None
    assert rule.demand(0) is Demand.CLEAR
    estimate.kss, estimate.closed_ns = 9, None
    assert rule.demand(0) is Demand.CLEAR
    estimate.closed_ns = 0
    assert rule.demand(0) is Demand.DUE
    assert _rule(estimate, 49.9).demand(0) is Demand.CLEAR


def test_shown_for_its_time_and_only_while_the_speed_lasts(estimate: Estimate) -> None:
    gate = Gate(50.0)
    gate.step(80.0)
    rule = Drowsy(8.0, gate, estimate)
    rule.told(0)
    assert rule.demand(6 * S - 1) is Demand.WAIT
    assert rule.demand(6 * S) is Demand.CLEAR
    gate.step(10.0)
    assert rule.demand(3 * S) is Demand.CLEAR
