"""What every engine shares: tensors found by name or index while it is open, `with`, and buffers from arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from watchkeeper.inference.engine import NamedBuffers, Tensor, TensorSpec, spec_of

_Self = TypeVar("_Self", bound="BufferedEngine")


class BufferedEngine(ABC):
    """The part of `Engine` that is the same over any library. Who derives sets `_inputs` and `_outputs`, and ends its
    `close` with `_forget`."""

    _inputs: NamedBuffers
    _outputs: NamedBuffers

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closed = False

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._inputs.specs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._outputs.specs

    def input(self, which: str | int) -> Tensor:
        self._check_open()
        return self._inputs.get(which)

    def output(self, which: str | int) -> Tensor:
        self._check_open()
        return self._outputs.get(which)

    @abstractmethod
    def close(self) -> None:
        """See Engine.close."""

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"{self._path}: the engine is closed")

    def _forget(self) -> None:
        self._closed = True
        self._inputs.forget()
        self._outputs.forget()


def named_buffers(arrays: Mapping[str, Tensor], *, writable: bool) -> NamedBuffers:
    """Views of `arrays` under their names, read only unless `writable`; the memory stays theirs."""
    views = {name: array.view() for name, array in arrays.items()}
    for view in views.values():
        view.flags.writeable = writable
    return NamedBuffers(tuple(spec_of(name, view) for name, view in views.items()), tuple(views.values()))
