"""A text file that appears complete or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TextIO

from watchkeeper.errors import BadInputError


class AtomicTextFile:
    """A text file that appears complete or not at all: written beside its place, moved there by `commit`.

    A device or a pipe (`/dev/null`, a named pipe) is written straight to. Raises BadInputError when the file cannot be
    written; nothing of it is left then. `discard` after `commit` does nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.is_dir():
            raise BadInputError.at(path, "cannot be written: it is a folder")
        self._target = path.resolve()  # what a link points at is replaced, not the link
        self._in_place = path.exists() and not path.is_file()
        self._part = self._target if self._in_place else self._target.with_name(f".{path.name}.{os.getpid()}.part")
        self._file: TextIO | None = None
        try:
            self._file = self._part.open("w", encoding="utf-8", newline="\n")
        except OSError as error:
            raise BadInputError.at(path, f"cannot be written: {error.strerror}") from None

    def write(self, text: str) -> None:
        """Add text."""
        assert self._file is not None, "written after commit or discard"
        try:
            self._file.write(text)
        except OSError as error:
            raise self._failed(error) from None

    def finish(self) -> None:
        """Bring everything to the disk; what can fail fails here, before anything is moved."""
        if self._file is None:
            return
        try:
            self._file.flush()
            if not self._in_place:
                os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise self._failed(error) from None
        self._file = None

    def commit(self) -> None:
        """Put the file in its place."""
        self.finish()
        if self._in_place:
            return
        try:
            self._part.replace(self._target)
        except OSError as error:
            raise self._failed(error) from None

    def discard(self) -> None:
        """Leave nothing behind."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # a full disk says so again here; the file goes anyway
                file.close()
        if not self._in_place:
            self._part.unlink(missing_ok=True)

    def _failed(self, error: OSError) -> BadInputError:
        self.discard()
        return BadInputError.at(self.path, f"cannot be written: {error.strerror}")
