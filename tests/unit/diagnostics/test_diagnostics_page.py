"""docs/diagnostics.md says what the code does."""

from __future__ import annotations

from pathlib import Path

from garage import Garage

from watchkeeper.supervisor.uds.codes import Nrc, Sid
from watchkeeper.supervisor.uds.page import REFUSALS, SERVICES, page
from watchkeeper.supervisor.uds.troubles import TROUBLES

_PAGE = Path(__file__).parents[3] / "docs" / "diagnostics.md"
_RENEW = "run: python -m watchkeeper.supervisor.uds.page > docs/diagnostics.md"


def test_the_page_is_current() -> None:
    assert _PAGE.read_text(encoding="utf-8") == page(), _RENEW


def test_the_page_lists_everything() -> None:
    assert {row[0] for row in SERVICES} == set(Sid) == set(Garage().diagnostics.server.services)
    assert set(REFUSALS) == set(Nrc)
    assert all(trouble.label in page() for trouble in TROUBLES)
