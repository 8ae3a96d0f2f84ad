"""LiteRT (TensorFlow Lite's successor) on the CPU, XNNPACK on: runs a .tflite as its origin made it.

Inputs and outputs are the interpreter's own tensors, so nothing is copied on the way in or out.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from watchkeeper.errors import one_line
from watchkeeper.inference.base import BufferedEngine
from watchkeeper.inference.engine import EngineError, NamedBuffers, Progress, spec_of

_STDERR_FD = 2
_stderr_lock = threading.Lock()


class LiteRtEngine(BufferedEngine):
    """`Engine` over one LiteRT interpreter. `threads`: XNNPACK's own; 1 is the fastest where other work runs too.

    Raises EngineError naming `path` when LiteRT does not accept the file.
    """

    def __init__(self, path: Path, *, threads: int = 1, progress: Progress | None = None) -> None:
        super().__init__(path)
        try:
            with _without_info_lines():
                interpreter = Interpreter(model_path=str(path), num_threads=threads)
                interpreter.allocate_tensors()
                interpreter.invoke()  # the first run packs weights; afterwards nothing is allocated or moved
        except (ValueError, RuntimeError) as error:
            raise EngineError(f"{path}: LiteRT does not accept this model: {one_line(error)}") from error
        self._interpreter: Any = interpreter
        self._inputs = _buffers(interpreter, interpreter.get_input_details(), writable=True)
        self._outputs = _buffers(interpreter, interpreter.get_output_details(), writable=False)
        for spec in self._inputs.specs:
            self._inputs.get(spec.name).fill(0)

    def run(self) -> None:
        self._check_open()
        try:
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise EngineError(f"{self._path}: LiteRT failed to run this model: {one_line(error)}") from error

    def close(self) -> None:
        # An array still held by a caller keeps the tensors alive through its `base`: late access must not crash.
        self._interpreter = None
        self._forget()


class _TensorMemory:
    """A tensor's memory as numpy takes it, keeping the interpreter alive for as long as an array is over it.

    `Interpreter.tensor()` would do, but LiteRT refuses to run while one of its own views exists (it cannot know that
    nobody resizes). The address is taken once, after the first run, and no tensor is ever resized.
    """

    def __init__(self, interpreter: Any, index: int, writable: bool) -> None:
        view = interpreter.tensor(index)()
        self.keeps_alive = interpreter
        self.__array_interface__ = {
            "version": 3,
            "shape": view.shape,
            "typestr": view.dtype.str,
            "data": (int(view.ctypes.data), not writable),
        }


def _buffers(interpreter: Any, details: list[dict[str, Any]], writable: bool) -> NamedBuffers:
    arrays = tuple(np.asarray(_TensorMemory(interpreter, int(d["index"]), writable)) for d in details)
    return NamedBuffers(tuple(spec_of(str(d["name"]), a) for d, a in zip(details, arrays, strict=True)), arrays)


@contextmanager
def _without_info_lines() -> Iterator[None]:
    """Hold back what LiteRT writes to file descriptor 2 meanwhile, and pass on all but its INFO lines.

    LiteRT announces its CPU delegate for every model, from C++, and offers Python no switch for it. Warnings and errors
    must still be seen.
    """
    with _stderr_lock, tempfile.TemporaryFile() as held:
        try:
            saved_fd = os.dup(_STDERR_FD)
        except OSError:  # a process started with its stderr closed: nothing to keep clean
            yield
            return
        try:
            os.dup2(held.fileno(), _STDERR_FD)
            yield
        finally:
            os.dup2(saved_fd, _STDERR_FD)
            os.close(saved_fd)
            held.seek(0)
            for line in held.read().splitlines(keepends=True):
                if not line.startswith(b"INFO:"):
                    os.write(_STDERR_FD, line)
