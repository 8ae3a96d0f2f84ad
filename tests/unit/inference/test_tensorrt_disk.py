"""A disk that is really full while an engine is kept: one error with the path, nothing half-written, a clean restart.

Two ways: a limit on the size of files, which every machine has, and a small file system of its own, where a mount
namespace can be made.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import fake_gpu
import pytest
from install import installed

from watchkeeper.inference.engine import open_engine
from watchkeeper.inference.manifest import load_manifest, model_file

pytestmark = pytest.mark.needs_models
MODEL = "face_detector"
_OPEN = """
import os, resource, sys
sys.path[:0] = [sys.argv[1]]
limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from install import installed
from watchkeeper.errors import BadInputError
from watchkeeper.inference.engine import open_engine
from watchkeeper.inference.manifest import load_manifest
with installed():
    try:
        open_engine("tensorrt", load_manifest("face_detector")).close()
    except BadInputError as error:
        sys.exit(f"told: {error}")
print("opened")
"""


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with everything but the engine: weights, ONNX, timings."""
    source = model_file(load_manifest(MODEL))
    cache = tmp_path / "cache"
    (cache / "models").mkdir(parents=True)
    shutil.copy(source, cache / "models")
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(cache))
    with installed():
        open_engine("tensorrt", load_manifest(MODEL)).close()
    for path in [*cache.rglob("*.engine"), *cache.rglob("*.lock")]:
        path.unlink()
    return cache


def _command(limit_bytes: int) -> list[str]:
    return [sys.executable, "-c", _OPEN, str(Path(fake_gpu.__file__).parent), str(limit_bytes)]


def _check_refused(cache: Path, said: str, problem: str) -> None:
    (told,) = [line for line in said.splitlines() if line.startswith("told: ")]
    assert told.startswith(f"told: {cache}/models/face_detector-")
    assert f".engine: cannot be written: {problem}; expected free space" in told
    assert "Traceback" not in said


def test_a_limit_on_the_size_of_files(prepared: Path) -> None:
    before = sorted(path.name for path in prepared.rglob("*"))
    done = subprocess.run(_command(100_000), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    _check_refused(prepared, done.stderr, "File too large")
    assert [n for n in sorted(p.name for p in prepared.rglob("*")) if not n.endswith(".lock")] == before
    done = subprocess.run(_command(0), capture_output=True, text=True, check=True)
    assert done.stdout == "opened\n"
    assert len(list(prepared.rglob("*.engine"))) == 1


def test_a_file_system_without_space(prepared: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    kilobytes = sum(-(-path.stat().st_size // 4096) * 4 for path in prepared.rglob("*")) + 64
    command = " ".join(f"'{part}'" for part in _command(0))
    script = f"""
        mount -t tmpfs -o size={kilobytes}k tmpfs {disk} || exit 77
        cp -r {prepared}/models {disk}/
        export WATCHKEEPER_CACHE={disk}
        {command}
        echo status $?
        ls -A {disk}/models
        mount -o remount,size=64m {disk} && {command}
    """
    if shutil.which("unshare") is None:
        pytest.skip("needs the command unshare")
    namespace = ["unshare", "--map-root-user", "--mount", "sh", "-c", script]
    done = subprocess.run(namespace, capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare failed" in done.stderr:
        pytest.skip(f"this machine lets nobody mount a file system of his own: {done.stderr.strip()[:120]}")
    _check_refused(disk, done.stderr, "No space left on device")
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1]) == ("status 1", "opened")
    assert not [name for name in lines if name.endswith(".engine") or name.startswith(".")]
