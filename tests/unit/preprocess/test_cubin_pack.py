"""The file of compiled kernels: what goes in comes out, damage is named, and each board gets the image it can load."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.errors import BadInputError
from watchkeeper.preprocess.cubin_pack import (
    CUBIN,
    MAGIC,
    PTX,
    Image,
    Version,
    choose,
    driver_version,
    packed,
    read_pack,
    unpacked,
)


def image(kind: str, capability: Version, cuda: Version) -> Image:
    start = b"\x7fELF" if kind == CUBIN else b"// PTX"
    return Image("preprocess", kind, capability, cuda, start + repr((kind, capability, cuda)).encode())


IMAGES = [
    image(CUBIN, (8, 7), (12, 6)), image(PTX, (7, 5), (12, 6)),
    image(CUBIN, (8, 7), (13, 0)), image(CUBIN, (11, 0), (13, 0)), image(PTX, (7, 5), (13, 0)),
]  # fmt: skip


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "pack"
    path.write_bytes(packed(IMAGES))
    assert read_pack(path) == IMAGES
    assert packed(IMAGES) == packed(list(IMAGES))


@pytest.mark.parametrize(
    ("capability", "driver", "expected"),
    [
        ((8, 7), (12, 6), 0),  # JetPack 6 on Orin
        ((8, 7), (12, 2), 0),  # a cubin of a newer CUDA 12: minor versions are compatible
        ((8, 7), (13, 0), 2),  # JetPack 7 on Orin
        ((11, 0), (13, 0), 3),  # on Thor
        ((8, 6), (12, 8), 1),  # a PC's card
        ((8, 9), (13, 0), 4),
        ((8, 0), (12, 6), 1),
        ((12, 0), (13, 1), 4),  # newer than any compiler here knew
        ((11, 0), (12, 9), 1),
    ],
)
def test_each_gpu_and_driver_gets_what_it_loads(capability: Version, driver: Version, expected: int) -> None:
    assert choose(IMAGES, capability, driver, "pack") == IMAGES[expected]


@pytest.mark.parametrize(
    ("capability", "driver"), [((8, 7), (11, 4)), ((8, 6), (12, 2)), ((7, 2), (13, 0)), ((5, 3), (10, 2))]
)
def test_where_nothing_fits_the_error_tells_what_is_there(capability: Version, driver: Version) -> None:
    named = rf"^pack: .*{capability[0]}\.{capability[1]} under CUDA {driver[0]}\.{driver[1]}; .*cubin for 11\.0"
    with pytest.raises(BadInputError, match=named):
        choose(IMAGES, capability, driver, "pack")
    with pytest.raises(BadInputError, match="it holds nothing"):
        choose([], capability, driver, "pack")


def test_the_drivers_number() -> None:
    assert [driver_version(n) for n in (11040, 12060, 13000, 12090)] == [(11, 4), (12, 6), (13, 0), (12, 9)]


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"nowhere: no compiled kernels .*tools/cubins"):
        read_pack(tmp_path / "nowhere")
    with pytest.raises(BadInputError, match="no compiled kernels"):
        read_pack(tmp_path)


def with_header(**change: object) -> bytes:
    head, _, body = packed(IMAGES[:1])[len(MAGIC) :].partition(b"\n")
    return MAGIC + json.dumps([json.loads(head)[0] | change]).encode() + b"\n" + body


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "not a file of compiled kernels"),
        (b"\x7fELF" + bytes(100), "not a file of compiled kernels"),
        (MAGIC, "cut off in its header"),
        (MAGIC + b"[" + b" " * (1 << 17), "cut off in its header"),
        (MAGIC + b"{not json\n", "not JSON"),
        (MAGIC + b"\xff\xfe\n", "not JSON"),
        (MAGIC + b"{}\n", "expected a list"),
        (MAGIC + b"[7]\n", "image 0: kind: expected str"),
        (with_header(kind="fatbin"), "image 0: kind: expected cubin or ptx"),
        (with_header(kind="ptx"), "image 0: the image is not a ptx"),
        (with_header(size=0), "image 0: size"),
        (with_header(size=-4), "image 0: size"),
        (with_header(size=True), "image 0: size: expected int"),
        (with_header(size=1 << 40), "image 0: size: .*cut off"),
        (with_header(sha256="0" * 64), "image 0: sha256: the image was changed"),
        (with_header(capability=[8]), "image 0: capability: expected two numbers"),
        (with_header(capability=[8, "7"]), "image 0: capability: expected two numbers"),
        (with_header(cuda=None), "image 0: cuda: expected list"),
        (packed(IMAGES) + b"x", "1 bytes after the last image"),
    ],
)
def test_a_bad_file_is_one_clear_line(data: bytes, named: str) -> None:
    with pytest.raises(BadInputError, match=named) as caught:
        unpacked(data, "pack")
    assert str(caught.value).startswith("pack: ")
    assert "\n" not in str(caught.value)


@settings(deadline=None)
@given(at=st.integers(0, len(packed(IMAGES)) - 1), bit=st.integers(0, 7), cut=st.booleans())
def test_damage_is_never_taken_for_an_image(at: int, bit: int, cut: bool) -> None:
    """Flipped or cut anywhere: refused, or (in a header's name or version) every image is still whole."""
    data = bytearray(packed(IMAGES))
    if cut:
        del data[at:]
    else:
        data[at] ^= 1 << bit
    try:
        found = unpacked(bytes(data), "pack")
    except BadInputError:
        return
    assert not cut
    assert [one.data for one in found] == [one.data for one in IMAGES]
