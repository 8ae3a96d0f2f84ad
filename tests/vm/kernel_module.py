"""Modules for the virtual machine's kernel, built outside of it: the compiler is slow under emulation.

kernel_module.py busoff FOLDER        busoff.c of this folder
kernel_module.py v4l2loopback FOLDER  Debian's v4l2loopback-dkms: a camera whose pictures a program writes

Fetches the kernel's headers with apt-get, once, and prints where the module is below FOLDER. Only files are made;
nothing is installed. Needs make and the compiler.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

_LOOPBACK = "v4l2loopback"


def kernel_release() -> str:
    """The guest kernel's, from where tools/vm keeps it: `6.1.0-50-amd64`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "watchkeeper" / "vm"
    return next(iter(cache.glob("*/root/lib/modules/*"))).name


def build(name: str, folder: Path) -> Path:
    """The module. Raises CalledProcessError where headers or sources cannot be had or the compiler fails."""
    own = Path(__file__).with_name(f"{name}.c")
    mark = hashlib.sha256(own.read_bytes()).hexdigest()[:12] if own.exists() else "debian"
    folder = folder / kernel_release()
    folder.mkdir(exist_ok=True)
    made = folder / f"{name}-{mark}.ko"
    if made.exists():
        return made
    headers = _headers(folder)
    place = folder / name
    place.mkdir(exist_ok=True)
    for source in _sources(name, folder):
        shutil.copy(source, place)
    (place / "Kbuild").write_text(f"obj-m := {name}.o\n")
    subprocess.run(["make", "-s", "-C", headers, f"M={place.resolve()}", "modules"], check=True, capture_output=True)
    shutil.copy(place / f"{name}.ko", made)
    return made


def _sources(name: str, folder: Path) -> list[Path]:
    if name != _LOOPBACK:
        return [Path(__file__).with_name(f"{name}.c")]
    root = folder / "dkms"
    _fetch(folder, f"{name}-dkms", root)
    return [path for path in root.glob(f"usr/src/{name}-*/*") if path.suffix in (".c", ".h")]


def _headers(folder: Path) -> Path:
    release = kernel_release()
    series, flavour = release.rsplit("-", 1)
    root = folder / "headers"
    if not root.exists():
        for package in (f"linux-headers-{release}", f"linux-headers-{series}-common", f"linux-kbuild-{series[:3]}"):
            _fetch(folder, package, root)
        makefile = root / "usr" / "src" / f"linux-headers-{series}-{flavour}" / "Makefile"
        makefile.write_text(makefile.read_text().replace("/usr/src/", f"{root.resolve()}/usr/src/"))
    return root / "usr" / "src" / f"linux-headers-{release}"


def _fetch(folder: Path, package: str, root: Path) -> None:
    subprocess.run(["apt-get", "-q", "download", package], cwd=folder, check=True, capture_output=True)
    for file in folder.glob(f"{package}_*.deb"):
        subprocess.run(["dpkg-deb", "-x", file, root], check=True)
        file.unlink()


if __name__ == "__main__":
    print(build(sys.argv[1], Path(sys.argv[2])))
