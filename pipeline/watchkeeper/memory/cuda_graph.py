"""CUDA graphs through the driver's own library: pycuda has none. A recorded run is launched again with one call.

Functions and their arguments: CUDA Driver API, sections Stream Management and Graph Management.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from watchkeeper.memory.cuda import CudaError

_THREAD_LOCAL = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads' calls do not spoil the recording


class CudaGraph:
    """What `record` put on `stream`, ready to be launched. The primary context has to be current for every call.

    Addresses are fixed at recording. Raises CudaError when the driver refuses.
    """

    def __init__(self, stream: int, record: Callable[[], None], library: Any = None) -> None:
        self._driver = library if library is not None else ctypes.CDLL("libcuda.so.1")
        self._stream = ctypes.c_void_p(stream)
        self._graph, self._executable = ctypes.c_void_p(), ctypes.c_void_p()
        self._call("cuStreamBeginCapture_v2", self._stream, _THREAD_LOCAL)
        try:
            record()
        finally:
            self._call("cuStreamEndCapture", self._stream, ctypes.byref(self._graph))
        # flags 0; the older cuGraphInstantiate changed its arguments in CUDA 12, this one did not
        self._call("cuGraphInstantiateWithFlags", ctypes.byref(self._executable), self._graph, ctypes.c_ulonglong(0))

    def launch(self) -> None:
        """Put one more run on the stream."""
        self._call("cuGraphLaunch", self._executable, self._stream)

    def close(self) -> None:
        """Give it back; may be called again."""
        if self._executable:
            self._call("cuGraphExecDestroy", self._executable)
            self._executable = ctypes.c_void_p()
        if self._graph:
            self._call("cuGraphDestroy", self._graph)
            self._graph = ctypes.c_void_p()

    def _call(self, name: str, *arguments: Any) -> None:
        result = getattr(self._driver, name)(*arguments)
        if result != 0:
            raise CudaError(f"CUDA: {name} failed with CUresult {result}")
