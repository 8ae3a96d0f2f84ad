"""What closed lids and a driver who does not answer ask for, and until when."""

from __future__ import annotations

import pytest
from set_timers import MS, NOW_NS, S, SetClosures, SetGlances, asked

from watchkeeper.state.profiles import get_profile
from watchkeeper.state.rules import (
    Demand,
    LidClosure,
    Patience,
    Unresponsive,
)
from watchkeeper.types import Warning as DriverWarning

NCAP, GSR, NCAP23 = (get_profile(name) for name in ("euroncap-2026", "eu-gsr", "euroncap-2023"))
CLEAR, WAIT, UNSEEN, EASING, DUE = Demand.CLEAR, Demand.WAIT, Demand.UNSEEN, Demand.EASING, Demand.DUE


# --- closures ---------------------------------------------------------------------------------------------------------


def _closure(warning: DriverWarning, limit_ns: int, glances: SetGlances, closures: SetClosures) -> LidClosure:
    return LidClosure(warning, limit_ns, 2 * S, closures, glances)


def test_a_microsleep_needs_two_seconds_where_the_head_went_down(glances: SetGlances, closures: SetClosures) -> None:
    closures.glance_down = True
    rule = _closure(DriverWarning.MICROSLEEP, S, glances, closures)
    assert asked(rule, closures.set_lids, True, 2 * S - 1) is WAIT
    assert asked(rule, closures.set_lids, True, 2 * S) is DUE
    assert rule.late_ns == 0
    longer = _closure(DriverWarning.MICROSLEEP, 2500 * MS, glances, closures)
    assert asked(longer, closures.set_lids, True, 2500 * MS - 1) is WAIT
    for warning in (DriverWarning.SLEEP, DriverWarning.UNRESPONSIVE):
        assert asked(_closure(warning, S, glances, closures), closures.set_lids, True, S) is DUE
    closures.glance_down = False
    assert asked(rule, closures.set_lids, True, S) is DUE


@pytest.mark.parametrize(
    ("away", "away_ns", "demand"),
    [(None, 0, CLEAR), (False, 2 * S, CLEAR), (False, 2 * S - 1, WAIT), (True, 9 * S, WAIT), (True, 0, WAIT)],
)
def test_a_closure_is_over_after_two_seconds_awake_and_ahead(
    away: bool | None, away_ns: int, demand: Demand, glances: SetGlances, closures: SetClosures
) -> None:
    rule = _closure(DriverWarning.SLEEP, 3 * S, glances, closures)
    glances.set_away.set(away, away_ns)
    closures.set_lids.set(False, 0, known_ns=NOW_NS)
    for asleep, lasted_ns, expected in (
        (False, 2 * S, demand), (False, 2 * S - 1, WAIT), (True, 2 * S, WAIT), (None, 2 * S, WAIT),
    ):  # fmt: skip
        closures.set_asleep.set(asleep, lasted_ns)
        assert rule.demand(NOW_NS) is expected


# --- unresponsive -----------------------------------------------------------------------------------------------------


def _unresponsive(name: str, glances: SetGlances, closures: SetClosures, ended_ns: int | None = None) -> Unresponsive:
    patience = Patience()
    assert patience.ended_ns is None
    patience.ended_ns = ended_ns
    closures.set_lids.known_ns = NOW_NS
    return Unresponsive(
        get_profile(name), _closure(DriverWarning.UNRESPONSIVE, 6 * S, glances, closures), glances, patience
    )


def test_only_some_rule_sets_call_a_long_look_unresponsive(glances: SetGlances, closures: SetClosures) -> None:
    for name, demand in (("euroncap-2023", DUE), ("euroncap-2026", WAIT), ("eu-gsr", WAIT), ("r171", WAIT)):
        assert asked(_unresponsive(name, glances, closures), glances.set_away, True, 60 * S) is demand


@pytest.mark.parametrize(("name", "unanswered_ns"), [("euroncap-2023", 3 * S), ("r171", 10 * S)])
def test_unanswered_for_its_time_is_unresponsive(
    name: str, unanswered_ns: int, glances: SetGlances, closures: SetClosures
) -> None:
    for ended_ns, demand in ((NOW_NS - unanswered_ns, DUE), (NOW_NS - unanswered_ns + 1, WAIT), (None, WAIT)):
        rule = _unresponsive(name, glances, closures, ended_ns)
        assert asked(rule, glances.set_away, True, 5 * S) is demand
    for name in ("euroncap-2026", "eu-gsr"):
        rule = _unresponsive(name, glances, closures, NOW_NS - 60 * S)
        assert asked(rule, glances.set_away, True, 5 * S) is WAIT


def test_it_stays_due_until_the_driver_looks_back(glances: SetGlances, closures: SetClosures) -> None:
    rule = _unresponsive("euroncap-2023", glances, closures)
    assert asked(rule, glances.set_away, True, 6 * S) is DUE
    assert asked(rule, glances.set_away, True, 2 * S) is DUE, "judged anew, and never looked back"
    assert asked(rule, glances.set_away, False, 100 * MS) is WAIT
    assert asked(rule, glances.set_away, True, 2 * S) is WAIT
    assert asked(rule, glances.set_away, True, 6 * S) is DUE
    assert asked(rule, glances.set_away, None, 0) is WAIT
    assert asked(rule, glances.set_away, True, 2 * S) is WAIT


def test_it_does_not_begin_while_the_driver_is_looking_back(glances: SetGlances, closures: SetClosures) -> None:
    rule = _unresponsive("euroncap-2023", glances, closures, NOW_NS - 60 * S)
    glances.set_away.set(True, 60 * S, known_ns=NOW_NS, opposed=True)
    assert rule.demand(NOW_NS) is WAIT


def test_closed_lids_are_unresponsive_by_the_closure(glances: SetGlances, closures: SetClosures) -> None:
    rule = _unresponsive("euroncap-2026", glances, closures)
    assert asked(rule, closures.set_lids, True, 6 * S - 1) is WAIT
    assert asked(rule, closures.set_lids, True, 6 * S) is DUE
