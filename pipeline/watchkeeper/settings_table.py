"""A table of a settings file whose reader says what is wrong by file, line and field."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from watchkeeper.errors import BadInputError
from watchkeeper.toml_lines import field_lines, syntax_error

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def is_number(value: Any) -> bool:
    """A finite number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


class Table:
    """Fields by name, each checked as it is taken. Every method raises BadInputError `file:line: field: expected ...`.

    A field that is absent has the line of the nearest table around it. JSON files have no lines.
    """

    def __init__(self, source: Path, data: Mapping[str, Any], prefix: str, lines: Mapping[str, int]) -> None:
        self._source, self._data, self._prefix, self._lines = source, data, prefix, lines

    def fail(self, key: str, problem: str) -> BadInputError:
        """The error to raise about `key`."""
        path = self._prefix + key
        around = [".".join(path.split(".")[:count]) for count in range(path.count(".") + 1, 0, -1)]
        line = next((self._lines[name] for name in around if name in self._lines), None)
        return BadInputError.at(self._source, problem, field=re.sub(r"\.\d+(?=\.)", "", path), line=line)

    def __contains__(self, key: str) -> bool:
        return key in self._data

    @property
    def keys(self) -> list[str]:
        """Names of the fields that are there."""
        return list(self._data)

    def keys_must_be(self, *known: str) -> None:
        for key in self._data:
            if key not in known:
                raise self.fail(key, f"unknown field; known are {', '.join(known)}")

    def table(self, key: str) -> Table:
        value = self._data.get(key)
        if not isinstance(value, Mapping):
            raise self.fail(key, "expected a table")
        return Table(self._source, value, f"{self._prefix}{key}.", self._lines)

    def tables(self, key: str) -> list[Table]:
        """An array of tables, at least one."""
        value = self._data.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, Mapping) for item in value):
            raise self.fail(key, f"expected [[{key}]] tables")
        return [Table(self._source, item, f"{self._prefix}{key}.{i}.", self._lines) for i, item in enumerate(value)]

    def text(self, key: str) -> str:
        value = self._data.get(key)
        if not isinstance(value, str) or not value:
            raise self.fail(key, f"expected a text, got {value!r}")
        return value

    def choice(self, key: str, known: tuple[str, ...], default: str | None = None) -> str:
        value = self._data.get(key, default)
        if not isinstance(value, str) or value not in known:
            raise self.fail(key, f"expected one of {', '.join(known)}, got {value!r}")
        return value

    def is_text(self, key: str, text: str) -> bool:
        """Whether the field is exactly this text."""
        return bool(self._data.get(key) == text)

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._data.get(key)
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self.fail(key, f"expected a list of texts, got {value!r}")
        return tuple(value)

    def number(self, key: str, low: float = -math.inf, high: float = math.inf, default: float | None = None) -> float:
        value = self._data.get(key, default)
        if not isinstance(value, (int, float)) or not is_number(value):
            raise self.fail(key, f"expected a finite number, got {value!r}")
        if not low <= value <= high:
            raise self.fail(key, f"expected a number from {low:g} to {high:g}, got {value!r}")
        return float(value)

    def pair(self, key: str) -> tuple[float, float]:
        """Two rising finite numbers."""
        value = self._data.get(key)
        if isinstance(value, list) and len(value) == 2 and all(map(is_number, value)) and value[0] < value[1]:
            return float(value[0]), float(value[1])
        raise self.fail(key, f"expected two rising numbers, got {value!r}")

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self._data.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.fail(key, f"expected a whole number from {low} to {high}, got {value!r}")
        return value

    def wholes(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers, at least one."""
        value = self._data.get(key)
        if not isinstance(value, list) or not value or not all(type(item) is int for item in value):
            raise self.fail(key, f"expected a list of whole numbers, got {value!r}")
        return tuple(value)

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        value = self._data.get(key)
        if not isinstance(value, list) or len(value) != count or not all(is_number(v) for v in value):
            raise self.fail(key, f"expected a list of {count} finite numbers, got {value!r}")
        return tuple(float(v) for v in value)

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, f"expected true or false, got {value!r}")
        return value

    def raw(self, key: str) -> Any:
        return self._data.get(key)


def read_table(path: Path) -> Table:
    """The top of a TOML file, or of a JSON one by its name. Raises BadInputError naming the file and, of a TOML file
    that is none, the line."""
    text = _read_text(path)
    if path.suffix == ".json":
        return Table(path, _json(path, text), "", {})
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem, line = syntax_error(error)
        raise BadInputError.at(path, f"expected TOML: {problem}", line=line) from None
    return Table(path, data, "", field_lines(text))


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInputError.at(path, "expected UTF-8 text") from None


def _json(path: Path, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise BadInputError.at(path, f"expected JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadInputError.at(path, "expected a JSON object")
    return value
