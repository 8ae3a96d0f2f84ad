"""The kernels compiled for GPUs, in one file, and which of them a board's driver and GPU take. Pure; needs no GPU.

The file: a line of magic, one line of JSON (a list of entries in the order of their images), then the images end to
end. Which driver takes which image: CUDA Compatibility guide (a cubin: any driver of its CUDA's major version or newer;
PTX: the driver's own CUDA has to be as new as the compiler's), CUDA Programming Guide, Binary Compatibility (none
between Tegra and other GPUs, so a cubin's capability has to be the GPU's own).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from watchkeeper.errors import BadInputError
from watchkeeper.files import cache_root

MAGIC = b"watchkeeper kernels 1\n"
CUBIN, PTX = "cubin", "ptx"
_MAX_HEADER_BYTES = 1 << 16
_STARTS = {CUBIN: b"\x7fELF", PTX: b"//"}

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Image:
    """One compilation. name: the source's. kind: CUBIN or PTX. capability: the GPU's, (8, 7). cuda: the compiler's."""

    name: str
    kind: str
    capability: Version
    cuda: Version
    data: bytes

    def __str__(self) -> str:
        return f"{self.kind} for {_dotted(self.capability)} by CUDA {_dotted(self.cuda)}"


def pack_path() -> Path:
    """Where the back end looks for the compiled kernels: `kernels/preprocess.cubins` in the cache."""
    return cache_root() / "kernels" / "preprocess.cubins"


def packed(images: Sequence[Image]) -> bytes:
    """The file's content. The same images give the same bytes."""
    entries = []
    for image in images:
        entry = {key: value for key, value in asdict(image).items() if key != "data"}
        entries.append(entry | {"size": len(image.data), "sha256": hashlib.sha256(image.data).hexdigest()})
    head = json.dumps(entries, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    return MAGIC + head + b"".join(image.data for image in images)


def unpacked(data: bytes, source: str | Path) -> list[Image]:
    """The images in a file's content. BadInputError naming `source` for a cut, changed or foreign file."""
    if not data.startswith(MAGIC):
        raise BadInputError.at(source, "not a file of compiled kernels of this version; run tools/cubins")
    end = data.find(b"\n", len(MAGIC), len(MAGIC) + _MAX_HEADER_BYTES)
    if end < 0:
        raise BadInputError.at(source, "cut off in its header; run tools/cubins")
    try:
        entries = json.loads(data[len(MAGIC) : end])
    except ValueError as error:  # json's and unicode's alike
        raise BadInputError.at(source, f"its header is not JSON ({error}); run tools/cubins") from None
    if not isinstance(entries, list):
        raise BadInputError.at(source, "its header: expected a list of images; run tools/cubins")
    images, at = [], end + 1
    for number, entry in enumerate(entries):
        image, at = _image(entry, data, at, source, f"image {number}")
        images.append(image)
    if at != len(data):
        raise BadInputError.at(source, f"{len(data) - at} bytes after the last image; run tools/cubins")
    return images


def read_pack(path: Path) -> list[Image]:
    """The images in the file. BadInputError naming it when it is missing or `unpacked` refuses it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError.at(path, f"no compiled kernels ({error.strerror}); tools/cubins makes them") from None
    return unpacked(data, path)


def choose(images: Sequence[Image], capability: Version, driver: Version, source: str | Path) -> Image:
    """The image for a GPU of `capability` under a driver of CUDA `driver`: its cubin by the newest compiler, else PTX.

    BadInputError naming `source`, the GPU, and what is there, when none fits.
    """
    cubins = [i for i in images if i.kind == CUBIN and i.capability == capability and i.cuda[0] <= driver[0]]
    if cubins:
        return max(cubins, key=lambda i: i.cuda)
    ptx = [i for i in images if i.kind == PTX and i.capability <= capability and i.cuda <= driver]
    if ptx:
        return max(ptx, key=lambda i: (i.capability, i.cuda))
    there = "; ".join(map(str, images)) or "nothing"
    raise BadInputError.at(
        source, f"nothing for compute capability {_dotted(capability)} under CUDA {_dotted(driver)}; it holds {there}"
    )


def driver_version(number: int) -> Version:
    """(12, 6) of cuDriverGetVersion's 12060."""
    return number // 1000, number % 1000 // 10


def _image(entry: Any, data: bytes, at: int, source: str | Path, where: str) -> tuple[Image, int]:
    def field(name: str, kind: type) -> Any:
        value = entry.get(name) if isinstance(entry, dict) else None
        if not isinstance(value, kind) or isinstance(value, bool):
            raise BadInputError.at(source, f"expected {kind.__name__}, got {value!r}", field=f"{where}: {name}")
        return value

    def version(name: str) -> Version:
        value = field(name, list)
        if len(value) != 2 or not all(type(n) is int and n >= 0 for n in value):
            raise BadInputError.at(source, f"expected two numbers, got {value!r}", field=f"{where}: {name}")
        return value[0], value[1]

    kind, size = field("kind", str), field("size", int)
    if kind not in _STARTS:
        raise BadInputError.at(source, f"expected {CUBIN} or {PTX}, got {kind!r}", field=f"{where}: kind")
    if size < 1 or at + size > len(data):
        raise BadInputError.at(source, f"{size} bytes, {len(data) - at} are left: cut off", field=f"{where}: size")
    body = data[at : at + size]
    if hashlib.sha256(body).hexdigest() != field("sha256", str):
        raise BadInputError.at(source, "the image was changed; run tools/cubins", field=f"{where}: sha256")
    if not body.startswith(_STARTS[kind]):
        raise BadInputError.at(source, f"the image is not a {kind}", field=where)
    return Image(field("name", str), kind, version("capability"), version("cuda"), body), at + size


def _dotted(version: Version) -> str:
    return f"{version[0]}.{version[1]}"
