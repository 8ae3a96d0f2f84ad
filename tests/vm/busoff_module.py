"""Builds busoff.c for the virtual machine's kernel, outside of it: the compiler is slow under emulation.

busoff_module.py FOLDER: fetches the kernel's headers with apt-get, once, and leaves FOLDER/busoff.ko. Only a file is
made; nothing is installed. Needs make and the compiler.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_SOURCE = Path(__file__).with_name("busoff.c")


def kernel_release() -> str:
    """The guest kernel's, from where tools/vm keeps it: `6.1.0-50-amd64`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "watchkeeper" / "vm"
    return next(iter(cache.glob("*/root/lib/modules/*"))).name


def build(folder: Path) -> Path:
    """The module. Raises CalledProcessError where the headers cannot be had or the compiler fails."""
    release = kernel_release()
    series, flavour = release.rsplit("-", 1)
    root = folder / "headers"
    if not root.exists():
        packages = [f"linux-headers-{release}", f"linux-headers-{series}-common", f"linux-kbuild-{series[:3]}"]
        subprocess.run(["apt-get", "-q", "download", *packages], cwd=folder, check=True, capture_output=True)
        for package in folder.glob("linux-*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, root], check=True)
        makefile = root / "usr" / "src" / f"linux-headers-{series}-{flavour}" / "Makefile"
        makefile.write_text(makefile.read_text().replace("/usr/src/", f"{root.resolve()}/usr/src/"))
    place = folder / "busoff"
    place.mkdir(exist_ok=True)
    shutil.copy(_SOURCE, place)
    (place / "Kbuild").write_text("obj-m := busoff.o\n")
    headers = root / "usr" / "src" / f"linux-headers-{release}"
    subprocess.run(["make", "-s", "-C", headers, f"M={place.resolve()}", "modules"], check=True, capture_output=True)
    shutil.copy(place / "busoff.ko", folder)
    return folder / "busoff.ko"


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
