"""Package + board -> a tar to unpack over Linux_for_Tegra/rootfs before flashing; see tools/l4t_overlay.

What the package's own scripts do on a running system is done here as files: the units are enabled by links, the board's
drop-in is linked, users and folders come from sysusers.d and tmpfiles.d at boot. The file list is the package's.
"""

from __future__ import annotations

import argparse
import configparser
import io
import posixpath
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

from watchkeeper.board import Board, load_board
from watchkeeper.errors import BadInputError, WatchkeeperError
from watchkeeper.files import write_atomically

ENABLED = ("watchkeeper.service", "watchkeeper-restart-camera.path", "watchkeeper-restart-board.path")
"""What packaging/postinst enables."""
UNITS = "usr/lib/systemd/system"
WANTS = "etc/systemd/system"
DROP_IN = "etc/systemd/system/watchkeeper.service.d/50-accelerator.conf"
PLACES = ("etc/", "usr/bin/", "usr/lib/", "usr/share/")
"""Nothing outside: a folder `lib` or `bin` would take the place of L4T's link of that name."""

_NVME = (
    "./tools/kernel_flash/l4t_initrd_flash.sh --external-device nvme0n1p1 "
    '-c tools/kernel_flash/flash_l4t_t234_nvme.xml -p "-c bootloader/generic/cfg/flash_t234_qspi.xml" '
    "--showlogs --network usb0 jetson-orin-nano-devkit internal"
)
FLASH = {
    "jetson-orin-nano": _NVME,
    "jetson-orin-nx": _NVME,  # the same developer kit's carrier; the module says which it is
    "jetson-agx-orin": "./flash.sh jetson-agx-orin-devkit internal",
    "jetson-agx-thor": "./l4t_initrd_flash.sh jetson-agx-thor-devkit internal",
}
"""Board -> command in Linux_for_Tegra, after NVIDIA's developer guides for Jetson Linux 36.4 and 38.4 (quick start)."""


def main() -> int:
    """Write the overlay, print the recipe. 2 and one line for what does not fit."""
    parser = argparse.ArgumentParser(prog="tools/l4t_overlay", description="Root-file-system overlay for L4T.")
    parser.add_argument("package", metavar="PACKAGE.deb", type=Path)
    parser.add_argument("board", metavar="BOARD", help=f"one of {', '.join(FLASH)}")
    parser.add_argument("out", metavar="OUT.tar", type=Path)
    args = parser.parse_args()
    try:
        if args.board not in FLASH:
            raise BadInputError(f"BOARD {args.board}: expected one of {', '.join(FLASH)}")
        board = load_board(args.board)
        check_fit(args.package, board)
        write_atomically(args.out, overlay(args.package, board))
    except WatchkeeperError as error:
        print(f"tools/l4t_overlay: {error}", file=sys.stderr)
        return error.exit_status
    print(recipe(args.out, args.board))
    return 0


def _dpkg_deb(*arguments: str | Path, package: Path) -> bytes:
    done = subprocess.run(["dpkg-deb", *arguments], capture_output=True, check=False)
    if done.returncode:
        raise BadInputError.at(package, f"expected a Debian package: {done.stderr.decode().strip().splitlines()[-1:]}")
    return done.stdout


def check_fit(package: Path, board: Board) -> None:
    """Raises BadInputError unless the package is ours, for arm64, and for a JetPack that the board file names."""
    fields = ("Package", "Architecture", "Version")
    text = _dpkg_deb("-f", package, *fields, package=package).decode()
    found = dict(line.split(": ", 1) for line in text.splitlines())
    if (found.get("Package"), found.get("Architecture")) != ("watchkeeper", "arm64"):
        raise BadInputError.at(package, f"expected watchkeeper for arm64, got {found}")
    target = found["Version"].partition("~")[2]
    if target not in board.hardware.distributions:
        wanted = " or ".join(board.hardware.distributions)
        raise BadInputError.at(package, f"is for {target or 'no target'}; {board.name} expects {wanted}")


def overlay(package: Path, board: Board) -> bytes:
    """The tar: the same bytes for the same package and board. Raises BadInputError for a package with files where
    none may be, or without one that is to be linked."""
    made = io.BytesIO()
    data = io.BytesIO(_dpkg_deb("--fsys-tarfile", package, package=package))
    with tarfile.open(fileobj=data) as source, tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as out:
        members = {member.name.removeprefix("./").rstrip("/"): member for member in source.getmembers()}
        members.pop("", None)
        members.pop(".", None)
        _check(package, members.values())
        newest = max(int(member.mtime) for member in members.values())
        units = {
            unit: source.extractfile(members[f"{UNITS}/{unit}"]) for unit in ENABLED if f"{UNITS}/{unit}" in members
        }
        links = {}
        for unit in ENABLED:
            content = units.get(unit)
            if content is None:
                raise BadInputError.at(package, f"expected {UNITS}/{unit}")
            for target in _wanted_by(content.read().decode()):
                links[f"{WANTS}/{target}.wants/{unit}"] = f"/{UNITS}/{unit}"
        drop_in = f"usr/lib/watchkeeper/share/boards/{board.name}/system/50-accelerator.conf"
        links[DROP_IN] = f"/{drop_in}"
        _resolve(package, members, drop_in)
        extra = {"etc/modules-load.d/watchkeeper.conf": f"{board.hardware.can_driver}\n"}
        entries: dict[str, tuple[tarfile.TarInfo, bytes | None]] = {}
        for name, member in members.items():
            file = source.extractfile(member) if member.isfile() else None
            entries[name] = (member, None if file is None else file.read())
        for name, to in links.items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname, link.mode = tarfile.SYMTYPE, to, 0o777
            entries[name] = (link, None)
        for name, text in extra.items():
            entries[name] = (tarfile.TarInfo(name), text.encode())
        for name in sorted({*entries, *_folders(entries)}):
            info, content_bytes = entries.get(name, (_folder(name), None))
            info.name, info.uid, info.gid, info.uname, info.gname, info.pax_headers = name, 0, 0, "root", "root", {}
            info.mtime = min(int(info.mtime) or newest, newest)
            if content_bytes is not None:
                info.size = len(content_bytes)
            out.addfile(info, None if content_bytes is None else io.BytesIO(content_bytes))
    return made.getvalue()


def _check(package: Path, members: Iterable[tarfile.TarInfo]) -> None:
    for member in members:
        name = member.name.removeprefix("./")
        whole = f"{name.rstrip('/')}/" if member.isdir() else name
        fits = whole.startswith(PLACES) or (member.isdir() and any(place.startswith(whole) for place in PLACES))
        if not fits or ".." in name.split("/"):
            raise BadInputError.at(package, f"{name}: expected files below {', '.join(PLACES)} only")
        if member.mode & 0o6000 or not (member.isfile() or member.isdir() or member.issym()):
            raise BadInputError.at(package, f"{name}: expected plain files, folders and links without special rights")


def _wanted_by(unit: str) -> list[str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.read_string(unit)
    return parser["Install"]["WantedBy"].split()


def _resolve(package: Path, members: dict[str, tarfile.TarInfo], name: str) -> None:
    """Raises BadInputError when `name`, through the package's own links, is not in it."""
    parts, at = name.split("/"), ""
    for part in parts:
        at = posixpath.join(at, part)
        member = members.get(at)
        if member is not None and member.issym():
            at = posixpath.normpath(posixpath.join(posixpath.dirname(at), member.linkname))
    if at not in members:
        raise BadInputError.at(package, f"expected {name}")


def _folders(names: Iterable[str]) -> set[str]:
    found = set()
    for name in names:
        while name := posixpath.dirname(name):
            found.add(name)
    return found


def _folder(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return info


def recipe(out: Path, board: str) -> str:
    """What to do with it, as a shell reads it."""
    return (
        f"# In Linux_for_Tegra of the Jetson Linux release, rootfs unpacked, sudo ./apply_binaries.sh done:\n"
        f"sudo tar -C rootfs --keep-directory-symlink -xpf {out.absolute()}\n"
        f"sudo ./tools/l4t_create_default_user.sh -u USER -p PASSWORD -a -n watchkeeper --accept-license\n"
        f"# The board in recovery mode on USB (lsusb shows 0955:):\n"
        f"sudo {FLASH[board]}"
    )


if __name__ == "__main__":
    sys.exit(main())
