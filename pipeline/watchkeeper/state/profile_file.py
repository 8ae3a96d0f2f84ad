"""A user's own rule set: a TOML file over a shipped one. Stricter as it likes; laxer only when it says so.

base = "euroncap-2026"
experimental = false      # true allows laxer limits, and is shown on the bus
[limits]
long_distraction = 3.0    # s; units as in limits.py
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from watchkeeper.settings_table import Table, is_number, read_table
from watchkeeper.state import limits
from watchkeeper.state.limits import Limit
from watchkeeper.state.profiles import Profile, get_profile, profile_names

_TIME = (limits.FILE_TIME_MIN.value, limits.FILE_TIME_MAX.value, "s")
_SPEED = (0.0, limits.FILE_SPEED_MAX.value, "km/h")
_KSS = (limits.FILE_KSS_MIN.value, limits.FILE_KSS_MAX.value, "KSS")
# What may be set: range, unit, and whether a higher number is the stricter one.
_SETTABLE: dict[str, tuple[tuple[float, float, str], bool]] = {
    "active_from": (_SPEED, False),
    "drowsy_from": (_SPEED, False),
    "long_distraction": (_TIME, False),
    "long_distraction_slow": (_TIME, False),
    "fast_from": (_SPEED, False),
    "short_distraction": (_TIME, False),
    "short_window": (_TIME, True),
    "clear_short": (_TIME, True),
    "phone_use": (_TIME, False),
    "microsleep": (_TIME, False),
    "sleep": (_TIME, False),
    "unresponsive": (_TIME, False),
    "unresponsive_away": (_TIME, False),
    "drowsy": (_KSS, False),
    "clear_distraction": (_TIME, True),
    "clear_sleep": (_TIME, True),
}
_NEEDS_BASE = ("long_distraction_slow", "fast_from")  # mean something only where the base has speed bands
_ORDER = (
    ("microsleep", "sleep"),
    ("sleep", "unresponsive"),
    ("short_distraction", "short_window"),
    ("active_from", "drowsy_from"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One limit a file sets. base: the shipped value, None where the base has no such rule."""

    field: str
    value: float
    base: float | None
    unit: str
    laxer: bool


def resolve_profile(name: str) -> Profile:
    """The shipped rule set of that name, or the file where `name` ends in .toml. Raises BadInputError."""
    return read_profile(Path(name)) if name.endswith(".toml") else get_profile(name)


def read_profile(path: Path) -> Profile:
    """The rule set in a file. Raises BadInputError naming file, line, field and what was expected."""
    return _read(path)[0]


def changes(path: Path) -> list[Change]:
    """What the file changes of its base. Raises as `read_profile`."""
    return _read(path)[1]


def _read(path: Path) -> tuple[Profile, list[Change]]:
    top = read_table(path)
    top.keys_must_be("base", "experimental", "limits")
    base_name, experimental = top.choice("base", tuple(profile_names())), top.flag("experimental")
    table = top.table("limits") if "limits" in top else None
    base = get_profile(base_name)
    made = [] if table is None else [_change(table, base, key, experimental) for key in table.keys]
    source = f"{path.name}: set by the user over {base.name}"
    own: dict[str, Any] = {change.field: Limit(change.value, change.unit, source, "own") for change in made}
    profile = replace(base, name=path.stem, experimental=experimental, **own)
    for low, high in _ORDER:
        below, above = getattr(profile, low), getattr(profile, high)
        if below is not None and above.value < below.value:
            assert table is not None  # the shipped ones are in order
            field = high if high in table else low
            raise table.fail(field, f"expected {high} ({above.value:g}) not below {low} ({below.value:g})")
    return profile, made


def _change(table: Table, base: Profile, key: str, experimental: bool) -> Change:
    settable = _SETTABLE.get(key)
    if settable is None:
        raise table.fail(key, f"unknown limit; known are {', '.join(_SETTABLE)}")
    (low, high, unit), higher_is_stricter = settable
    value = table.raw(key)
    if not is_number(value) or not low <= value <= high:
        raise table.fail(key, f"expected a number from {low:g} to {high:g} {unit}, got {value!r}")
    shipped: Limit | None = getattr(base, key)
    if shipped is None:
        if key in _NEEDS_BASE:
            raise table.fail(key, f"{base.name} has no bands of speed to change")
        return Change(key, float(value), None, unit, laxer=False)
    laxer = value < shipped.value if higher_is_stricter else value > shipped.value
    if laxer and not experimental:
        side = "at least" if higher_is_stricter else "at most"
        raise table.fail(
            key, f"expected {side} {shipped.value:g} {unit} as in {base.name} (laxer needs experimental = true), "
            f"got {value:g}",
        )  # fmt: skip
    return Change(key, float(value), shipped.value, unit, laxer)
