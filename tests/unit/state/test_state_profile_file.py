"""A user's rule set at its edges: what may be set, how far, in which order, and which side is the laxer one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from watchkeeper.errors import BadInputError
from watchkeeper.state.limits import Limit
from watchkeeper.state.profile_file import Change, changes, read_profile, resolve_profile
from watchkeeper.state.profiles import get_profile, profile_names

TIME, SPEED, KSS = (0.2, 120.0, "s"), (0.0, 130.0, "km/h"), (1.0, 9.0, "KSS")
RANGES = {
    "active_from": SPEED, "drowsy_from": SPEED, "long_distraction": TIME, "long_distraction_slow": TIME,
    "fast_from": SPEED, "short_distraction": TIME, "short_window": TIME, "clear_short": TIME, "phone_use": TIME,
    "microsleep": TIME, "sleep": TIME, "unresponsive": TIME, "unresponsive_away": TIME, "drowsy": KSS,
    "clear_distraction": TIME, "clear_sleep": TIME,
}  # fmt: skip
MORE_IS_STRICTER = ("short_window", "clear_short", "clear_distraction", "clear_sleep")
IN_ORDER = (
    ("microsleep", "sleep", "unresponsive"),
    ("short_distraction", "short_window"),
    ("active_from", "drowsy_from"),
)
ONLY_WITH_BANDS = ("long_distraction_slow", "fast_from")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def _write(file: Path, base: str, limits: dict[str, float], *, experimental: bool = True) -> Path:
    lines = [f"{name} = {value!r}" for name, value in limits.items()]
    text = [f'base = "{base}"', f"experimental = {'true' if experimental else 'false'}", "[limits]", *lines]
    file.write_text("\n".join(text) + "\n")
    return file


def _together(key: str, value: float) -> dict[str, float]:
    """With all that have to be in order with it at the same value, which is in order."""
    return dict.fromkeys(next((group for group in IN_ORDER if key in group), (key,)), value)


@pytest.mark.parametrize("key", RANGES)
def test_a_limit_may_be_set_to_both_ends_of_its_range_and_no_further(file: Path, key: str) -> None:
    low, high, unit = RANGES[key]
    for value in (low, high):
        profile = read_profile(_write(file, "eu-gsr", _together(key, value)))
        assert getattr(profile, key) == Limit(value, unit, "mine.toml: set by the user over eu-gsr", "own")
    for value in (low - 0.001, high + 0.001):
        with pytest.raises(BadInputError, match=rf"mine.toml:4: limits.{key}: expected a number from .* {unit}, got"):
            read_profile(_write(file, "eu-gsr", {key: value}))


@pytest.mark.parametrize("base", profile_names())
@pytest.mark.parametrize("key", RANGES)
def test_laxer_needs_to_be_said_and_the_shipped_value_or_a_stricter_one_does_not(
    file: Path, base: str, key: str
) -> None:
    shipped: Limit | None = getattr(get_profile(base), key)
    if shipped is None:
        if key in ONLY_WITH_BANDS:
            with pytest.raises(BadInputError, match=f"{key}: {base} has no bands of speed to change"):
                changes(_write(file, base, {key: 5.0}))
        else:
            value = 8.0
            made = changes(_write(file, base, {key: value}, experimental=False))
            assert made == [Change(key, value, None, RANGES[key][2], laxer=False)]
        return
    more, less = shipped.value + 0.001, shipped.value - 0.001
    laxer, stricter = (less, more) if key in MORE_IS_STRICTER else (more, less)
    for value in (shipped.value, stricter):
        limits = {**_lower_partners(base, key, value), key: value}
        made = changes(_write(file, base, limits, experimental=False))
        assert Change(key, value, shipped.value, shipped.unit, laxer=False) in made
    if laxer < RANGES[key][0]:
        return  # the shortest time that may be set is the shipped one
    side = "at least" if key in MORE_IS_STRICTER else "at most"
    wanted = rf"limits.{key}: expected {side} {shipped.value:g} {re.escape(shipped.unit)} as in {base} .*, got"
    limits = {**_lower_partners(base, key, laxer), key: laxer}
    with pytest.raises(BadInputError, match=wanted):
        changes(_write(file, base, limits, experimental=False))
    assert Change(key, laxer, shipped.value, shipped.unit, laxer=True) in changes(
        _write(file, base, {**_together(key, laxer), key: laxer})
    )


def _lower_partners(base: str, key: str, value: float) -> dict[str, float]:
    """What has to be lowered too so that all stay in order."""
    group = next((group for group in IN_ORDER if key in group), (key,))
    below = group[: group.index(key)]
    shipped = {name: getattr(get_profile(base), name) for name in below}
    return {name: value for name, limit in shipped.items() if limit is not None and limit.value > value}


@pytest.mark.parametrize(
    ("low", "high"),
    [("microsleep", "sleep"), ("sleep", "unresponsive"), ("short_distraction", "short_window"),
     ("active_from", "drowsy_from")],
)  # fmt: skip
def test_limits_out_of_order_are_told_at_the_one_that_was_set(file: Path, low: str, high: str) -> None:
    base = get_profile("euroncap-2026")
    both = {**_together(low, 8.0), low: 8.001, high: 8.0}
    where = _write(file, base.name, both)
    line = 4 + list(both).index(high)
    with pytest.raises(
        BadInputError, match=rf":{line}: limits.{high}: expected {high} \(8\) not below {low} \(8.001\)"
    ):
        read_profile(where)
    below: Limit = getattr(base, high)
    alone = {low: below.value + 1}
    with pytest.raises(BadInputError, match=rf"limits.{low}: expected {high} \({below.value:g}\) not below {low}"):
        read_profile(_write(file, base.name, alone))


def test_a_file_without_limits_is_its_base_by_another_name(file: Path) -> None:
    file.write_text('base = "eu-gsr"\n')
    profile = resolve_profile(str(file))
    assert (profile.name, profile.base, profile.area3, profile.experimental) == ("mine", "eu-gsr", True, False)
    assert profile.sleep == get_profile("eu-gsr").sleep
    assert changes(file) == []


def test_a_name_without_toml_is_a_shipped_rule_set() -> None:
    assert resolve_profile("r171") is get_profile("r171")
    with pytest.raises(BadInputError, match="unknown profile"):
        resolve_profile("toml.r171")


@pytest.mark.parametrize("name", profile_names())
def test_a_shipped_rule_set_is_not_experimental_and_only_the_eu_rule_has_areas(name: str) -> None:
    profile = get_profile(name)
    assert (profile.bus_name, profile.base, profile.experimental) == (name, name, False)
    assert profile.area3 is (name == "eu-gsr")


def test_a_limit_that_is_none_is_told_with_those_that_are(file: Path) -> None:
    with pytest.raises(BadInputError, match=r"mine.toml:4: limits.longest: unknown limit; known are active_from, .*"):
        read_profile(_write(file, "r171", {"longest": 1.0}))
