"""On which line of a TOML text each field stands: Python's readers of TOML do not tell.

Source: TOML v1.0.0 (keys, tables, arrays of tables, strings). Only texts that a TOML reader has accepted are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*(\[{{1,2}})\s*({_DOTTED})\s*\]{{1,2}}")
_FIELD = re.compile(rf"\s*({_DOTTED})\s*=")
_PART = re.compile(_KEY)
# What can hide a bracket or a quotation mark inside a value, longest first; then the marks themselves.
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}\n]', re.DOTALL
)
_SYNTAX = re.compile(r" \(at line (\d+), column \d+\)$")


def field_lines(text: str) -> dict[str, int]:
    """Dotted name -> line, from 1, of every field and table header. The third [[a.b]] is a.b.2, and what is in it
    a.b.2.c. Fields inside an inline table have no line of their own."""
    lines: dict[str, int] = {}
    table: list[str] = []
    counts: dict[str, int] = {}
    for number, statement in _statements(text):
        if header := _HEADER.match(statement):
            parts = _parts(header[2])
            if header[1] == "[[":
                name = ".".join(parts)
                counts[name] = counts.get(name, -1) + 1
                lines.setdefault(name, number)
            table = _numbered(parts, counts)
            lines[".".join(table)] = number
        elif field := _FIELD.match(statement):
            lines[".".join([*table, *_parts(field[1])])] = number
    return lines


def _numbered(parts: list[str], counts: dict[str, int]) -> list[str]:
    """Parts of a header with the running numbers of the arrays of tables among them."""
    path = []
    for end, part in enumerate(parts, 1):
        path.append(part)
        if (name := ".".join(parts[:end])) in counts:
            path.append(str(counts[name]))
    return path


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
