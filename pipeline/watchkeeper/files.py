"""Writing files so that a reader finds the old one, the new one or none, never a half; and where the cache is."""

from __future__ import annotations

import os
from pathlib import Path

from watchkeeper.errors import BadInputError


def cache_root() -> Path:
    """$WATCHKEEPER_CACHE, else $XDG_CACHE_HOME/watchkeeper, else ~/.cache/watchkeeper.

    Raises BadInputError when there is no home directory to fall back on.
    """
    if own := os.environ.get("WATCHKEEPER_CACHE"):
        return Path(own).absolute()
    if (xdg := os.environ.get("XDG_CACHE_HOME")) and Path(xdg).is_absolute():  # the XDG specification ignores others
        return Path(xdg) / "watchkeeper"
    try:
        return Path.home() / ".cache" / "watchkeeper"
    except RuntimeError as error:
        raise BadInputError("WATCHKEEPER_CACHE: no home directory for the cache; set it to a folder") from error


def write_atomically(path: Path, content: str | bytes) -> None:
    """All of `content` (text in UTF-8) under `path`, or the file as it was.

    Raises BadInputError naming the path and the reason.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadInputError.at(path, f"cannot be written: {error.strerror}") from None
