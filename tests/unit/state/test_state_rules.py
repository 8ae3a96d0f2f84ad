"""What each rule asks for at its edges: before, at and after its limit, unseen, easing, and until it is over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from set_timers import MS, NOW_NS, S, SetClosures, SetDwell, SetGlances, asked

from watchkeeper.state.baseline import Baseline
from watchkeeper.state.limits import Limit
from watchkeeper.state.profiles import get_profile, profile_names
from watchkeeper.state.rules import (
    Demand,
    LidClosure,
    LongDistraction,
    Patience,
    PhoneUse,
    Rule,
    ShortDistraction,
    Unresponsive,
    build_rules,
)
from watchkeeper.state.short_glances import ShortGlances
from watchkeeper.state.sleepiness import Sleepiness
from watchkeeper.state.vehicle import Gate, Vehicle
from watchkeeper.types import VehicleSignals
from watchkeeper.types import Warning as DriverWarning

NCAP, GSR, NCAP23 = (get_profile(name) for name in ("euroncap-2026", "eu-gsr", "euroncap-2023"))
CLEAR, WAIT, UNSEEN, EASING, DUE = Demand.CLEAR, Demand.WAIT, Demand.UNSEEN, Demand.EASING, Demand.DUE


# --- alike for each condition that lasts ------------------------------------------------------------------------------


def _lasting(kind: str, glances: SetGlances, closures: SetClosures) -> tuple[Rule, SetDwell, int, int]:
    """A rule, its timer, its limit and after how long unseen it is over."""
    if kind == "long":
        return LongDistraction(NCAP, glances, None), glances.set_away, 3500 * MS, 10 * S
    if kind == "area 3":
        return LongDistraction(GSR, glances, None), glances.set_area3, 3500 * MS, 10 * S
    if kind == "phone":
        return PhoneUse(NCAP, glances, 3500 * MS), glances.set_phone, 3500 * MS, 10 * S
    sleep = LidClosure(DriverWarning.SLEEP, 3 * S, 2 * S, closures, glances)
    if kind == "lids":
        return sleep, closures.set_lids, 3 * S, 30 * S
    gone = Unresponsive(NCAP23, sleep, glances, Patience())
    return gone, glances.set_away, 6 * S, 30 * S


KINDS = ("long", "area 3", "phone", "lids", "unresponsive")


@pytest.mark.parametrize("kind", KINDS)
def test_due_from_its_limit_on(kind: str, glances: SetGlances, closures: SetClosures) -> None:
    rule, dwell, limit_ns, _ = _lasting(kind, glances, closures)
    closures.set_lids.known_ns = NOW_NS
    assert rule.late_ns == 0
    assert asked(rule, dwell, True, limit_ns - 1) is WAIT
    assert asked(rule, dwell, True, limit_ns) is DUE
    assert rule.late_ns == 0
    assert asked(rule, dwell, True, limit_ns + 70 * MS) is DUE
    assert rule.late_ns == (0 if kind == "unresponsive" else 70 * MS)


@pytest.mark.parametrize("kind", KINDS)
def test_due_stays_easing_while_the_newest_sample_says_otherwise(
    kind: str, glances: SetGlances, closures: SetClosures
) -> None:
    rule, dwell, limit_ns, _ = _lasting(kind, glances, closures)
    assert asked(rule, dwell, True, limit_ns) is DUE
    dwell.set(True, limit_ns, known_ns=NOW_NS, opposed=True)
    assert rule.demand(NOW_NS) is EASING


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("enough", [True, False])
def test_unseen_after_half_a_second_and_over_after_its_time(
    kind: str, enough: bool, glances: SetGlances, closures: SetClosures
) -> None:
    rule, dwell, limit_ns, over_ns = _lasting(kind, glances, closures)
    lasted_ns = limit_ns if enough else limit_ns - 1
    if kind == "unresponsive" and not enough:
        dwell, lasted_ns = closures.set_lids, 3 * S - 1  # then it is the closure that says
    assert asked(rule, dwell, True, lasted_ns, silent_ns=500 * MS) is (DUE if enough and dwell.value else WAIT)
    assert asked(rule, dwell, True, lasted_ns, silent_ns=500 * MS + 1) is UNSEEN
    assert asked(rule, dwell, True, lasted_ns, silent_ns=over_ns - 1) is UNSEEN
    assert asked(rule, dwell, True, lasted_ns, silent_ns=over_ns) is CLEAR


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_never_seen_asks_for_nothing(kind: str, glances: SetGlances, closures: SetClosures) -> None:
    assert _lasting(kind, glances, closures)[0].demand(NOW_NS) is CLEAR


# --- distraction ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["euroncap-2026", "euroncap-2023", "eu-gsr"])
def test_a_long_look_is_over_after_a_second_ahead(name: str, glances: SetGlances) -> None:
    rule = LongDistraction(get_profile(name), glances, None)
    dwell = glances.set_area3 if name == "eu-gsr" else glances.set_away
    assert asked(rule, dwell, False, S - 1) is WAIT
    assert asked(rule, dwell, False, S) is CLEAR
    assert asked(rule, dwell, None, 0) is WAIT


def test_slow_driving_has_its_own_limit_in_the_eu_rule(glances: SetGlances) -> None:
    fast = Gate(50.0)
    rule = LongDistraction(GSR, glances, fast)
    fast.step(40.0)
    assert asked(rule, glances.set_area3, True, 6 * S - 1) is WAIT
    assert asked(rule, glances.set_area3, True, 6 * S) is DUE
    assert rule.late_ns == 0
    fast.step(50.0)
    assert asked(rule, glances.set_area3, True, 3500 * MS - 1) is WAIT
    assert asked(rule, glances.set_area3, True, 6 * S) is DUE
    assert rule.late_ns == 2500 * MS


def test_hidden_eyes_have_an_allowance_only_where_the_rule_gives_one(glances: SetGlances) -> None:
    glances.set_hidden.set(True, S)
    gsr, ncap = LongDistraction(GSR, glances, None), LongDistraction(NCAP, glances, None)
    assert asked(gsr, glances.set_area3, True, 5 * S - 1) is WAIT
    assert asked(gsr, glances.set_area3, True, 5 * S) is DUE
    assert asked(ncap, glances.set_away, True, 3500 * MS) is DUE


def _short(glances: SetGlances) -> tuple[ShortDistraction, ShortGlances]:
    short = ShortGlances(NCAP, glances, 10 * S)
    return ShortDistraction(NCAP, glances, short, 10 * S), short


def test_short_looks_are_due_at_their_sum_told_at_the_nearest_frame(glances: SetGlances) -> None:
    rule, short = _short(glances)
    assert rule.late_ns == 0
    short.total_ns = 10 * S - 20 * MS - 1
    glances.set_away.set(True, 2 * S, known_ns=NOW_NS, reach_ns=20 * MS)
    assert rule.demand(NOW_NS) is WAIT
    short.total_ns += 1
    assert rule.demand(NOW_NS) is DUE
    assert rule.late_ns == 0
    short.total_ns += 5 * MS
    assert rule.demand(NOW_NS) is DUE
    assert rule.late_ns == 5 * MS
    glances.set_away.set(True, 2 * S, known_ns=NOW_NS, opposed=True, reach_ns=20 * MS)
    assert rule.demand(NOW_NS) is EASING
    glances.set_away.set(True, 2 * S, known_ns=NOW_NS - 500 * MS - 1, reach_ns=20 * MS)
    assert rule.demand(NOW_NS) is UNSEEN


def test_a_sum_is_due_only_while_the_look_lasts_and_over_after_two_seconds_ahead(glances: SetGlances) -> None:
    rule, short = _short(glances)
    short.total_ns = 12 * S
    assert asked(rule, glances.set_away, False, 2 * S - 1) is WAIT
    assert asked(rule, glances.set_away, False, 2 * S) is CLEAR
    assert asked(rule, glances.set_away, None, 0) is WAIT
    assert asked(rule, glances.set_away, True, 0) is DUE


def test_a_phone_put_away_is_over_after_a_second_unless_the_gaze_is_away(glances: SetGlances) -> None:
    rule = PhoneUse(NCAP, glances, 3500 * MS)
    assert asked(rule, glances.set_phone, False, S - 1) is WAIT
    assert asked(rule, glances.set_phone, False, S) is CLEAR
    glances.set_away.set(True, 100 * MS)
    assert asked(rule, glances.set_phone, False, 5 * S) is WAIT
    glances.set_away.set(False, 0)
    assert asked(rule, glances.set_phone, False, 5 * S) is CLEAR
    assert asked(rule, glances.set_phone, None, 5 * S) is WAIT


# --- which rules a profile has ----------------------------------------------------------------------------------------


def _rules(name: str, with_short: bool, glances: SetGlances, closures: SetClosures) -> list[DriverWarning]:
    profile, short = get_profile(name), None
    if with_short:
        short = ShortGlances(NCAP, glances, 10 * S)
    sleepiness = Sleepiness(closures, Baseline())
    rules = build_rules(profile, closures, glances, Vehicle(20.0), short, sleepiness, Patience())
    return [rule.warning for rule in rules]


@pytest.mark.parametrize("name", profile_names())
@pytest.mark.parametrize("with_short", [True, False])
def test_a_profile_has_the_rules_it_has_limits_for(
    name: str, with_short: bool, glances: SetGlances, closures: SetClosures
) -> None:
    expected = [DriverWarning.UNRESPONSIVE, DriverWarning.SLEEP, DriverWarning.MICROSLEEP]
    if name != "r171":
        expected.append(DriverWarning.DROWSY)
    if name.startswith("euroncap"):
        expected.append(DriverWarning.PHONE_USE)
        if with_short:
            expected.append(DriverWarning.SHORT_DISTRACTION)
    assert _rules(name, with_short, glances, closures) == [*expected, DriverWarning.LONG_DISTRACTION]


def test_bands_of_speed_follow_the_vehicle(glances: SetGlances, closures: SetClosures) -> None:
    car = Vehicle(20.0)
    profile = replace(GSR, fast_from=Limit(60.0, "km/h", "of this test, and no rule set", "own"))
    rules = build_rules(profile, closures, glances, car, None, Sleepiness(closures, Baseline()), Patience())
    car.step(VehicleSignals(55.0), NOW_NS)
    assert asked(rules[-1], glances.set_area3, True, 5 * S) is WAIT
    car.step(VehicleSignals(60.0), NOW_NS)
    assert asked(rules[-1], glances.set_area3, True, 5 * S) is DUE
