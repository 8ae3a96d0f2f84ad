"""Whether this is a production unit, on which commissioning (`watchkeeper aim`) is off. No option changes that.

Two marks, either is enough: `production` among the packaged files, which `tools/package --production` puts there, and
/etc/watchkeeper/production, which the integrator leaves on a unit once it is fitted.
"""

from __future__ import annotations

from pathlib import Path

from watchkeeper.data import data_path
from watchkeeper.errors import BadInputError

UNIT_MARK = Path("/etc/watchkeeper/production")


def marks() -> tuple[Path, Path]:
    """Where the marks are looked for."""
    return data_path("production"), UNIT_MARK


def refuse_in_production(what: str) -> None:
    """Raises BadInputError naming the mark that is there."""
    for mark in marks():
        if mark.exists():
            raise BadInputError.at(mark, f"this is a production unit: expected no such file for {what}")
