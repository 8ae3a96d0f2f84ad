"""Files of the cache: there whole or not at all, also after a power cut; errors name the path."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from pathlib import Path

from watchkeeper.errors import BadInputError


def write_whole(path: Path, data: bytes) -> None:
    """`data` under `path`, or the file as it was. Raises BadInputError: a full disk, a folder that is read-only."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)  # mkstemp's 0600 would hide a shared cache from other users
        Path(temporary).replace(path)
        folder_fd = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder_fd)
        finally:
            os.close(folder_fd)
    except BaseException as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise


def cannot_write(path: Path, error: OSError) -> BadInputError:
    """The error that tells of it."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # disk, quota, limit on a file's size
    wanted = "expected free space" if full else "expected a writable folder"
    return BadInputError.at(path, f"cannot be written: {error.strerror}; {wanted} (WATCHKEEPER_CACHE names another)")


def sweep(path: Path) -> None:
    """Remove what a killed writer of `path` left beside it. Only for paths that one process at a time writes."""
    for left in path.parent.glob(f".{path.name}.*"):
        left.unlink(missing_ok=True)


def write_sealed(path: Path, data: bytes) -> None:
    """As write_whole, with the content's sha256 in a file beside it, so that damage is noticed later."""
    write_whole(path, data)
    write_whole(seal_of(path), (hashlib.sha256(data).hexdigest() + "\n").encode())


def read_sealed(path: Path) -> bytes | None:
    """What write_sealed wrote; None when it is missing, cut off, changed, or was never sealed."""
    try:
        data, seal = path.read_bytes(), seal_of(path).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == seal else None


def seal_of(path: Path) -> Path:
    """Where the hash of `path` is kept."""
    return path.with_name(path.name + ".sha256")
