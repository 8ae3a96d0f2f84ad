"""Lines of fields: against texts whose answer is counted by hand, and against every TOML file that is shipped."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.toml_lines import field_lines, syntax_error

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = sorted([*ROOT.glob("boards/*/board.toml"), *ROOT.glob("vehicles/**/*.toml"), *ROOT.glob("models/*.toml")])

TEXT = (
    """# [not.a.table]
a = 1
b = [ # ] a comment
  "]", '[',
  2,
]
"c d" = """
    + '"""'
    + """
e = 5
"""
    + '"""'
    + """
[t.u]  # a header
f = { g = 1 }
h.i = "x\\"] # not the end"
[[rows]]
j = 1
[[rows]]
j = 2
[rows.k]
l = 3
"""
)


def test_every_kind_of_statement() -> None:
    tomllib.loads(TEXT)
    assert field_lines(TEXT) == {
        "a": 2, "b": 3, "c d": 7, "t.u": 10, "t.u.f": 11, "t.u.h.i": 12,
        "rows": 13, "rows.0": 13, "rows.0.j": 14, "rows.1": 15, "rows.1.j": 16,
        "rows.1.k": 17, "rows.1.k.l": 18,
    }  # fmt: skip


def _names(data: dict[str, Any], prefix: str = "") -> set[str]:
    found = set()
    for key, value in data.items():
        found.add(prefix + key)
        if isinstance(value, dict):
            found |= _names(value, f"{prefix}{key}.")
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_field_of_a_shipped_file_is_found_on_its_line(path: Path) -> None:
    text = path.read_text()
    lines = field_lines(text)
    for name, number in lines.items():
        key = [part for part in name.split(".") if not part.isdigit()][-1]
        assert key in text.splitlines()[number - 1]
    inline = {name for name in _names(tomllib.loads(text)) if name not in lines}
    # only what stands inside another field's braces, or is a table that no header names
    assert all(any(name.startswith(f"{known}.") or known.startswith(f"{name}.") for known in lines) for name in inline)


def test_a_syntax_error_is_told_with_its_line() -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads("a = 1\nb = \n")
    problem, line = syntax_error(caught.value)
    assert line == 2
    assert "line" not in problem
    assert syntax_error(ValueError("Unexpected end")) == ("Unexpected end", None)
