"""Writing files so that a reader finds the old one, the new one or none, never a half."""

from __future__ import annotations

import os
from pathlib import Path

from watchkeeper.errors import BadInputError


def write_atomically(path: Path, text: str) -> None:
    """The whole text under `path`, or the file as it was. Raises BadInputError naming the path and the reason."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadInputError.at(path, f"cannot be written: {error.strerror}") from None
