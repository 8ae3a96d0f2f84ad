"""On which line of a TOML text each field stands: Python's readers of TOML do not tell.

Source: TOML v1.0.0 (keys, tables, arrays of tables, strings). Only texts that a TOML reader has accepted are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*\[{{1,2}}\s*({_DOTTED})\s*\]{{1,2}}")
_FIELD = re.compile(rf"\s*({_DOTTED})\s*=")
_PART = re.compile(_KEY)
# What can hide a bracket or a quotation mark inside a value, longest first; then the marks themselves.
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}\n]', re.DOTALL
)
_SYNTAX = re.compile(r" \(at line (\d+), column \d+\)$")


def field_lines(text: str) -> dict[str, int]:
    """Dotted name -> line, from 1, of every field and table header. Of an array of tables the last one counts; fields
    inside an inline table have no line of their own."""
    lines: dict[str, int] = {}
    table: list[str] = []
    for number, statement in _statements(text):
        if header := _HEADER.match(statement):
            table = _parts(header[1])
            lines[".".join(table)] = number
        elif field := _FIELD.match(statement):
            lines[".".join([*table, *_parts(field[1])])] = number
    return lines


def syntax_error(error: ValueError) -> tuple[str, int | None]:
    """A TOML reader's message without its position, and the line it names (None where it names none)."""
    message = str(error)
    where = _SYNTAX.search(message)
    return (message, None) if where is None else (message[: where.start()], int(where[1]))


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(dotted)]


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """(line it begins on, statement): values that go over several lines belong to their first."""
    start, depth, number, begun = 0, 0, 1, 1
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        elif mark == "\n" and depth == 0:
            yield begun, text[start : token.start()]
            start, begun = token.end(), number + 1
        number += mark.count("\n")
    yield begun, text[start:]
