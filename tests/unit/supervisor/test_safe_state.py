"""Causes to one state: every pair of causes against the contract's ranking."""

from __future__ import annotations

import itertools

import pytest

from watchkeeper.supervisor.safe_state import STATE_OF, SafeState
from watchkeeper.types import Cause, SystemState

# The CAN contract's list, written out again: Init: 1, 2 ...
_CONTRACT = {
    SystemState.INIT: (1, 2),
    SystemState.DEGRADED: (3, 7, 8, 9, 10, 13, 14, 15, 16, 19),
    SystemState.UNAVAILABLE: (4, 5, 6, 11, 12),
    SystemState.FAULT: (17, 18, 20),
}
_ORDER = (SystemState.INIT, SystemState.DEGRADED, SystemState.UNAVAILABLE, SystemState.FAULT)


def test_each_cause_has_the_contracts_state() -> None:
    expected = {Cause(number): state for state, numbers in _CONTRACT.items() for number in numbers}
    assert dict(STATE_OF) == expected
    assert set(expected) == set(Cause) - {Cause.NONE}


@pytest.mark.parametrize(("active", "state"), [(True, SystemState.ACTIVE), (False, SystemState.STANDBY)])
def test_without_a_cause_it_is_active_or_standby(active: bool, state: SystemState) -> None:
    assert SafeState().step([Cause.NONE], Cause.NONE, active, 0) == (state, Cause.NONE)


def test_every_pair_in_both_orders_of_coming() -> None:
    for older, newer in itertools.permutations(set(Cause) - {Cause.NONE}, 2):
        safe = SafeState()
        safe.step([older], Cause.NONE, True, 0)
        state, cause = safe.step([newer, older], Cause.NONE, True, 50)
        expected = newer if _ORDER.index(STATE_OF[newer]) > _ORDER.index(STATE_OF[older]) else older
        assert (state, cause) == (STATE_OF[expected], expected), (older, newer)


def test_a_cause_that_went_and_came_back_is_the_younger() -> None:
    safe = SafeState()
    safe.step([Cause.TOO_DARK], Cause.NONE, True, 0)
    safe.step([Cause.NO_FACE], Cause.NONE, True, 50)
    assert safe.step([Cause.TOO_DARK, Cause.NO_FACE], Cause.NONE, True, 100)[1] is Cause.NO_FACE


def test_what_the_ladder_gave_up_on_is_a_fault_and_outranks_the_rest() -> None:
    for cause in (Cause.CAMERA_LOST, Cause.VISION_RESTARTING):
        state = SafeState().step([cause, Cause.STALE_VISION], cause, False, 0)
        assert state == (SystemState.FAULT, cause)


def test_causes_of_one_slot_are_decided_the_same_way_each_time() -> None:
    orders = itertools.permutations([Cause.EYES_HIDDEN, Cause.NO_FACE, Cause.TOO_DARK])
    assert {SafeState().step(order, Cause.NONE, True, 0)[1] for order in orders} == {Cause.TOO_DARK}
