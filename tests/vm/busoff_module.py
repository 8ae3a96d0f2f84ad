"""Builds busoff.c for the virtual machine's kernel, outside of it: the compiler is slow under emulation.

busoff_module.py: prints where busoff.ko is. The kernel's headers are fetched with apt-get, once, and kept beside the
kernel, as is the module. Only files are made; nothing is installed. Needs make and the compiler.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

_SOURCE = Path(__file__).with_name("busoff.c")


class CannotBuildError(Exception):
    """The text says why in one line."""


def build() -> Path:
    """The module for the kernel that tools/vm has. Raises CannotBuildError without headers or compiler."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "watchkeeper" / "vm"
    found = list(cache.glob("*/root/lib/modules/*"))
    if not found:
        raise CannotBuildError("there is no kernel yet (tools/vm --prepare)")
    release = found[0].name
    folder = cache / "busoff" / release
    folder.mkdir(parents=True, exist_ok=True)
    module = folder / f"{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:12]}.ko"
    if not module.exists():
        try:
            _compile(folder, _headers(release, folder), module)
        except (OSError, subprocess.CalledProcessError) as error:
            output = getattr(error, "stderr", None) or str(error).encode()
            raise CannotBuildError(output.decode(errors="replace").strip().splitlines()[-1]) from error
    return module


def _headers(release: str, folder: Path) -> Path:
    series, flavour = release.rsplit("-", 1)
    root, made = folder / "headers", folder / "headers" / "usr" / "src" / f"linux-headers-{release}"
    if not (folder / "ready").exists():
        shutil.rmtree(root, ignore_errors=True)
        packages = [f"linux-headers-{release}", f"linux-headers-{series}-common", f"linux-kbuild-{series[:3]}"]
        subprocess.run(["apt-get", "-q", "download", *packages], cwd=folder, check=True, capture_output=True)
        for package in folder.glob("linux-*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, root], check=True, capture_output=True)
            package.unlink()
        makefile = root / "usr" / "src" / f"linux-headers-{series}-{flavour}" / "Makefile"
        makefile.write_text(makefile.read_text().replace("/usr/src/", f"{root.resolve()}/usr/src/"))
        (folder / "ready").touch()
    return made


def _compile(folder: Path, headers: Path, module: Path) -> None:
    place = folder / "busoff"
    place.mkdir(exist_ok=True)
    shutil.copy(_SOURCE, place)
    (place / "Kbuild").write_text("obj-m := busoff.o\n")
    make = ["make", "-s", "-C", str(headers), f"M={place.resolve()}", "modules"]
    subprocess.run(make, check=True, capture_output=True)
    shutil.copy(place / "busoff.ko", module)


def main() -> int:
    """Exit status 0 built, 2 it cannot be."""
    try:
        print(build())
    except CannotBuildError as error:
        print(f"busoff.ko cannot be built: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
