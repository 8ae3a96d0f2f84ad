"""The rungs above a new start of vision: restart the camera's service, restart the board. Limited, counted, kept.

`RestartLadder` is pure. `RestartCounts` is the file that outlives the supervisor and the board, so that a board that
restarts without getting better stops doing so.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from enum import Enum
from pathlib import Path

from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.files import write_atomically

CAMERA_SERVICE_AFTER = 3
"""Starts of vision in a row that brought no measurement, until the camera's service is restarted too."""
CAMERA_SERVICE_GAP_NS = 30 * NS_PER_S
BOARD_AFTER_NS = 60 * NS_PER_S
"""A Fault that lasts this long, with vision tried every ten seconds, makes a restart of the board."""
BOARD_IN_A_ROW = 3
"""Restarts of the board without a good run between them; then it stays in its Fault, on the bus."""
GOOD_RUN_NS = 60 * NS_PER_S


class Rung(Enum):
    """What is to be restarted now."""

    NONE = "none"
    CAMERA_SERVICE = "camera service"
    BOARD = "board"


@dataclass(slots=True)
class RestartCounts:
    """Since the file was made. board_in_a_row: without a good run between them."""

    vision: int = 0
    camera_service: int = 0
    board: int = 0
    board_in_a_row: int = 0

    @classmethod
    def read(cls, path: Path) -> RestartCounts:
        """What the file holds; zeros when there is none or what it holds is damaged (it must not stop the bus).

        Raises BadInputError when its folder does not exist."""
        if not path.parent.is_dir():
            raise BadInputError.at(path, "expected an existing folder to keep the counts of restarts in")
        try:
            data = json.loads(path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return cls()
        counts = cls()
        for field in fields(cls):
            value = data.get(field.name) if isinstance(data, dict) else None
            if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31:
                setattr(counts, field.name, value)
        return counts

    def write(self, path: Path) -> None:
        """Replace the file as a whole. Raises BadInputError naming it (disk full)."""
        write_atomically(path, json.dumps(asdict(self)) + "\n")


class RestartLadder:
    """Call `step` once a slot with what the keeper of vision knows."""

    def __init__(self, counts: RestartCounts, *, camera_service: bool, board: bool) -> None:
        """camera_service, board: whether there is a way to restart them."""
        self.counts = counts
        self._camera_service, self._board = camera_service, board
        self._vision_restarts = 0
        self._service_ns: int | None = None
        self._fault_since_ns: int | None = None
        self._well_since_ns: int | None = None
        self._asked_for_board = False

    def step(self, restarts: int, failures: int, fault: bool, well: bool, t_ns: int) -> Rung:
        """restarts: of vision by this supervisor. failures: starts in a row without a measurement. fault: the keeper
        has given up hurrying. well: vision measures."""
        self.counts.vision += restarts - self._vision_restarts
        self._vision_restarts = restarts
        self._well_since_ns = (t_ns if self._well_since_ns is None else self._well_since_ns) if well else None
        if self._well_since_ns is not None and t_ns - self._well_since_ns >= GOOD_RUN_NS:
            self.counts.board_in_a_row = 0
        self._fault_since_ns = (t_ns if self._fault_since_ns is None else self._fault_since_ns) if fault else None
        if self._board_due(t_ns):
            self._asked_for_board = True
            self.counts.board += 1
            self.counts.board_in_a_row += 1
            return Rung.BOARD
        rested = self._service_ns is None or t_ns - self._service_ns >= CAMERA_SERVICE_GAP_NS
        if self._camera_service and failures >= CAMERA_SERVICE_AFTER and rested:
            self._service_ns = t_ns
            self.counts.camera_service += 1
            return Rung.CAMERA_SERVICE
        return Rung.NONE

    def _board_due(self, t_ns: int) -> bool:
        long = self._fault_since_ns is not None and t_ns - self._fault_since_ns >= BOARD_AFTER_NS
        return self._board and not self._asked_for_board and long and self.counts.board_in_a_row < BOARD_IN_A_ROW


class Restarter:
    """The ladder with its commands and its file."""

    def __init__(self, file: Path | None, camera_service: Sequence[str] | None, board: Sequence[str] | None) -> None:
        """file: where counts are kept, None for in memory only. camera_service, board: commands as words, None where
        there is none. Raises BadInputError for a file that cannot be one and a board without one."""
        self._file = file
        self._commands = {Rung.CAMERA_SERVICE: camera_service, Rung.BOARD: board}
        if board and file is None:
            raise BadInputError("--board-restart: expected --restart-state FILE too, which limits how often")
        counts = RestartCounts() if file is None else RestartCounts.read(file)
        self._ladder = RestartLadder(counts, camera_service=bool(camera_service), board=bool(board))
        self._kept = asdict(counts)
        self._process: subprocess.Popen[bytes] | None = None
        self._running = ""
        self._failed: str | None = None

    @property
    def busy(self) -> bool:
        """Whether a rung's command is still running."""
        if self._process is not None and (status := self._process.poll()) is not None:
            if status:
                self._failed = f"{self._running} ended with status {status}"
            self._process = None
        return self._process is not None

    def take_failure(self) -> str | None:
        """Once after a rung's command that failed, what it was; it is told, and the ladder goes on."""
        failed = None if self.busy else self._failed
        self._failed = None if failed else self._failed
        return failed

    def step(self, restarts: int, failures: int, fault: bool, well: bool, t_ns: int) -> Rung:
        """As the ladder's; starts the rung's command and keeps the counts. Returns the rung. Raises OSError when the
        command cannot be started, BadInputError when the counts cannot be kept; no rung's command is run uncounted."""
        rung = self._ladder.step(restarts, failures, fault, well, t_ns)
        now = asdict(self._ladder.counts)
        if now != self._kept:
            self._kept = now
            if self._file is not None:
                self._ladder.counts.write(self._file)
        words = self._commands.get(rung)
        if words and not self.busy:
            self._running = shlex.join(words)
            self._process = subprocess.Popen(list(words), stdin=subprocess.DEVNULL, start_new_session=True)
        return rung


NONE = "none"
"""In place of a command: do without the board's own."""


def choose(option: str, given: str | None, board: Sequence[str] | None) -> Sequence[str] | None:
    """The command of a rung as words: what `option` was given, else the board's. Raises BadInputError for a text that
    is no command line."""
    if given is None:
        return board
    try:
        return None if given == NONE else shlex.split(given) or None
    except ValueError as error:
        raise BadInputError(f"{option} {given!r}: expected a command line ({error})") from None
