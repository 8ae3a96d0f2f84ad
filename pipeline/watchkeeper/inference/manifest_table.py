"""What only a model's manifest has in its tables: hashes, shapes, lists of any length."""

from __future__ import annotations

import re
from typing import Any

from watchkeeper.settings_table import Table, is_number


def sha256(table: Table, key: str) -> str:
    """64 hexadecimal digits, lower case. Raises BadInputError as Table does."""
    value = table.text(key)
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise table.fail(key, f"expected 64 lower-case hexadecimal digits, got {value!r}")
    return value


def finite_numbers(table: Table, key: str) -> tuple[float, ...]:
    """A list of finite numbers. Raises BadInputError as Table does."""
    value: Any = table.raw(key)
    if not isinstance(value, list) or not all(is_number(v) for v in value):
        raise table.fail(key, f"expected a list of finite numbers, got {value!r}")
    return tuple(float(v) for v in value)


def shape(table: Table, key: str) -> tuple[int, ...]:
    """A list of whole numbers of at least 1. Raises BadInputError as Table does."""
    numbers = table.wholes(key)
    if min(numbers) < 1:
        raise table.fail(key, f"expected a list of whole numbers of at least 1, got {list(numbers)!r}")
    return numbers
