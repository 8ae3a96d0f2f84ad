"""Checks of libraries that do not fit each other, by their files alone: importing the wrong one can end the process.

numpy: a module that was built against numpy 1 asks for `numpy.core._multiarray_umath` only, one built against numpy 2
knows `numpy._core` (and still works with numpy 1). Source: numpy's __multiarray_api.h of either version, and its
migration guide, "NumPy 2.0 ABI break".
"""

from __future__ import annotations

import re
import site
import sys
from collections.abc import Iterator
from pathlib import Path

from watchkeeper.commands.checks import FAIL, PASS, SKIP, WARN, Finding
from watchkeeper.commands.checks.tree import Tree

# What the product or its camera libraries import that is built against numpy.
_BUILT_ON_NUMPY = ("cv2", "simplejpeg", "jetson_utils", "jetson_utils_python", "pycuda", "libcamera", "ai_edge_litert")
_ONLY_ONE = ("numpy", "cv2", "tensorrt", "picamera2", "libcamera", "jetson_utils")
_OLD, _NEW = b"numpy.core._multiarray_umath", b"numpy._core._multiarray_umath"
_LARGE_BYTES = 200 << 20  # larger files are not read
# L4T -> TensorRT of that JetPack. Source: release notes of JetPack 6.0, 6.1/6.2, 7.
_TENSORRT = {(36, 2): "8.6", (36, 3): "8.6", (36, 4): "10.3", (38, 0): "10.13", (38, 2): "10.13"}
_RELEASE = re.compile(r"# R(\d+) \(release\), REVISION: (\d+)")


def search_path(tree: Tree) -> list[Path]:
    """Where modules come from, first first: this process's path, or in a copy every site-packages folder there is, the
    environment's before the system's."""
    if tree.live:
        extra = site.getsitepackages() if not sys.flags.no_site else []
        return [Path(entry) for entry in dict.fromkeys([*sys.path, *extra]) if entry and Path(entry).is_dir()]
    patterns = ("usr/lib/watchkeeper/lib/python3*/site-packages", "usr/local/lib/python3*/dist-packages",
                "usr/lib/python3*/dist-packages", "usr/lib/python3/dist-packages")  # fmt: skip
    return list(dict.fromkeys(path for pattern in patterns for path in sorted(tree.root.glob(pattern))))


def version_in(folder: Path, module: str) -> str | None:
    """Of the distribution of `module` that is installed in `folder`, by its metadata; None when it is not there."""
    # a folder without __init__.py is none of its own: Debian keeps numpy's headers in one
    if not (folder / module / "__init__.py").exists() and not list(folder.glob(f"{module}.*so")):
        return None
    names = {"cv2": "opencv*"}.get(module, module.replace("_", "[-_]"))
    for info in sorted([*folder.glob(f"{names}-*.dist-info"), *folder.glob(f"{names}-*.egg-info")]):
        file = info if info.is_file() else info / ("METADATA" if info.suffix == ".dist-info" else "PKG-INFO")
        try:
            match = re.search(r"^Version: (\S+)", file.read_text(errors="replace"), re.MULTILINE)
        except OSError:
            continue
        if match:
            return match[1]
    return "unknown version"


def numpy_abi(tree: Tree) -> Finding:
    """Does every module that is built on numpy fit the numpy that comes first?"""
    path = search_path(tree)
    found = [(folder, version) for folder in path if (version := version_in(folder, "numpy"))]
    if not found:
        return Finding(FAIL, "numpy is not installed", "install the watchkeeper package, or pip install numpy")
    folder, version = found[0]
    if not version.startswith("2"):
        return Finding(PASS, f"numpy {version} in {folder}")
    for file in _extensions(path):
        if _OLD in (data := file.read_bytes()) and _NEW not in data:
            other = next((f"{old} in {where}" for where, old in found[1:] if old.startswith("1")), "numpy<2")
            return Finding(FAIL, f"{file} was built against numpy 1, but numpy {version} in {folder} comes first",
                           f"remove {folder / 'numpy'} (pip uninstall numpy), so that {other} is used",
                           {"file": str(file), "numpy": version, "numpy_folder": str(folder)})  # fmt: skip
    return Finding(PASS, f"numpy {version} in {folder}")


def _extensions(path: list[Path]) -> Iterator[Path]:
    for module in _BUILT_ON_NUMPY:
        for folder in path:
            files = [*folder.glob(f"{module}.*so"), *sorted((folder / module).glob("**/*.so"))]
            yield from (file for file in files if file.is_file() and file.stat().st_size <= _LARGE_BYTES)
            if files:
                break  # what comes later on the path is not imported


def shadowed(tree: Tree) -> Finding:
    """Is a library installed twice, so that one hides the other?"""
    path = search_path(tree)
    for module in _ONLY_ONE:
        found = [(folder, version) for folder in path if (version := version_in(folder, module))]
        if len({version for _, version in found}) > 1:
            (first, one), (second, other) = found[0], next(f for f in found[1:] if f[1] != found[0][1])
            return Finding(WARN, f"{first / module} ({one}) hides {second / module} ({other})",
                           f"pip uninstall {'opencv-python' if module == 'cv2' else module}, unless that is meant",
                           {"module": module, "used": one, "hidden": other})  # fmt: skip
    return Finding(PASS, "none installed twice")


def tensorrt(tree: Tree) -> Finding:
    """Do TensorRT's Python module, its library and JetPack fit each other?"""
    found = [(folder, version) for folder in search_path(tree) if (version := version_in(folder, "tensorrt"))]
    if not found:
        return Finding(SKIP, "TensorRT is not installed")
    folder, module = found[0]
    libraries = sorted(tree.root.glob("usr/lib/*-linux-gnu/libnvinfer.so.*.*.*"))
    for library in libraries:
        version = library.name.partition(".so.")[2]
        if version.split(".")[:2] != module.split(".")[:2]:
            return Finding(FAIL, f"{folder / 'tensorrt'} is {module}, {library} is {version}",
                           f"pip uninstall tensorrt, then sudo apt install python3-libnvinfer={version}*",
                           {"module": module, "library": version})  # fmt: skip
    release = _RELEASE.search(tree.text("etc/nv_tegra_release") or "")
    wanted = _TENSORRT.get((int(release[1]), int(release[2]))) if release else None
    if release and wanted is not None and not module.startswith(wanted):
        found_text = f"TensorRT {module} in {folder}, L4T {release[1]}.{release[2]} comes with {wanted}"
        data = {"module": module, "expected": wanted}
        return Finding(WARN, found_text, "sudo apt install --reinstall nvidia-jetpack", data)
    return Finding(PASS, f"TensorRT {module}")
