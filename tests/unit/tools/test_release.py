"""Packages that are the same bytes twice, and a release that nobody can change unseen. With a throw-away key."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NAME = "watchkeeper_0.1.0-1~bookworm_arm64"
USER = "throw-away@localhost.localdomain"


def _run(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def _needs(*programs: str) -> None:
    if missing := [name for name in programs if shutil.which(name) is None]:
        pytest.skip(f"needs {', '.join(missing)}")


def _tree(folder: Path, names: list[str], mode: int) -> Path:
    """A package's files, made in the order of `names`, as of now."""
    (folder / "DEBIAN").mkdir(parents=True)
    control = "Package: watchkeeper\nVersion: 1\nArchitecture: all\nMaintainer: X <x@localhost>\nDescription: x\n"
    (folder / "DEBIAN" / "control").write_text(control)
    for name in names:
        (folder / "usr" / name).mkdir(parents=True)
        (folder / "usr" / name / "file").write_text(name)
        (folder / "usr" / name / "file").chmod(0o644)
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(mode)
    return folder


def test_the_same_files_are_the_same_package(tmp_path: Path) -> None:
    """Whenever they were made and in whichever order."""
    _needs("dpkg-deb")
    pack = ROOT / "tools/packaging/pack.sh"
    made = []
    for number, names in enumerate((["a", "b", "c"], ["c", "a", "b"])):
        tree = _tree(tmp_path / str(number), names, 0o755)
        os.utime(tree / "usr" / "a" / "file", (time.time() - 10**6 * number, time.time() - 10**6 * number))
        done = _run("sh", pack, tree, tmp_path / f"{number}.deb", SOURCE_DATE_EPOCH="1700000000")
        assert done.returncode == 0, done.stderr
        made.append((tmp_path / f"{number}.deb").read_bytes())
    assert made[0] == made[1]
    other = _tree(tmp_path / "other", ["a", "b"], 0o755)
    assert _run("sh", pack, other, tmp_path / "o.deb", SOURCE_DATE_EPOCH="1700000000").returncode == 0
    assert (tmp_path / "o.deb").read_bytes() != made[0]
    assert _run("env", "-u", "SOURCE_DATE_EPOCH", "sh", pack, other, tmp_path / "n.deb").returncode != 0


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / f"{NAME}.deb"
    path.write_bytes(b"!<arch>\nnot looked into here")
    return path


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The public half of a key that nobody has but this test."""
    _needs("gpg", "gpgv")
    home = Path("/var/tmp") / f"wk-gpg-{os.getpid()}"  # its sockets' names must be short
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    try:
        done = _run("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", USER, "ed25519", "sign")
        assert done.returncode == 0, done.stderr
        public = tmp_path / "public.gpg"
        assert _run("gpg", "--batch", "--quiet", "--output", public, "--export", USER).returncode == 0
        yield public
    finally:
        _run("gpgconf", "--kill", "all")
        shutil.rmtree(home, ignore_errors=True)


def _release(*arguments: object) -> subprocess.CompletedProcess[str]:
    return _run(ROOT / "tools/release", *arguments)


def test_a_release_is_signed_and_a_change_is_seen(tmp_path: Path, package: Path, keyring: Path) -> None:
    out = tmp_path / "release"
    done = _release(out, "--gpg", USER, package)
    assert done.returncode == 0, done.stderr
    files = {f"{NAME}.deb", f"{NAME}.cdx.json", "SHA256SUMS"}
    assert {path.name for path in out.iterdir()} == files | {f"{name}.asc" for name in files}
    verify = ("--verify", out, "--gpg-keyring", keyring)
    assert _release(*verify).returncode == 0
    deb, sums = out / f"{NAME}.deb", out / "SHA256SUMS"
    whole, listed = deb.read_bytes(), sums.read_bytes()
    for change, told in (
        (lambda: deb.write_bytes(whole + b"x"), "changed files"),
        (lambda: sums.write_bytes(listed.replace(b"0", b"1", 1)), "SHA256SUMS: the signature is missing or wrong"),
        (lambda: (out / "more.deb").write_bytes(b"x"), "more.deb: not of this release"),
        (lambda: (out / f"{NAME}.deb.asc").unlink(), ".deb: the signature is missing or wrong"),
    ):
        change()
        done = _release(*verify)
        assert (done.returncode, told in done.stderr) == (1, True), done.stderr
        deb.write_bytes(whole)
        sums.write_bytes(listed)
        (out / "more.deb").unlink(missing_ok=True)
    done = _release(out, "--gpg", USER, package)
    assert (done.returncode, "a release is made once" in done.stderr) == (2, True)


def test_another_key_does_not_do(tmp_path: Path, package: Path, keyring: Path) -> None:
    assert _release(tmp_path / "release", "--gpg", USER, package).returncode == 0
    other = "other@localhost.localdomain"
    assert _run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", other, "ed25519", "sign").returncode == 0
    assert _run("gpg", "--batch", "--output", tmp_path / "other.gpg", "--export", other).returncode == 0
    done = _release("--verify", tmp_path / "release", "--gpg-keyring", tmp_path / "other.gpg")
    assert (done.returncode, "SHA256SUMS: the signature is missing or wrong" in done.stderr) == (1, True)


def test_without_a_key_there_is_no_release(tmp_path: Path, package: Path, keyring: Path) -> None:
    out = tmp_path / "release"
    nobody, none = (out, "--gpg", "nobody@localhost", package), (out, "--gpg", "", package)
    for arguments in ((out, package), nobody, none):
        done = _release(*arguments)
        assert done.returncode == 2, done.stderr
        assert not out.exists()
    assert not list(tmp_path.glob("release.part*"))


def test_what_is_no_package_of_ours_is_refused(tmp_path: Path, keyring: Path) -> None:
    (tmp_path / "other_1_arm64.deb").write_bytes(b"x")
    done = _release(tmp_path / "release", "--gpg", USER, tmp_path / "other_1_arm64.deb")
    assert (done.returncode, "expected a package made by tools/package" in done.stderr) == (2, True)
    assert not list(tmp_path.glob("release*"))
