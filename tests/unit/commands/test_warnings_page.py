"""docs/warnings.md says what the code does, and the survey behind it finds what the limits say."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from watchkeeper.commands.arbiter_survey import Survey
from watchkeeper.commands.warnings_page import page, rules_of
from watchkeeper.state import limits
from watchkeeper.state.arbiter import STYLES
from watchkeeper.state.profiles import get_profile, profile_names
from watchkeeper.state.rules import Demand
from watchkeeper.types import Warning as DriverWarning

_PAGE = Path(__file__).parents[3] / "docs" / "warnings.md"
_RENEW = "run: python -m watchkeeper.commands.warnings_page > docs/warnings.md"


def _survey(profile: str) -> Survey:
    chosen = get_profile(profile)
    return Survey(rules_of(chosen), [step.ns for step in chosen.steps])


def test_the_page_is_current() -> None:
    assert _PAGE.read_text(encoding="utf-8") == page(), _RENEW


def test_the_page_lists_every_warning_limit_and_profile() -> None:
    text = page()
    assert all(f"`{warning.label}` ({warning.value})" in text for warning in STYLES)
    assert all(f" {name} |" in text for name in profile_names())
    assert "| `NCAP26_LONG_DISTRACTION` | 3.5 s | B |" in text


@pytest.mark.parametrize("profile", profile_names())
def test_levels_rise_one_at_a_time_after_the_times_of_the_profile(profile: str) -> None:
    steps = [step.ns for step in get_profile(profile).steps]
    for rule in rules_of(get_profile(profile)):
        levels = _survey(profile).levels(rule.warning)
        style = STYLES[rule.warning]
        assert levels[0] == (0, style.level)
        assert [high - low for (_, low), (_, high) in pairwise(levels)] == [1] * (len(levels) - 1)
        assert levels[-1][1] <= style.top_level
        waits = [late - early for (early, _), (late, _) in pairwise(levels)]
        assert waits == (steps if not style.sleep_class else [limits.ESCALATE_UNANSWERED.ns] * len(waits))


def test_sleep_outranks_distraction_and_nothing_due_gives_way_to_less() -> None:
    survey = _survey("euroncap-2026")
    asleep = [DriverWarning.MICROSLEEP, DriverWarning.SLEEP, DriverWarning.UNRESPONSIVE]
    away = [DriverWarning.LONG_DISTRACTION, DriverWarning.SHORT_DISTRACTION, DriverWarning.PHONE_USE]
    for sleep in asleep:
        for distraction in away:
            assert survey.replaced(distraction, Demand.DUE, sleep)
            assert not survey.replaced(sleep, Demand.DUE, distraction)
            assert survey.replaced(sleep, Demand.WAIT, distraction)


def test_minimum_time_on() -> None:
    survey = _survey("euroncap-2026")
    for warning in STYLES:
        assert survey.end_ns(warning, Demand.CLEAR) == limits.WARNING_SHORTEST.ns
        assert survey.end_ns(warning, Demand.WAIT) is None
        assert survey.end_ns(warning, Demand.UNSEEN) is None
