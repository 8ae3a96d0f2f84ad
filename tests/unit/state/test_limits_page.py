"""docs/limits.md holds every limit as it is in force."""

from __future__ import annotations

from pathlib import Path

from watchkeeper.commands.limits_page import groups, page
from watchkeeper.state import limits

_PAGE = Path(__file__).parents[3] / "docs" / "limits.md"
_RENEW = "run: python -m watchkeeper.commands.limits_page > docs/limits.md"


def test_the_page_is_current() -> None:
    assert _PAGE.read_text(encoding="utf-8") == page(), _RENEW


def test_every_limit_stands_there_once_with_its_value_unit_and_source() -> None:
    found = [(name, limit) for _, rows in groups() for name, limit in rows]
    assert dict(found) == {name: value for name, value in vars(limits).items() if isinstance(value, limits.Limit)}
    assert len(found) == len(dict(found))
    assert all(rows for _, rows in groups())
    assert "| `GSR_FAST_FROM` | 50 | km/h | A | Delegated Regulation (EU) 2023/2590 (ADDW) 3.3.2.1" in page()
    assert "\n## Profile eu-gsr\n" in page()
