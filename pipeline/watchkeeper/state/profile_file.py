"""A user's own rule set: a TOML file over a shipped one. Stricter as it likes; laxer only when it says so.

base = "euroncap-2026"
experimental = false      # true allows laxer limits, and is shown on the bus
[limits]
long_distraction = 3.0    # s; units as in limits.py
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from watchkeeper.errors import BadInputError
from watchkeeper.state import limits
from watchkeeper.state.limits import Limit
from watchkeeper.state.profiles import Profile, get_profile, profile_names

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

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
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInputError.at(path, "expected UTF-8 text") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(path, str(error)) from None
    return _profile(_File(path, text), data)


def _not_toml(path: Path, problem: str) -> BadInputError:
    where = re.search(r" \(at line (\d+), column \d+\)$", problem)
    if where is None:
        return BadInputError.at(path, f"expected TOML: {problem}")
    return BadInputError.at(path, f"expected TOML: {problem[: where.start()]}", line=int(where.group(1)))


class _File:
    """Errors with the line on which a field stands."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self._lines = text.splitlines()

    def error(self, field: str, problem: str) -> BadInputError:
        return BadInputError.at(self.path, problem, field=field, line=self._line(field))

    def _line(self, field: str) -> int | None:
        key = field.rpartition(".")[2]
        pattern = re.compile(rf"""\s*(\[\s*)?(limits\s*\.\s*)?["']?{re.escape(key)}["']?\s*[=\].]""")
        return next((number for number, line in enumerate(self._lines, 1) if pattern.match(line)), None)


def _profile(file: _File, data: dict[str, Any]) -> tuple[Profile, list[Change]]:
    for key in data:
        if key not in ("base", "experimental", "limits"):
            raise file.error(key, "unknown field; known are base, experimental, limits")
    base_name, experimental, table = data.get("base"), data.get("experimental", False), data.get("limits", {})
    if not isinstance(base_name, str) or base_name not in profile_names():
        raise file.error("base", f"expected one of {', '.join(profile_names())}, got {base_name!r}")
    if not isinstance(experimental, bool):
        raise file.error("experimental", f"expected true or false, got {experimental!r}")
    if not isinstance(table, dict):
        raise file.error("limits", f"expected a table, got {table!r}")
    base = get_profile(base_name)
    made = [_change(file, base, key, value, experimental) for key, value in table.items()]
    source = f"{file.path.name}: set by the user over {base.name}"
    own: dict[str, Any] = {change.field: Limit(change.value, change.unit, source, "own") for change in made}
    profile = replace(base, name=file.path.stem, experimental=experimental, **own)
    for low, high in _ORDER:
        below, above = getattr(profile, low), getattr(profile, high)
        if below is not None and above.value < below.value:
            field = f"limits.{high if high in table else low}"
            raise file.error(field, f"expected {high} ({above.value:g}) not below {low} ({below.value:g})")
    return profile, made


def _change(file: _File, base: Profile, key: str, value: object, experimental: bool) -> Change:
    field = f"limits.{key}"
    settable = _SETTABLE.get(key)
    if settable is None:
        raise file.error(field, f"unknown limit; known are {', '.join(_SETTABLE)}")
    (low, high, unit), higher_is_stricter = settable
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not isinstance(value, (int, float)) or not is_number or not low <= value <= high:
        raise file.error(field, f"expected a number from {low:g} to {high:g} {unit}, got {value!r}")
    shipped: Limit | None = getattr(base, key)
    if shipped is None:
        if key in _NEEDS_BASE:
            raise file.error(field, f"{base.name} has no bands of speed to change")
        return Change(key, float(value), None, unit, laxer=False)
    laxer = value < shipped.value if higher_is_stricter else value > shipped.value
    if laxer and not experimental:
        side = "at least" if higher_is_stricter else "at most"
        raise file.error(
            field, f"expected {side} {shipped.value:g} {unit} as in {base.name} (laxer needs experimental = true), "
            f"got {value:g}",
        )  # fmt: skip
    return Change(key, float(value), shipped.value, unit, laxer)
