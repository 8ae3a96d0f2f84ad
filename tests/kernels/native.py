"""Builds and runs the small C++ programs beside the kernel tests: with this machine's compiler, or for 64-bit Arm."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "kernels"
SCALAR_SOURCES = ("prepared_job.cc", "preprocess_cpu.cc", "reduced_picture.cc", "separable_plan.cc")
# As CMakeLists.txt builds the module: no fused multiply-add, so that every lane type gives the same bits.
FLAGS = ("-std=c++17", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", f"-I{KERNELS}")

X86_FLAGS = {
    "avx2": ("-mavx2",),
    "avx512": tuple(
        f"-m{name}" for name in ("avx2", *(f"avx512{part}" for part in ("f", "bw", "dq", "vl", "vbmi", "vnni")))
    ),
}


def machine() -> str:
    """x86_64, "aarch64" or whatever else this is."""
    return platform.machine().lower()


def tool(name: str) -> str:
    """Path of a program; the test is skipped, saying which is missing, where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def build(compiler: str, program: Path, target: Path, *, arch: str, extra: tuple[str, ...] = ()) -> None:
    """`program` with the kernels' sources for `arch`, into `target`. A warning is an error."""
    sources = [str(program), *(str(KERNELS / name) for name in SCALAR_SOURCES)]
    simd: list[str] = []
    if arch == "x86_64":
        for name, flags in X86_FLAGS.items():
            half = target.with_suffix(f".{name}.o")
            _run([compiler, *FLAGS, *extra, *flags, "-c", str(KERNELS / f"preprocess_{name}.cc"), "-o", str(half)])
            simd += [f"-DWK_HAVE_{name.upper()}", str(half)]
    elif arch == "aarch64":
        simd = ["-DWK_HAVE_NEON", str(KERNELS / "preprocess_neon.cc")]
    _run([compiler, *FLAGS, *extra, *sources, *simd, "-o", str(target)])


def run(command: list[str]) -> str:
    """What it prints; its exit status has to be 0."""
    return _run(command)


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout
