"""Every threshold has a source, and profiles take theirs from one place."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import watchkeeper.state
from watchkeeper.errors import BadInputError
from watchkeeper.state import limits
from watchkeeper.state.profiles import get_profile, profile_names

STATE = Path(watchkeeper.state.__file__).parent


def _limits() -> dict[str, limits.Limit]:
    return {name: value for name, value in vars(limits).items() if isinstance(value, limits.Limit)}


def test_every_limit_says_where_it_comes_from() -> None:
    assert len(_limits()) > 30
    for name, limit in _limits().items():
        assert limit.confidence in ("A", "B", "C", "own"), name
        assert limit.unit, name
        assert len(limit.source) > 20, name


def test_no_threshold_stands_elsewhere() -> None:
    # 0, 1, 2 and 3 count and rank; 1e9 and 100 convert units.
    allowed = {0, 1, 2, 3, 1e9, 100.0}
    for path in sorted(STATE.glob("*.py")):
        if path.name == "limits.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
                assert node.value in allowed, f"{path.name}:{node.lineno}: {node.value}"


def test_every_limit_is_used() -> None:
    text = "".join(path.read_text() for path in STATE.glob("*.py") if path.name != "limits.py")
    assert {name for name in _limits() if not re.search(rf"\blimits\.{name}\b", text)} == set()


def test_only_times_have_nanoseconds() -> None:
    assert limits.NCAP26_LONG_DISTRACTION.ns == 3_500_000_000
    assert limits.VEHICLE_HOLD.ns == 500_000_000
    with pytest.raises(KeyError):
        _ = limits.LID_CLOSED.ns


def test_an_unknown_profile_lists_the_known() -> None:
    assert "euroncap-2026" in profile_names()
    assert get_profile("euroncap-2026").name == "euroncap-2026"
    with pytest.raises(BadInputError, match=r"--profile r17: unknown profile; known are .*euroncap-2026"):
        get_profile("r17")
