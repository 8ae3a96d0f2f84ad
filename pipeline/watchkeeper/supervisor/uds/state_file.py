"""A small file that survives power loss: written beside its place, brought to the disk, then moved there.

    <name>        the newest state          <name>.last   the one before: the last good copy

First line: `watchkeeper-state 1 SHA256 LENGTH`, then the content. A file that is cut, has a flipped bit or is something
else altogether is not read; the last good copy is then. Standard library only: the writer process imports nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

_MAGIC = b"watchkeeper-state 1 "
SIZE_MAX = 60_000
"""Bytes of content: what one datagram to the writer process holds. All codes failed with both snapshots are 6 KB."""


def wrap(content: bytes) -> bytes:
    """The file's bytes for this content."""
    return _MAGIC + f"{hashlib.sha256(content).hexdigest()} {len(content)}\n".encode("ascii") + content


def unwrap(data: bytes) -> bytes | None:
    """The content, None when these bytes are not exactly such a file."""
    head, _, content = data.partition(b"\n")
    return content if data == wrap(content) and head else None


def last_good_path(path: Path) -> Path:
    """Where the copy before the newest is."""
    return path.with_name(path.name + ".last")


def load(path: Path) -> tuple[list[bytes], str | None]:
    """Contents that are whole, newest first, and what was wrong with any file that is there, in words."""
    whole: list[bytes] = []
    problems = []
    for candidate in (path, last_good_path(path)):
        try:
            content = _content(candidate)
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(f"{candidate} cannot be read: {error.strerror}")
            continue
        if content is None:
            problems.append(f"{candidate} is damaged or something else")
        else:
            whole.append(content)
    return whole, "; ".join(problems) or None


def save(path: Path, content: bytes) -> None:
    """Make `content` the newest state. A power loss at any moment leaves it or its predecessor readable.

    The present file becomes the last good copy only if it is whole. Raises OSError; the old files are as they were or
    one of them has already moved, never less than one whole state.
    """
    part = path.with_name(f".{path.name}.part")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        data = wrap(content)
        while data:
            data = data[os.write(fd, data) :]
        os.fsync(fd)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    finally:
        os.close(fd)
    if _is_whole(path):
        path.replace(last_good_path(path))
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_whole(path: Path) -> bool:
    try:
        return _content(path) is not None
    except OSError:
        return False


def _content(path: Path) -> bytes | None:
    with path.open("rb") as file:
        return unwrap(file.read(SIZE_MAX + 200))
