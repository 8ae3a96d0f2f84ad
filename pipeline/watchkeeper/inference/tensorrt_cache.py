"""Built engines on disk: one file an engine, its key and a hash of its content in front.

An engine works only on the kind of GPU and with the libraries it was built with, so all of those are in its key; a file
that is cut off, changed or of another key is as good as none. See `EngineKey`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from watchkeeper.inference.store import cannot_write, sweep, write_whole

_MAGIC = b"watchkeeper engine 1\n"


@dataclass(frozen=True, slots=True)
class EngineKey:
    """Everything an engine depends on. l4t: NVIDIA's release on Jetson, empty elsewhere. flags: of the build."""

    onnx_sha256: str
    tensorrt: str
    cuda: str
    compute_capability: str
    multiprocessors: int
    l4t: str
    flags: str

    @property
    def digest(self) -> str:
        """Short name of this key, for file names."""
        return hashlib.sha256(self._line()).hexdigest()[:16]

    def _line(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()

    def header(self, plan: bytes) -> bytes:
        """What stands before `plan` in the file."""
        return _MAGIC + self._line() + b"\n" + hashlib.sha256(plan).hexdigest().encode() + b"\n"


def engine_path(model: Path, key: EngineKey) -> Path:
    """Where the engine of this model's file is kept."""
    return model.with_name(f"{model.stem}-{key.digest}.engine")


def load(path: Path, key: EngineKey) -> bytes | None:
    """The serialized engine; None when it is missing, cut off, changed, or of another key."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return parsed(data, key)


def parsed(data: bytes, key: EngineKey) -> bytes | None:
    """The serialized engine in a file's content; None as for `load`."""
    parts = data.split(b"\n", 3)
    if len(parts) < 4:
        return None
    plan = parts[3]
    return plan if data[: len(data) - len(plan)] == key.header(plan) else None


def save(path: Path, key: EngineKey, plan: bytes) -> None:
    """There whole or not at all. Raises BadInputError with the path: a full disk, a folder that is read-only."""
    write_whole(path, key.header(plan) + plan)


@contextmanager
def building(path: Path) -> Iterator[None]:
    """One process builds `path` at a time; a killed one holds nothing and what it left is removed."""
    lock = path.with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as error:
        raise cannot_write(lock, error) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released by the kernel when this process ends, however it ends
        sweep(path)
        yield
