"""The kernel of tools/vm: Debian's, fetched once and unpacked. Standard library only.

Sources: Linux Documentation/arch/x86/boot.rst (payload_offset of a bzImage), depmod(8).
"""

from __future__ import annotations

import fcntl
import lzma
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path


class VmError(Exception):
    """Something that the guest needs cannot be had; the text says what."""


def prepare_kernel(cache: Path, package: str | None) -> Path:
    """Folder with `vmlinux` and `root/lib/modules/VERSION`, fetched once. Raises VmError."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs at once fetch once
        if package is None:
            ready = sorted(path.parent for path in cache.glob("*/ready"))
            if ready:
                return ready[-1]
            package = _default_package()
        folder = cache / package
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _fetch(folder, package)
            (folder / "ready").touch()
        return folder


def _default_package() -> str:
    """The unsigned twin of what the meta package depends on: same kernel, and no signature is checked here."""
    for _ in range(2):
        found = subprocess.run(
            ["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True, check=False
        )
        match = re.search(r"Depends: (linux-image-[\w.+-]+)", found.stdout)
        if match:
            return match[1] + "-unsigned"
        subprocess.run(["apt-get", "update", "-qq"], check=False, stdout=subprocess.DEVNULL)
    raise VmError("no package linux-image-amd64 is known here; name a Debian kernel package with --kernel")


def _fetch(folder: Path, package: str) -> None:
    root = folder / "root"
    root.mkdir(parents=True)
    print(f"vm: fetching {package}, once", file=sys.stderr)
    got = subprocess.run(
        ["apt-get", "-q", "download", package], cwd=folder, capture_output=True, text=True, check=False
    )
    packages = list(folder.glob("*.deb"))
    if got.returncode or not packages:
        raise VmError(f"{package} could not be fetched: {got.stderr.strip().splitlines()[-1:] or 'no file'}")
    subprocess.run(["dpkg-deb", "-x", packages[0], root], check=True)
    packages[0].unlink()
    if not (root / "lib").exists():
        (root / "lib").symlink_to("usr/lib")
    release = version(folder)
    subprocess.run(["depmod", "-b", root, release], check=True, env={**os.environ, "PATH": search_path()})
    (folder / "vmlinux").write_bytes(_elf_of((root / "boot" / f"vmlinuz-{release}").read_bytes()))


def version(folder: Path) -> str:
    """The kernel's release, such as 6.1.0-50-amd64."""
    return next(iter((folder / "root" / "lib" / "modules").iterdir())).name


def _elf_of(image: bytes) -> bytes:
    """The kernel inside a bzImage. QEMU starts it directly, which spares unpacking it under emulation."""
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    packed = image[start : start + length]
    if packed.startswith(b"\xfd7zXZ"):
        elf = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(packed)
    elif packed.startswith(b"\x1f\x8b"):
        elf = zlib.decompressobj(31).decompress(packed)
    elif packed.startswith(b"\x28\xb5\x2f\xfd"):
        elf = subprocess.run(["zstd", "-dcq"], input=packed[:-4], capture_output=True, check=True).stdout
    else:
        raise VmError(f"the kernel is packed in an unknown way ({packed[:4].hex()})")
    if not elf.startswith(b"\x7fELF"):
        raise VmError("the kernel image holds no ELF file")
    return elf


def search_path() -> str:
    """PATH with the folders of system programs."""
    return ":".join(dict.fromkeys([*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/sbin", "/usr/bin", "/bin"]))
