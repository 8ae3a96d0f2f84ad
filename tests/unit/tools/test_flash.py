"""tools/flash: what it refuses, by a tree like sysfs; what it writes, on regular files."""

from __future__ import annotations

import gzip
import importlib.util
import io
import lzma
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
IMAGE = bytes(range(256)) * 40_000  # 10 MB, more than two chunks


@pytest.fixture(scope="module")
def tool() -> Any:
    spec = importlib.util.spec_from_file_location("flash", ROOT / "tools/flash.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["flash"] = module
    spec.loader.exec_module(module)
    return module


CARD = {
    "removable": "1", "ro": "0", "size": "62333952", "dev": "8:16",
    "device/vendor": "Generic", "device/model": "SD Reader",
    "sdb1/partition": "1", "sdb1/dev": "8:17", "sdb2/partition": "2", "sdb2/dev": "8:18",
}  # fmt: skip
MOUNTS = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"


def _machine(tool: Any, root: Path, files: dict[str, str], mounts: str = MOUNTS, swaps: str = "Filename Type\n") -> Any:
    for name, content in files.items():
        path = root / "sys/class/block/sdb" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mountinfo").write_text(mounts)
    (root / "proc/swaps").write_text(swaps)
    return tool.Machine(root / "sys", root / "proc")


def test_a_card_is_taken_and_named(tool: Any, tmp_path: Path) -> None:
    assert _machine(tool, tmp_path, CARD).check("sdb", len(IMAGE)) == "Generic SD Reader, 31.9 GB"


@pytest.mark.parametrize(
    ("change", "mounts", "swaps", "message"),
    [
        ({"removable": "0"}, MOUNTS, "", "sdb: is not removable; expected a memory card"),
        ({"removable": "0", "device/type": "MMC"}, MOUNTS, "", "sdb: is not removable"),  # an eMMC
        ({"ro": "1"}, MOUNTS, "", "sdb: is write-protected"),
        ({"size": "100"}, MOUNTS, "", "sdb: has 51200 bytes, the image 10240000"),
        ({"partition": "1"}, MOUNTS, "", "sdb: is a partition; expected the whole disk"),
        ({}, MOUNTS + "23 1 8:17 / /media/a\\040card rw - vfat x rw\n", "", "sdb1: is mounted at .media.a card"),
        ({}, MOUNTS + "23 1 8:16 / /mnt rw - ext4 /dev/sdb rw\n", "", "sdb: is mounted at /mnt; `umount /mnt` first"),
        ({"sdb2/holders/dm-0": ""}, MOUNTS, "", "sdb2: is in use by dm-0"),
        ({}, MOUNTS, "/dev/sdb2 partition 100\n", "sdb2: is used as swap"),
    ],
)  # fmt: skip
def test_what_is_refused(
    tool: Any, tmp_path: Path, change: dict[str, str], mounts: str, swaps: str, message: str
) -> None:
    machine = _machine(tool, tmp_path, {**CARD, **change}, mounts, swaps)
    with pytest.raises(tool.RefusedError, match=message.replace("`", ".").replace("(", ".")):
        machine.check("sdb", len(IMAGE))


def test_a_card_on_the_sd_bus_is_one_whatever_it_says(tool: Any, tmp_path: Path) -> None:
    machine = _machine(tool, tmp_path, {**CARD, "removable": "0", "device/type": "SD"})
    assert "31.9 GB" in machine.check("sdb", None)


def test_no_such_disk(tool: Any, tmp_path: Path) -> None:
    with pytest.raises(tool.RefusedError, match="sdz: no such disk"):
        _machine(tool, tmp_path, CARD).check("sdz", None)


@pytest.mark.parametrize("suffix", ["", ".xz", ".gz"])
def test_a_file_is_written_and_read_back(tool: Any, tmp_path: Path, suffix: str) -> None:
    packed = {"": IMAGE, ".xz": lzma.compress(IMAGE, preset=0), ".gz": gzip.compress(IMAGE)}[suffix]
    image, target = tmp_path / f"a.img{suffix}", tmp_path / "card"
    image.write_bytes(packed)
    target.write_bytes(b"old" * 5_000_000)
    steps: list[tuple[str, int]] = []
    assert tool.flash(image, target, tool.Machine(), confirm=lambda _: True,
                      progress=lambda what, done, total: steps.append((what, done)))  # fmt: skip
    assert target.read_bytes()[: len(IMAGE)] == IMAGE
    assert [done for what, done in steps if what == "writing"][-1] == len(IMAGE)
    assert steps[-1] == ("reading back", len(IMAGE))


def test_a_card_that_forgets_is_noticed(tool: Any, tmp_path: Path) -> None:
    image, target = tmp_path / "a.img", tmp_path / "card"
    image.write_bytes(IMAGE)
    target.write_bytes(b"")

    def spoil(what: str, done: int, total: int | None) -> None:
        if what == "writing" and done == len(IMAGE):
            with target.open("r+b") as file:
                file.seek(5_000_000)
                file.write(b"\xff\x00\xff")

    assert not tool.flash(image, target, tool.Machine(), confirm=lambda _: True, progress=spoil)


def test_nothing_is_touched_unless_confirmed(tool: Any, tmp_path: Path) -> None:
    image, target = tmp_path / "a.img", tmp_path / "card"
    image.write_bytes(IMAGE)
    target.write_bytes(b"precious")
    with pytest.raises(tool.RefusedError, match="not confirmed"):
        tool.flash(image, target, tool.Machine(), confirm=lambda _: False, progress=lambda *_: None)
    assert target.read_bytes() == b"precious"


def test_a_cut_image_and_a_missing_one_are_told(tool: Any, tmp_path: Path) -> None:
    image, target = tmp_path / "a.img.xz", tmp_path / "card"
    image.write_bytes(lzma.compress(os.urandom(100_000), preset=0)[:-50_000])
    target.write_bytes(b"")
    with pytest.raises(tool.RefusedError, match="the image is damaged"):
        tool.flash(image, target, tool.Machine(), confirm=lambda _: True, progress=lambda *_: None)
    with pytest.raises(tool.RefusedError, match="No such file"):
        tool.flash(tmp_path / "none.img", target, tool.Machine(), confirm=lambda _: True, progress=lambda *_: None)


def test_progress_away_from_a_terminal_is_a_line_each_tenth(tool: Any) -> None:
    out = io.StringIO()
    bar = tool.Bar(out)
    for done in range(0, 101, 5):
        bar("writing", done, 100)
    assert out.getvalue().splitlines() == [f"writing {share:3d} %" for share in range(0, 101, 10)]


def test_the_command_refuses_this_machines_own_disk(tmp_path: Path) -> None:
    image = tmp_path / "a.img"
    image.write_bytes(b"x" * 512)
    disks = [p.name for p in Path("/sys/class/block").glob("*") if (p / "removable").exists()]
    fixed = [name for name in disks if (Path("/sys/class/block") / name / "removable").read_text().strip() == "0"]
    if not fixed:
        pytest.skip("this machine shows no disk in sysfs")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/flash.py"), str(image), f"/dev/{fixed[0]}", "--yes"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert "tools/flash: " in done.stderr
