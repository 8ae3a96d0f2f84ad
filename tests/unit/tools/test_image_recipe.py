"""The recipe of tools/image: its parts name the same partitions, units and options; no image is built here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from watchkeeper.cli import _parser

ROOT = Path(__file__).resolve().parents[3]
IMAGING = ROOT / "tools" / "imaging"
PARTITIONS = re.findall(r"size=\S+, type=\w+, name=([\w-]+)", (IMAGING / "assemble.sh").read_text())


def _options(text: str, name: str) -> list[str]:
    found = re.search(rf'^{name}="?([^"\n]*)"?$', text, re.MULTILINE)
    assert found, text
    return found[1].split()


@pytest.mark.parametrize("script", ["tools/image", "tools/imaging/customize.sh", "tools/imaging/assemble.sh"])
def test_scripts_are_scripts(script: str) -> None:
    shell = "bash" if script == "tools/image" else "sh"
    done = subprocess.run([shell, "-n", ROOT / script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_boot_loader_and_table_of_file_systems_name_partitions_that_are_made() -> None:
    grub, fstab = (IMAGING / "grub.cfg").read_text(), (IMAGING / "fstab").read_text()
    number = re.search(r"gpt(\d)", grub)
    root = re.search(r"root=PARTLABEL=([\w-]+)", grub)
    assert number is not None
    assert root is not None
    assert PARTITIONS[int(number[1]) - 1] == root[1]
    assert PARTITIONS[0] == "esp"
    assert set(re.findall(r"PARTLABEL=([\w-]+)", fstab)) <= set(PARTITIONS)
    assert " ro " in grub
    assert "rootfstype=squashfs" in grub
    if shutil.which("grub-script-check"):
        assert subprocess.run(["grub-script-check", IMAGING / "grub.cfg"]).returncode == 0


def test_what_may_be_written_is_memory_or_the_data_partition() -> None:
    rows = [line.split() for line in (IMAGING / "fstab").read_text().splitlines() if not line.startswith("#")]
    kinds = {mount: kind for _, mount, kind, *_ in rows}
    assert kinds == {"/tmp": "tmpfs", "/var": "tmpfs", "/var/lib/watchkeeper": "ext4"}
    assert all({"nosuid", "nodev"} <= set(row[3].split(",")) for row in rows)
    service = (ROOT / "boards/common/system/watchkeeper.service").read_text()
    assert "StateDirectory=watchkeeper" in service


def test_service_and_console_are_started_with_options_there_are() -> None:
    customize = (IMAGING / "customize.sh").read_text()
    run = _parser().parse_args(["run", "--service", *_options(customize, "WATCHKEEPER_OPTIONS")])
    console = (IMAGING / "watchkeeper-console.service").read_text()
    command = _options(console, "ExecStart")
    assert command[0] == "/usr/bin/watchkeeper"
    watch = _parser().parse_args(command[1:])
    assert run.can == watch.can == "socketcan:vcan0"
    assert "Name=vcan0" in (IMAGING / "vcan0.netdev").read_text()
    for unit in re.findall(r"systemctl enable --quiet (.*)", customize)[0].split()[1:]:
        assert (IMAGING / unit).is_file()


def test_nobody_can_log_in() -> None:
    customize = (IMAGING / "customize.sh").read_text()
    assert "passwd --quiet --lock root" in customize
    assert "getty.target" in customize
    packages = (IMAGING / "packages.txt").read_text()
    assert not re.search(r"ssh|dropbear|telnet|login|sudo", packages)
