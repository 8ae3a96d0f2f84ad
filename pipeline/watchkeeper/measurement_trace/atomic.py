"""A text file that appears complete or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TextIO

from watchkeeper.errors import BadInputError


class AtomicTextFile:
    """A text file that appears complete or not at all: written beside its place, moved there by `commit`.

    Raises BadInputError when it cannot be written. `discard` after `commit` does nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._file: TextIO | None = None
        if path.is_dir():
            raise BadInputError.at(path, "cannot be written: it is a folder")
        try:
            self._file = self._temporary.open("w", encoding="utf-8", newline="\n")
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
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise self._failed(error) from None
        self._file = None

    def commit(self) -> None:
        """Put the file in its place."""
        self.finish()
        try:
            self._temporary.replace(self.path)
        except OSError as error:
            raise self._failed(error) from None

    def discard(self) -> None:
        """Leave nothing behind."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # a full disk says so again here; the file goes anyway
                file.close()
        self._temporary.unlink(missing_ok=True)

    def _failed(self, error: OSError) -> BadInputError:
        self.discard()
        return BadInputError.at(self.path, f"cannot be written: {error.strerror}")
