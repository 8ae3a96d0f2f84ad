"""Writes an image onto a memory card and reads it back; see tools/flash. Standard library only.

Exit status: 0 written and read back the same, 1 read back different, 2 refused or bad use, 130 interrupted.
Sources: Linux Documentation/ABI/stable/sysfs-block (removable, partition, holders, size), proc_pid_mountinfo(5),
proc_swaps(5), open(2) (O_EXCL on a block device: EBUSY when it is in use).
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import gzip
import hashlib
import lzma
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHUNK_BYTES = 4 << 20
SECTOR_BYTES = 512  # of sysfs' size, whatever the disk's own
BLKFLSBUF = 0x1261  # <linux/fs.h>: forget what is cached of this device
Progress = Callable[[str, int, int | None], None]


class RefusedError(Exception):
    """Why this is not written to; nothing has been."""


@dataclass(frozen=True)
class Machine:
    """Where the kernel tells of disks; other roots in tests."""

    sys_root: Path = Path("/sys")
    proc_root: Path = Path("/proc")

    def check(self, name: str, wanted_bytes: int | None) -> str:
        """What the disk `name` (such as sdb) is, in words. Raises RefusedError."""
        disk = self.sys_root / "class/block" / name
        if not disk.exists():
            raise RefusedError(f"{name}: no such disk")
        if (disk / "partition").exists():
            raise RefusedError(f"{name}: is a partition; expected the whole disk")
        if _text(disk / "removable") != "1" and not self._is_card(disk):
            raise RefusedError(f"{name}: is not removable; expected a memory card or a USB stick")
        if _text(disk / "ro") == "1":
            raise RefusedError(f"{name}: is write-protected; move the slide on the card")
        parts = [disk, *sorted(p for p in disk.iterdir() if (p / "partition").exists())]
        for part in parts:
            for where in self._mounted(_text(part / "dev")):
                raise RefusedError(f"{part.name}: is mounted at {where}; `umount {where}` first")
            if any((part / "holders").glob("*")):
                raise RefusedError(f"{part.name}: is in use by {next((part / 'holders').glob('*')).name}")
            if f"/dev/{part.name} " in _text(self.proc_root / "swaps") + "\n":
                raise RefusedError(f"{part.name}: is used as swap; `swapoff /dev/{part.name}` first")
        size = int(_text(disk / "size") or 0) * SECTOR_BYTES
        if wanted_bytes is not None and wanted_bytes > size:
            raise RefusedError(f"{name}: has {size} bytes, the image {wanted_bytes}; expected a larger card")
        words = [_text(disk / "device/vendor"), _text(disk / "device/model") or _text(disk / "device/name")]
        return f"{' '.join(word for word in words if word) or 'disk'}, {size / 1e9:.1f} GB"

    def _is_card(self, disk: Path) -> bool:
        """A card reader on the SD bus says removable 0; so do many USB ones. An eMMC is soldered on."""
        kind = _text(disk / "device/type")
        return kind == "SD" or "/usb" in str(disk.resolve())

    def _mounted(self, numbers: str) -> Iterator[str]:
        for line in _text(self.proc_root / "self/mountinfo").splitlines():
            fields = line.split(" ")
            if len(fields) > 4 and numbers and fields[2] == numbers:
                yield fields[4].replace("\\040", " ")


def open_image(path: Path) -> tuple[IO[bytes], int | None]:
    """The image, decompressed by its name (.xz, .gz), and its length where that is known. Raises RefusedError."""
    try:
        if path.suffix == ".xz":
            return lzma.open(path), None
        if path.suffix == ".gz":
            return gzip.open(path), None
        return path.open("rb"), path.stat().st_size
    except OSError as error:
        raise RefusedError(f"{path}: {error.strerror}") from None


def write(image: IO[bytes], target_fd: int, total: int | None, progress: Progress) -> tuple[str, int]:
    """Copy all of it; (sha256, bytes) once the device has it. Raises RefusedError: a damaged image, a full card."""
    digest, done = hashlib.sha256(), 0
    try:
        while chunk := image.read(CHUNK_BYTES):
            view = memoryview(chunk)
            while view:
                view = view[os.write(target_fd, view) :]
            digest.update(chunk)
            done += len(chunk)
            progress("writing", done, total)
        os.fsync(target_fd)
    except (lzma.LZMAError, EOFError, gzip.BadGzipFile) as error:
        raise RefusedError(f"the image is damaged: {error}; the card now holds a part of it") from None
    except OSError as error:
        raise RefusedError(f"writing failed after {done} bytes: {error.strerror}; the card is not usable") from None
    return digest.hexdigest(), done


def read_back(target_fd: int, length: int, progress: Progress) -> str:
    """sha256 of what the device holds, not of what the kernel remembers of it."""
    with contextlib.suppress(OSError):  # a regular file has no such call
        fcntl.ioctl(target_fd, BLKFLSBUF)
    os.posix_fadvise(target_fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.lseek(target_fd, 0, os.SEEK_SET)
    digest, done = hashlib.sha256(), 0
    while done < length:
        chunk = os.read(target_fd, min(CHUNK_BYTES, length - done))
        if not chunk:
            break
        digest.update(chunk)
        done += len(chunk)
        progress("reading back", done, length)
    return digest.hexdigest()


def flash(image: Path, device: Path, machine: Machine, *, confirm: Callable[[str], bool], progress: Progress) -> bool:
    """Whether the card reads back as the image. device: a disk, or a regular file for trying. Raises RefusedError."""
    source, length = open_image(image)
    with source:
        is_file = device.exists() and stat.S_ISREG(device.stat().st_mode)
        what = "a file" if is_file else machine.check(device.name, length)
        if not confirm(f"{device}: {what}. Everything on it will be lost."):
            raise RefusedError("not confirmed")
        try:
            fd = os.open(device, os.O_RDWR | os.O_CLOEXEC | (0 if is_file else os.O_EXCL))
        except OSError as error:
            raise RefusedError(f"{device}: cannot be opened: {error.strerror}") from None
        try:
            wanted, count = write(source, fd, length, progress)
            return read_back(fd, count, progress) == wanted
        finally:
            os.close(fd)


class Bar:
    """One line that grows on a terminal; elsewhere a line every ten per cent (or GB, where the length is not known)."""

    def __init__(self, out: IO[str] = sys.stderr) -> None:
        self._out, self._terminal = out, out.isatty()
        self._shown = ("", -1)
        self._began_s = time.monotonic()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        step = done * 10 // total if total else done // 10**9
        share = f"{100 * done // total:3d} %" if total else f"{done / 1e6:.0f} MB"
        if self._terminal:
            speed = done / 1e6 / max(time.monotonic() - self._began_s, 1e-3)
            self._out.write(f"\r{what:12} {share}  {speed:.0f} MB/s\x1b[K" + ("\n" if done == total else ""))
        elif (what, step) != self._shown:
            self._out.write(f"{what} {share}\n")
        self._out.flush()
        self._shown = (what, step)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _ask(text: str) -> bool:
    print(text, file=sys.stderr)
    return input("Type yes to go on: ").strip() == "yes"


def main() -> int:
    """See the module's text."""
    parser = argparse.ArgumentParser(prog="tools/flash", description="Write an image onto a card and read it back.")
    parser.add_argument("image", type=Path, help="IMAGE.img, .img.xz or .img.gz")
    parser.add_argument("device", type=Path, help="the whole card, such as /dev/sdb")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    args = parser.parse_args()
    try:
        same = flash(args.image, args.device, Machine(), confirm=(lambda _: True) if args.yes else _ask, progress=Bar())
    except RefusedError as error:
        print(f"tools/flash: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, EOFError):
        print("tools/flash: interrupted; the card is not usable", file=sys.stderr)
        return 130
    print(f"{args.device}: " + ("written and read back the same" if same else "READS BACK DIFFERENT: replace the card"))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
