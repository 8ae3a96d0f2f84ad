"""Errors a user can mend. `cli` prints their one line and exits with their status; anything else is a defect.

WatchkeeperError
+-- BadInputError      a file, a field, an option: what it was, where, what was expected   (exit 2)
+-- CheckFailedError   a check that ran to its end and did not hold                        (exit 1)
"""

from __future__ import annotations

from pathlib import Path


class WatchkeeperError(Exception):
    """Base of every error that is told in one line instead of a traceback."""

    exit_status = 2


class BadInputError(WatchkeeperError):
    """Bad use or bad input: names the source, the field where there is one, and what was expected."""

    exit_status = 2

    @classmethod
    def at(
        cls, source: str | Path, problem: str, *, field: str | None = None, line: int | None = None
    ) -> BadInputError:
        """One line in the house form `source:line: field: problem`."""
        where = str(source) + (f":{line}" if line is not None else "")
        return cls(f"{where}: {field}: {problem}" if field else f"{where}: {problem}")


class CheckFailedError(WatchkeeperError):
    """The check ran and did not hold."""

    exit_status = 1


def one_line(error: BaseException) -> str:
    """What a library's exception says, its line breaks made spaces."""
    return " ".join(str(error).split())
