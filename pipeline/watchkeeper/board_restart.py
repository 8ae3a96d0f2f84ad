"""The `[restart]` table of a board file: what is run when new starts of vision do not bring the picture back.

[restart]
camera_service = ["systemctl", "restart", "nvargus-daemon.service"]     # the second rung of the ladder
board = ["systemctl", "reboot"]                                         # the third, at most three times in a row

Each is a list of words, run as it is: no shell, no variables, no patterns. The program is one of PROGRAMS or a path
from the root; the words are of letters, digits and `_.:@%=+,/-`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from watchkeeper.settings_table import Table

PROGRAMS = ("systemctl", "reboot", "shutdown")
"""Programs that may be named without a path."""
_SHELLS = ("sh", "ash", "bash", "busybox", "csh", "dash", "env", "fish", "ksh", "tcsh", "zsh")
_WORD = re.compile(r"[A-Za-z0-9_.:@%=+,/-]+")
_MOST_WORDS = 8

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restart:
    """Commands as words; None: this board has no such rung."""

    camera_service: Words | None = None
    board: Words | None = None


NO_RESTART = Restart()
"""Of a board whose file says nothing about it: only vision is started anew."""


def read_restart(table: Table) -> Restart:
    """Raises BadInputError naming file, line and field."""
    table.keys_must_be(*Restart.__slots__)
    return Restart(**{key: _command(table, key) for key in table.keys})


def _command(table: Table, key: str) -> Words:
    words = table.texts(key)
    if not 1 <= len(words) <= _MOST_WORDS:
        raise table.fail(key, f"expected 1 to {_MOST_WORDS} words, got {len(words)}")
    for word in words:
        if not _WORD.fullmatch(word):
            raise table.fail(
                key, f"expected words of letters, digits and _.:@%=+,/- (no shell runs them), got {word!r}"
            )
    program = PurePosixPath(words[0])
    if words[0] not in PROGRAMS and not program.is_absolute():
        raise table.fail(key, f"expected {', '.join(PROGRAMS)} or a path from the root, got {words[0]!r}")
    if program.name in _SHELLS:
        raise table.fail(key, f"expected a program that runs no other by its arguments, got {words[0]!r}")
    return words
