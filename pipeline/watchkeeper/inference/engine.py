"""What every inference engine offers: fixed buffers, one `run()`, an ordered end.

    with open_engine("litert", load_manifest("face_landmarks")) as engine:
        picture = engine.input(0)         # write here ...
        engine.run()
        points = engine.output("points")  # ... read here, until the next run()

A buffer's address is fixed from opening to close, so a kernel can be told once where to write.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from watchkeeper.errors import BadInputError, WatchkeeperError

if TYPE_CHECKING:
    from watchkeeper.inference.build_options import BuildOptions
    from watchkeeper.inference.manifest import Manifest

Tensor = NDArray[Any]
Progress = Callable[[str], None]
"""What is being done while an engine is built (minutes): called twice a second or more often, from any thread."""

# Importing this table loads no engine; a class is imported when its name is asked for.
_ENGINES = {
    "litert": "watchkeeper.inference.litert:LiteRtEngine",
    "tensorrt": "watchkeeper.inference.tensorrt:TensorRtEngine",
    "onnxruntime": "watchkeeper.inference.onnxruntime:OnnxRuntimeEngine",
}
_BUILT = ("tensorrt",)  # engines that are built, in a way that can be chosen


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

    def __call__(self, path: Path, *, threads: int = 1, progress: Progress | None = None) -> Engine:
        """progress: told what is being done while an engine is built; engines that build nothing never call it."""
        ...


@runtime_checkable
class KeepsEngines(Protocol):
    """An engine that loads what it once built: its golden output is checked on every opening, and if that is wrong it
    builds anew. golden_slack: how many times the manifest's tolerance its precision may differ by."""

    golden_slack: float

    def discard(self) -> None: ...


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


def open_engine(
    engine_name: str,
    model: Manifest,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    options: BuildOptions | None = None,
) -> Engine:
    """`model`'s cached weights in the engine called `engine_name`, checked against the manifest's shapes.

    options: how `tensorrt` builds; None: its default. Raises BadInputError for an unknown engine (listing the known),
    one whose library is not installed or one that takes no options, ModelFileError for weights that are missing or
    damaged, EngineError when the engine refuses them or computes something else.
    """
    if options is not None and engine_name in _ENGINES and engine_name not in _BUILT:
        raise BadInputError(f"--engine {engine_name}: has no precision or DLA core to choose; expected tensorrt")
    problem = None
    for _ in range(2):
        engine, problem = _opened(engine_name, model, threads, progress, options)
        if problem is None:
            return engine
        engine.close()
    raise EngineError(f"{model.path}: engine {engine_name}, built anew: golden output: {problem}")


def _opened(
    engine_name: str, model: Manifest, threads: int, progress: Progress | None, options: BuildOptions | None
) -> tuple[Engine, str | None]:
    """The engine, and what is wrong with its golden output where it is one that has to be checked."""
    from watchkeeper.inference.manifest import (  # it imports TensorSpec from here
        check_specs,
        golden_problem,
        model_file,
    )

    chosen: dict[str, Any] = {} if options is None else {"options": options}
    engine = engine_class(engine_name)(model_file(model), threads=threads, progress=progress, **chosen)
    try:
        check_specs(model, engine)
        problem = golden_problem(model, engine, engine.golden_slack) if isinstance(engine, KeepsEngines) else None
        if problem is not None and isinstance(engine, KeepsEngines):
            engine.discard()
        for spec in engine.inputs:
            engine.input(spec.name).fill(0)
    except BaseException:
        engine.close()
        raise
    return engine, problem


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
