"""What every inference engine offers: fixed buffers, one `run()`, an ordered end.

    with open_engine("litert", load_manifest("face_landmarks")) as engine:
        picture = engine.input(0)         # write here ...
        engine.run()
        points = engine.output("points")  # ... read here, until the next run()

A buffer's address is fixed from opening to close, so a kernel can be told once where to write.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from watchkeeper.errors import BadInputError, WatchkeeperError

if TYPE_CHECKING:
    from watchkeeper.inference.manifest import Manifest

Tensor = NDArray[Any]

# Importing this table loads no engine; a class is imported when its name is asked for.
_ENGINES = {
    "litert": "watchkeeper.inference.litert:LiteRtEngine",
    "onnxruntime": "watchkeeper.inference.onnxruntime:OnnxRuntimeEngine",
}


class EngineError(WatchkeeperError):
    """An engine could not load or run a model; the text names the model's file."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output. dtype is numpy's name for it, such as `float32`."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class Engine(Protocol):
    """One network on fixed buffers. Used by one thread at a time; `run()` releases the GIL while it computes."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    def input(self, which: str | int) -> Tensor:
        """The input buffer itself, writable. Raises KeyError for an unknown one, ValueError after close."""
        ...

    def output(self, which: str | int) -> Tensor:
        """The output buffer itself: read only, overwritten by the next run. Raises as `input` does."""
        ...

    def run(self) -> None:
        """Outputs from inputs. Raises EngineError when the engine fails, ValueError after close."""
        ...

    def close(self) -> None:
        """Let go of everything; may be called again. Arrays handed out stay readable, but nothing updates them."""
        ...

    def __enter__(self) -> Engine: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None: ...


class EngineClass(Protocol):
    """How the table's classes are called."""

    def __call__(self, path: Path, *, threads: int = 1) -> Engine: ...


class NamedBuffers:
    """Specs with the arrays that belong to them, found by name or by index."""

    def __init__(self, specs: tuple[TensorSpec, ...], arrays: tuple[Tensor, ...]) -> None:
        self.specs = specs
        self._by_key: dict[str | int, Tensor] = dict(enumerate(arrays))
        self._by_key.update({spec.name: array for spec, array in zip(specs, arrays, strict=True)})

    def get(self, which: str | int) -> Tensor:
        """The buffer itself. Raises KeyError with the known names."""
        try:
            return self._by_key[which]
        except KeyError:
            names = ", ".join(spec.name for spec in self.specs)
            raise KeyError(f"no tensor {which!r}; there are {names}") from None

    def forget(self) -> None:
        """Let go of the arrays; the specs stay."""
        self._by_key.clear()


def engine_names() -> list[str]:
    """Names `open_engine` knows."""
    return sorted(_ENGINES)


def open_engine(engine_name: str, model: Manifest, *, threads: int = 1) -> Engine:
    """`model`'s cached weights in the engine called `engine_name`, checked against the manifest's shapes.

    Raises BadInputError for an unknown engine (listing the known) or one whose library is not installed, ModelFileError
    for weights that are missing or damaged, EngineError when the engine refuses them.
    """
    from watchkeeper.inference.manifest import check_specs, model_file  # manifest imports TensorSpec from here

    engine = engine_class(engine_name)(model_file(model), threads=threads)
    try:
        check_specs(model, engine)
    except BaseException:
        engine.close()
        raise
    return engine


def engine_class(engine_name: str) -> EngineClass:
    """The class behind a name. Raises BadInputError for an unknown name or a library that is not installed."""
    if engine_name not in _ENGINES:
        raise BadInputError(f"--engine {engine_name}: unknown engine; known are {', '.join(engine_names())}")
    module, _, attribute = _ENGINES[engine_name].partition(":")
    try:
        return cast(EngineClass, getattr(importlib.import_module(module), attribute))
    except ModuleNotFoundError as error:
        raise BadInputError(f"--engine {engine_name}: needs the module {error.name}, which is not installed") from error


def spec_of(name: str, array: Tensor) -> TensorSpec:
    """The spec an array meets."""
    return TensorSpec(name, tuple(int(n) for n in array.shape), np.dtype(array.dtype).name)
