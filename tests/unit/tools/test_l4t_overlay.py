"""The overlay for Linux for Tegra: the package's files and what its scripts would have done, nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / "tools" / "l4t_overlay.py"
BOARDS = ("jetson-orin-nano", "jetson-orin-nx", "jetson-agx-orin", "jetson-agx-thor")

pytestmark = [
    pytest.mark.needs_models,
    pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb"),
]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What tools/packaging/assemble.sh makes of an environment without libraries, as a package for jetpack6, arm64."""
    return _package(tmp_path_factory.mktemp("package"))


def _package(folder: Path, version: str = "0.1.0-1~jetpack6", arch: str = "arm64", more: str = "") -> Path:
    tree = folder / "tree"
    site = tree / "usr/lib/watchkeeper/lib/python3.10/site-packages/watchkeeper"
    shutil.copytree(ROOT / "boards", site / "_data" / "boards")
    (site / "__init__.py").write_text("")
    binary = tree / "usr/lib/watchkeeper/bin/watchkeeper"
    binary.parent.mkdir(parents=True)
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    subprocess.run(
        [ROOT / "tools/packaging/assemble.sh", tree, version, arch, "3.10", ""],
        check=True, cwd=_with_venv(folder), env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
    )  # fmt: skip
    if more:
        (tree / more).parent.mkdir(parents=True, exist_ok=True)
        (tree / more).write_text("x")
    out = folder / "watchkeeper.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, out], check=True, capture_output=True)
    return out


def _with_venv(folder: Path) -> Path:
    """A working folder as the script expects it: the checkout, with this very Python as its environment."""
    work = folder / "work"
    (work / ".venv/bin").mkdir(parents=True)
    (work / ".venv/bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (work / ".venv/bin/python").chmod(0o755)
    for name in ("boards", "tools", "README.md"):
        (work / name).symlink_to(ROOT / name)
    return work


def _run(*arguments: str | Path) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, TOOL, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def _unpacked(package: Path, folder: Path, board: str) -> Path:
    out = folder / "overlay.tar"
    status, _, err = _run(package, board, out)
    assert status == 0, err
    rootfs = folder / "rootfs"
    (rootfs / "usr/lib").mkdir(parents=True)
    (rootfs / "lib").symlink_to("usr/lib")
    subprocess.run(["tar", "-C", rootfs, "--keep-directory-symlink", "-xpf", out], check=True)
    return rootfs


@pytest.mark.parametrize("board", BOARDS[:3])
def test_the_packages_files_are_all_there_and_the_same(package: Path, tmp_path: Path, board: str) -> None:
    rootfs, plain = _unpacked(package, tmp_path, board), tmp_path / "plain"
    subprocess.run(["dpkg-deb", "-x", package, plain], check=True)
    names = sorted(str(path.relative_to(plain)) for path in plain.rglob("*"))
    assert len(names) > 60
    for name in names:
        ours, theirs = rootfs / name, plain / name
        assert (ours.is_symlink(), ours.is_dir()) == (theirs.is_symlink(), theirs.is_dir()), name
        if theirs.is_symlink():
            assert ours.readlink() == theirs.readlink()
        elif theirs.is_file():
            assert (ours.read_bytes(), ours.stat().st_mode) == (theirs.read_bytes(), theirs.stat().st_mode), name
    new = {str(p.relative_to(rootfs)) for p in rootfs.rglob("*") if not p.is_dir()} - set(names) - {"lib"}
    assert new == {
        "etc/modules-load.d/watchkeeper.conf",
        "etc/systemd/system/multi-user.target.wants/watchkeeper.service",
        "etc/systemd/system/multi-user.target.wants/watchkeeper-restart-camera.path",
        "etc/systemd/system/multi-user.target.wants/watchkeeper-restart-board.path",
        "etc/systemd/system/watchkeeper.service.d/50-accelerator.conf",
    }
    assert (rootfs / "lib").is_symlink(), "the release's own link stays"


def test_its_links_lead_to_files_of_the_same_root(package: Path, tmp_path: Path) -> None:
    rootfs = _unpacked(package, tmp_path, "jetson-orin-nano")
    links = [path for path in rootfs.rglob("etc/**/*") if path.is_symlink()]
    assert len(links) == 4
    for link in links:
        assert (rootfs / str(link.readlink()).lstrip("/")).is_file(), link
    drop_in = rootfs / "etc/systemd/system/watchkeeper.service.d/50-accelerator.conf"
    assert "nvmap" in (rootfs / str(drop_in.readlink()).lstrip("/")).read_text()
    assert (rootfs / "etc/modules-load.d/watchkeeper.conf").read_text() == "mttcan\n"
    assert (rootfs / "usr/bin/watchkeeper").resolve().is_file()


def test_systemd_enables_the_same_units(package: Path, tmp_path: Path) -> None:
    if shutil.which("systemctl") is None:
        pytest.skip("no systemctl here")
    rootfs = _unpacked(package, tmp_path, "jetson-orin-nano")
    for unit in ("watchkeeper.service", "watchkeeper-restart-camera.path", "watchkeeper-restart-board.path"):
        done = subprocess.run(["systemctl", f"--root={rootfs}", "is-enabled", unit], capture_output=True, text=True)
        assert done.stdout.strip() == "enabled", done.stderr


def test_owners_rights_and_times_are_fixed(package: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one.tar", tmp_path / "other.tar"
    assert _run(package, "jetson-orin-nano", one)[0] == _run(package, "jetson-orin-nano", other)[0] == 0
    assert one.read_bytes() == other.read_bytes()
    with tarfile.open(one) as tar:
        members = tar.getmembers()
    assert {(m.uid, m.gid) for m in members} == {(0, 0)}
    assert [m.name for m in members] == sorted(m.name for m in members)
    assert all(m.mode & 0o6022 == 0 for m in members if not m.issym())


@pytest.mark.parametrize("board", BOARDS[:3])
def test_the_recipe_says_how(package: Path, tmp_path: Path, board: str) -> None:
    status, said, _ = _run(package, board, tmp_path / "o.tar")
    assert status == 0
    assert f"sudo tar -C rootfs --keep-directory-symlink -xpf {tmp_path / 'o.tar'}" in said
    assert ("devkit internal" in said, said.startswith("# In Linux_for_Tegra")) == (True, True)
    assert subprocess.run(["bash", "-n"], input=said, text=True).returncode == 0


def test_what_does_not_fit_is_named_and_nothing_is_written(package: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.tar"
    for arguments, told in (
        ((package, "raspberry-pi-5", out), "BOARD raspberry-pi-5: expected one of jetson-orin-nano"),
        ((package, "jetson-agx-thor", out), "is for jetpack6; jetson-agx-thor expects jetpack7"),
        ((ROOT / "README.md", "jetson-orin-nano", out), "README.md: expected a Debian package"),
        ((_package(tmp_path / "pc", arch="amd64"), "jetson-orin-nano", out), "expected watchkeeper for arm64"),
        ((_package(tmp_path / "x", more="opt/x"), "jetson-orin-nano", out), "opt: expected files below etc/"),
        ((_package(tmp_path / "l", more="lib/x"), "jetson-orin-nano", out), "lib: expected files below etc/"),
    ):
        status, said, err = _run(*arguments)
        assert (status, said, told in err) == (2, "", True), err
        assert len(err.splitlines()) == 1
        assert not out.exists()


def test_boards_of_the_tool_are_the_jetsons() -> None:
    from watchkeeper.board import board_names

    assert set(BOARDS) == {name for name in board_names() if name.startswith("jetson-")}
