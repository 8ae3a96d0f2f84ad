"""ONNX Runtime on the CPU: the second opinion on the converted networks, and an engine where LiteRT has no wheel.

One intra-op thread by default (two were slower where other work runs); inputs and outputs are bound to buffers of ours
once, so a run allocates and copies nothing at its ends.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from watchkeeper.errors import one_line
from watchkeeper.inference.base import BufferedEngine, named_buffers
from watchkeeper.inference.engine import EngineError, Progress
from watchkeeper.inference.onnx_file import FP32, onnx_bytes

_ERRORS_ONLY = 3


class OnnxRuntimeEngine(BufferedEngine):
    """`Engine` over one session. `path`: the .tflite file; its ONNX form comes from the cache or is made.

    Raises EngineError naming `path` when the file is not one ONNX Runtime accepts, BadInputError as `onnx_bytes` does.
    """

    def __init__(
        self, path: Path, *, threads: int = 1, progress: Progress | None = None, precision: str = FP32
    ) -> None:
        super().__init__(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = _ERRORS_ONLY
        try:
            session = onnxruntime.InferenceSession(
                onnx_bytes(path, precision), options, providers=["CPUExecutionProvider"]
            )
        except (RuntimeError, ValueError) as error:  # its own exceptions derive from RuntimeError
            raise EngineError(f"{path}: ONNX Runtime does not accept this model: {one_line(error)}") from error
        self._session: Any = session
        self._binding: Any = session.io_binding()
        inputs = {entry.name: np.zeros(entry.shape, np.float32) for entry in session.get_inputs()}
        outputs = {entry.name: np.zeros(entry.shape, np.float32) for entry in session.get_outputs()}
        for name, array in inputs.items():
            self._binding.bind_input(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        for name, array in outputs.items():
            self._binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        self._kept = (inputs, outputs)  # the binding knows addresses only
        self._inputs = named_buffers(inputs, writable=True)
        self._outputs = named_buffers(outputs, writable=False)
        self.run()  # the first run plans memory; afterwards nothing is allocated or moved

    def run(self) -> None:
        self._check_open()
        try:
            self._session.run_with_iobinding(self._binding)
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"{self._path}: ONNX Runtime failed to run this model: {one_line(error)}") from error

    def close(self) -> None:
        self._session = self._binding = None
        self._forget()
