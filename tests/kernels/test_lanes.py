"""The SIMD lanes give the scalar lanes' bits, and a 64-bit Arm machine gives an x86-64 one's."""

from __future__ import annotations

from pathlib import Path

import native
import pytest

PROGRAM = Path(__file__).parent / "lanes_check.cc"
LANES = {"x86_64": ("avx512,avx2,scalar", "avx2,scalar", "scalar"), "aarch64": ("neon,scalar",)}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the program built for this machine prints: names of the lanes, digest."""
    target = tmp_path_factory.mktemp("lanes") / "lanes_check"
    native.build(native.tool("g++"), PROGRAM, target, arch=native.machine())
    return native.run([str(target)]).split()


def test_simd_is_scalar_here(here: list[str]) -> None:
    names, digest = here
    assert names in LANES.get(native.machine(), ("scalar",))
    assert len(digest) == 8


def test_the_fastest_lanes_were_among_them(here: list[str]) -> None:
    """What is not compared is said."""
    fastest = LANES.get(native.machine(), ("scalar",))[0]
    if here[0] != fastest:
        pytest.skip(f"this machine has no lanes but {here[0]}: not compared: {fastest}")


def test_arm_gives_the_same_digest(here: list[str], tmp_path: Path) -> None:
    compiler, emulator = native.tool("aarch64-linux-gnu-g++"), native.tool("qemu-aarch64-static")
    target = tmp_path / "lanes_check"
    native.build(compiler, PROGRAM, target, arch="aarch64", extra=("-static",))
    names, digest = native.run([emulator, "-cpu", "cortex-a76", str(target)]).split()
    assert names == "neon,scalar"
    assert digest == here[1]
