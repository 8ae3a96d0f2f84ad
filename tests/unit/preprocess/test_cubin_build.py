"""The kernels compiled for the boards: nothing spills, enough blocks fit, the numbers are the documented ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from watchkeeper import data
from watchkeeper.preprocess import cubin_build, nvrtc
from watchkeeper.preprocess.cubin_build import TARGETS, WHEELS, Built, build_with, main, table
from watchkeeper.preprocess.cubin_pack import CUBIN, PTX, choose, read_pack
from watchkeeper.preprocess.cubin_resources import Resources, resources, spill_bytes
from watchkeeper.types import PixelFormat

SOURCE = data.data_path("kernels", "preprocess.cu")
KERNELS = {"exposure", *(f"preprocess_{int(number)}" for number in PixelFormat)}
# Arrays of three channels, indexed by a number that only the job knows; anything above would be new.
MOST_STACK_BYTES = 24
LEAST_BLOCKS = 3


@pytest.fixture(scope="module", params=sorted(TARGETS))
def built(request: pytest.FixtureRequest) -> list[Built]:
    compiler = nvrtc.find_compiler(request.param)
    if compiler is None:
        pytest.skip(f"no compiler of CUDA {request.param}; pip install {WHEELS[request.param]}")
    return build_with(compiler, SOURCE)


def test_no_kernel_spills_and_enough_of_them_fit(built: list[Built]) -> None:
    for one in built:
        if one.image.kind != CUBIN:
            continue
        print(table(one))
        assert set(one.resources) == set(one.spills) == KERNELS
        assert set(one.spills.values()) == {0}, table(one)
        for name, need in one.resources.items():
            assert need.stack_bytes <= MOST_STACK_BYTES, (name, need)
            assert need.blocks() >= LEAST_BLOCKS, (name, need)


def test_the_images_are_what_they_say(built: list[Built]) -> None:
    images = [one.image for one in built]
    assert [(one.kind, one.capability) for one in images] == list(TARGETS[images[0].cuda[0]])
    for image in images:
        if image.kind == PTX:
            assert b".target sm_75" in image.data
            assert set(re.findall(rb"\.visible \.entry (\w+)", image.data)) == {name.encode() for name in KERNELS}
            assert not re.search(rb"\bfma\.", image.data)  # the CPU build contracts nothing, either
        else:
            assert image.data.startswith(b"\x7fELF")


def test_a_compiler_that_refuses_is_quoted(built: list[Built], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.cu"
    wrong.write_text("int main( {}\n")
    compiler = nvrtc.find_compiler(built[0].image.cuda[0])
    assert compiler is not None
    with pytest.raises(nvrtc.CompilerError, match=r"^wrong\.cu: .*error"):
        compiler.compile(wrong, CUBIN, (8, 7))


def test_the_tool_writes_a_file_that_serves_the_boards(
    built: list[Built], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one compiler present, the other is named with what is left out."""
    major, out = built[0].image.cuda[0], tmp_path / "folder" / "pack"
    compiler = nvrtc.find_compiler(major)
    monkeypatch.setattr(cubin_build, "find_compiler", lambda asked: compiler if asked == major else None)
    monkeypatch.setattr(cubin_build, "build_with", lambda _compiler, _source: built)
    assert main(["--out", str(out)]) == 0
    (other,) = set(TARGETS) - {major}
    said = capsys.readouterr()
    assert f"no compiler of CUDA {other}: left out cubin for 8.7" in said.err
    assert WHEELS[other] in said.err
    assert "occupancy" in said.out
    image = choose(read_pack(out), (8, 7), (major, 9), out)
    assert (image.kind, image.cuda[0]) == (CUBIN, major)


def test_without_any_compiler_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cubin_build, "find_compiler", lambda _major: None)
    assert main(["--out", str(tmp_path / "pack")]) == 2
    said = capsys.readouterr().err
    for wheel in WHEELS.values():
        assert wheel in said.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
    assert main(["--source", str(tmp_path / "gone.cu")]) == 2
    assert "gone.cu: no kernel source" in capsys.readouterr().err


def test_no_toolchain_at_all_is_found_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvrtc, "_libraries", lambda _major: iter(["libnvrtc-that-is-not-there.so"]))
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert [nvrtc.find_compiler(major) for major in TARGETS] == [None, None]


@pytest.mark.parametrize(
    ("registers", "blocks"), [(26, 6), (32, 6), (40, 6), (41, 5), (48, 5), (56, 4), (64, 4), (66, 3), (72, 3), (255, 1)]
)
def test_blocks_that_fit(registers: int, blocks: int) -> None:
    """As the CUDA Occupancy Calculator has it for 8.7, blocks of 256 threads, no shared memory."""
    assert Resources(registers, 0).blocks() == blocks
    assert Resources(registers, 0).occupancy() == pytest.approx(blocks * 256 / 1536)


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"\x7fELF\x02\x01" + bytes(40), b"\x7fELF\x02\x01" + b"\xff" * 200])
def test_what_is_no_cubin(data: bytes) -> None:
    with pytest.raises(ValueError, match="cubin"):
        resources(data)


def test_a_cubin_cut_anywhere_is_noticed_or_whole(built: list[Built]) -> None:
    cubin = built[0].image.data
    for part in range(1, 20):
        with pytest.raises(ValueError, match="cubin"):
            resources(cubin[: len(cubin) * part // 20])


def test_spills_are_read_from_the_log() -> None:
    log = (
        "ptxas info    : Function properties for one\n"
        "    48 bytes stack frame, 12 bytes spill stores, 8 bytes spill loads\n"
        "ptxas info    : Function properties for two\n"
        "ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
    )
    assert spill_bytes(log) == {"one": 20, "two": 0}
    with pytest.raises(ValueError, match="ptxas -v"):
        spill_bytes("ptxas info : Used 26 registers")
