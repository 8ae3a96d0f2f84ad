"""Boots an image and believes only what its serial console says; see tools/image_check. Standard library only."""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

FIRMWARE = Path("/usr/share/OVMF")
STATUS = re.compile(r"SystemState=(\w+) Cause=(\w+)")
WANTED = ("Unavailable", "CameraLost")
"""A machine without a camera."""
_SECTOR = 512


class Machine:
    """One boot of the image, writing to `disk`. said: what came on the serial console, in order of arrival."""

    def __init__(self, disk: Path, variables: Path) -> None:
        self.began_s = time.monotonic()
        self.said: list[tuple[float, str]] = []
        self._process = subprocess.Popen(
            [
                "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "1024",
                "-smp", "2", "-nodefaults", "-display", "none", "-nic", "none", "-no-reboot", "-serial", "stdio",
                "-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE / 'OVMF_CODE_4M.fd'}",
                "-drive", f"if=pflash,format=raw,file={variables}",
                "-drive", f"if=virtio,format=raw,cache=writethrough,file={disk}",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append((time.monotonic() - self.began_s, line.decode(errors="replace").rstrip()))

    def states(self) -> list[tuple[float, str, str]]:
        """(seconds since power-on, state, cause) at each change, as the console's `can watch` shows DMS_Status."""
        rows: list[tuple[float, str, str]] = []
        for at_s, line in list(self.said):
            if (found := STATUS.search(line)) and (not rows or rows[-1][1:] != found.groups()):
                rows.append((round(at_s, 1), found[1], found[2]))
        return rows

    def wait(self, seconds: float) -> bool:
        """Until the bus says what is wanted; False when it did not in time or the machine has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.poll() is None:
            if any(row[1:] == WANTED for row in self.states()):
                return True
            time.sleep(0.2)
        return False

    def cut(self) -> None:
        """The power goes."""
        self._process.kill()
        self._process.wait()
        self._reader.join()


def data_is_whole(disk: Path, work: Path) -> str:
    """What e2fsck says of the data partition once its journal was replayed, empty when nothing is wrong."""
    table = json.loads(subprocess.run(["sfdisk", "--json", disk], capture_output=True, check=True).stdout)
    (part,) = (p for p in table["partitiontable"]["partitions"] if p["name"] == "data")
    copy = work / "data"
    with disk.open("rb") as source, copy.open("wb") as out:
        source.seek(part["start"] * _SECTOR)
        out.write(source.read(part["size"] * _SECTOR))
    subprocess.run(["e2fsck", "-fp", copy], capture_output=True)  # the journal, as the boot does
    done = subprocess.run(["e2fsck", "-fn", copy], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout.strip()


def main() -> int:
    """0 when it came up every time; 1 with what the console said last; 2 for what is missing here."""
    parser = argparse.ArgumentParser(prog="tools/image_check", description="Boot an image, read its console.")
    parser.add_argument("image", type=Path)
    parser.add_argument("--cuts", type=int, default=0, metavar="N", help="hard power cuts before the last boot")
    parser.add_argument("--timeout", type=float, default=400.0, metavar="S", help="of a boot (default: 400)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the moments of the cuts")
    args = parser.parse_args()
    missing = [name for name in ("qemu-system-x86_64", "sfdisk", "e2fsck") if shutil.which(name) is None]
    if missing or not FIRMWARE.is_dir() or not args.image.is_file():
        print(f"tools/image_check: expected {args.image}, {FIRMWARE} (ovmf), {missing or 'tools'}", file=sys.stderr)
        return 2
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory(dir=args.image.parent) as name:
        work = Path(name)
        disk, variables = work / "disk", work / "vars"
        subprocess.run(["cp", "--sparse=always", args.image, disk], check=True)
        shutil.copy(FIRMWARE / "OVMF_VARS_4M.fd", variables)
        first = _boot(disk, variables, args.timeout, "first boot")
        if first is None:
            return 1
        for number in range(args.cuts):
            machine = Machine(disk, variables)
            time.sleep(rng.uniform(0.3, 1.3) * first)
            machine.cut()
            if problem := data_is_whole(disk, work):
                print(f"cut {number + 1}: data partition: {problem}")
                return 1
        if args.cuts and _boot(disk, variables, args.timeout, f"boot after {args.cuts} power cuts") is None:
            return 1
    return 0


def _boot(disk: Path, variables: Path, timeout_s: float, what: str) -> float | None:
    """Seconds to what is wanted, None when it did not come."""
    machine = Machine(disk, variables)
    came = machine.wait(timeout_s)
    machine.cut()
    states = machine.states()
    print(f"{what}: {states}")
    if not came:
        print("\n".join(line for _, line in machine.said[-60:]))
        return None
    return states[-1][0]


if __name__ == "__main__":
    sys.exit(main())
