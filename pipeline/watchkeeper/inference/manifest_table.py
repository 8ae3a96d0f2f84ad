"""A TOML table whose readers say, on bad input, which file and which dotted field was wrong and what was expected."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from watchkeeper.errors import BadInputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(path: Path) -> dict[str, Any]:
    """The file's table. Raises BadInputError naming the file when it cannot be read or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInputError.at(path, f"expected a TOML file: {error}") from error


class ManifestTable:
    """Typed reads from one table; every one raises BadInputError naming file and field."""

    def __init__(self, source: Path, data: Mapping[str, Any], prefix: str = "") -> None:
        self._source, self._data, self._prefix = source, data, prefix

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def fail(self, key: str, problem: str) -> BadInputError:
        """The error to raise about `key`."""
        return BadInputError.at(self._source, problem, field=self._prefix + key)

    def keys_must_be(self, *known: str) -> None:
        """Raises for any field that is not `known`: a misspelt one must not be ignored."""
        for key in self._data:
            if key not in known:
                raise self.fail(key, f"unknown field; known are {', '.join(sorted(known))}")

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self._data.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.fail(key, f"expected a text, got {value!r}")
        return value

    def one_of(self, key: str, known: tuple[str, ...]) -> str:
        """One of the `known` texts."""
        value = self.text(key)
        if value not in known:
            raise self.fail(key, f"expected one of {', '.join(known)}, got {value!r}")
        return value

    def sha256(self, key: str) -> str:
        """64 hexadecimal digits, lower case."""
        value = self.text(key)
        if not re.fullmatch(r"[0-9a-f]{64}", value):
            raise self.fail(key, f"expected 64 lower-case hexadecimal digits, got {value!r}")
        return value

    def number(self, key: str, low: float = -math.inf) -> float:
        """A finite number that is at least `low`."""
        value = self._data.get(key)
        number = float(value) if isinstance(value, (int, float)) and _is_finite(value) else math.nan
        if not number >= low:
            raise self.fail(key, f"expected a finite number of at least {low:g}, got {value!r}")
        return number

    def whole(self, key: str, low: int) -> int:
        """An integer that is at least `low`."""
        value = self._data.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            raise self.fail(key, f"expected a whole number of at least {low}, got {value!r}")
        return value

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        value = self._data.get(key)
        if not isinstance(value, list) or not all(_is_finite(v) for v in value):
            raise self.fail(key, f"expected a list of finite numbers, got {value!r}")
        return tuple(float(v) for v in value)

    def shape(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers of at least 1."""
        numbers = self.numbers(key)
        if not numbers or not all(n == int(n) and n >= 1 for n in numbers):
            raise self.fail(key, f"expected a list of whole numbers of at least 1, got {self._data.get(key)!r}")
        return tuple(int(n) for n in numbers)

    def table(self, key: str) -> ManifestTable:
        """The table inside."""
        value = self._data.get(key)
        if not isinstance(value, Mapping):
            raise self.fail(key, "expected a table")
        return ManifestTable(self._source, value, f"{self._prefix}{key}.")

    def tables(self, key: str) -> list[ManifestTable]:
        """The tables of `[[key]]`, at least one."""
        value = self._data.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(entry, Mapping) for entry in value):
            raise self.fail(key, f"expected one or more [[{self._prefix}{key}]] tables")
        return [ManifestTable(self._source, entry, f"{self._prefix}{key}[{i}].") for i, entry in enumerate(value)]


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
