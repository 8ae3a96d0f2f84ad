"""TensorRT on Jetson: tensors by name, fixed mapped buffers, an own stream, a CUDA graph; for TensorRT 8.5 to 11.

The engine is built on the board from the ONNX in the cache when none of this board's is there, and kept. Inputs and
outputs are page-locked mapped memory: the preprocessing kernel writes and the CPU reads them in place.
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import pycuda.driver as driver
import tensorrt as trt

from watchkeeper.errors import one_line
from watchkeeper.inference import tensorrt_cache
from watchkeeper.inference.base import BufferedEngine, named_buffers
from watchkeeper.inference.build_options import BuildOptions
from watchkeeper.inference.engine import EngineError, Progress, Tensor
from watchkeeper.inference.onnx_file import FP16, FP32, onnx_bytes
from watchkeeper.inference.tensorrt_build import build_plan, check_dla, check_precision, typed_by_graph
from watchkeeper.inference.tensorrt_cache import EngineKey
from watchkeeper.memory.cuda import CudaError, PrimaryContext, primary
from watchkeeper.memory.cuda_graph import CudaGraph

_WARM_UP_RUNS = 2
_L4T_RELEASE = Path("/etc/nv_tegra_release")


class TensorRtEngine(BufferedEngine):
    """`Engine` over one execution context. `path`: the .tflite file; its ONNX form comes from the cache or is made.

    `threads` means nothing here. progress: called while an engine is built. A run is in one thread at a time, any one.
    Raises EngineError naming `path` when TensorRT refuses, CudaError without a GPU, BadInputError for a full disk.
    """

    golden_slack = 20.0
    """How many times the manifest's tolerance FP16 may differ by on the golden input. Tuned on: 5.6 times was the
    largest seen with everything computed in float16 on the CPU (`models parity` shows pixels)."""

    def __init__(
        self, path: Path, *, threads: int = 1, progress: Progress | None = None, options: BuildOptions | None = None
    ) -> None:
        super().__init__(path)
        self._options = options or BuildOptions()
        self._lock = threading.Lock()
        check_precision(str(path), self._options)
        self._cuda: PrimaryContext = primary()
        self._logger: Any = trt.Logger(trt.Logger.ERROR)
        onnx = onnx_bytes(path, FP16 if typed_by_graph() and self._options.precision == "fp16" else FP32)
        self.key = engine_key(onnx, self._options, self._cuda)
        self.file = tensorrt_cache.engine_path(path, self.key)
        with self._cuda.active():
            self._open(self._loaded() or self._built(onnx, progress))

    def _loaded(self) -> Any:
        """The kept engine, or None: missing, damaged, foreign or refused, it is built anew."""
        if self._options.fresh:
            return None
        plan = tensorrt_cache.load(self.file, self.key)
        return None if plan is None else self._deserialized(plan)

    def _built(self, onnx: bytes, progress: Progress | None) -> Any:
        with tensorrt_cache.building(self.file):
            if (engine := self._loaded()) is not None:  # another process built it while this one waited
                return engine
            timing = f"timing-{self.key.compute_capability}-{self.key.tensorrt}.cache"
            calibration = f"{self._path.stem}-{self.key.onnx_sha256[:16]}-{self.key.tensorrt}.calibration"
            plan = build_plan(
                self._path.stem, onnx, self._options, self._logger, progress,
                timing_cache=self.file.with_name(timing), calibration_cache=self.file.with_name(calibration),
            )  # fmt: skip
            tensorrt_cache.save(self.file, self.key, plan)
        engine = self._deserialized(plan)
        if engine is None:
            raise EngineError(f"{self._path}: TensorRT does not load the engine that it has just built")
        return engine

    def _deserialized(self, plan: bytes) -> Any:
        self._runtime: Any = trt.Runtime(self._logger)
        if self._options.dla is not None:
            check_dla(self._path.stem, self._options.dla, self._runtime)
            self._runtime.DLA_core = self._options.dla
        return self._runtime.deserialize_cuda_engine(plan)

    def _open(self, engine: Any) -> None:
        self._engine: Any = engine
        self._context: Any = engine.create_execution_context()
        if self._context is None:
            raise EngineError(f"{self._path}: TensorRT has no memory for an execution context")
        self._stream: Any = driver.Stream()
        self._done: Any = driver.Event(driver.event_flags.BLOCKING_SYNC | driver.event_flags.DISABLE_TIMING)
        ends: dict[bool, dict[str, Tensor]] = {True: {}, False: {}}
        self._addresses: dict[str, int] = {}
        for index in range(engine.num_io_tensors):
            name = engine.get_tensor_name(index)
            if engine.get_tensor_dtype(name) != trt.DataType.FLOAT:
                raise EngineError(f"{self._path}: {name}: expected float32 at the network's ends")
            shape = tuple(int(n) for n in engine.get_tensor_shape(name))
            array, address = self._cuda.mapped(shape)
            self._addresses[name] = address
            if not self._context.set_tensor_address(name, address):
                raise EngineError(f"{self._path}: {name}: TensorRT does not take the buffer's address")
            is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
            ends[is_input][name] = array
        self._inputs = named_buffers(ends[True], writable=True)
        self._read = [(self._addresses[name], array.nbytes) for name, array in ends[True].items()]
        self._outputs = named_buffers(ends[False], writable=False)
        for _ in range(_WARM_UP_RUNS):  # what TensorRT sets up on first runs must not fall into the recording
            self._enqueue()
            self._wait()
        self._graph = CudaGraph(int(self._stream.handle), self._enqueue)
        self._graph.launch()
        self._wait()

    def device_address(self, name: str) -> int:
        """Where the GPU finds a tensor: what the preprocessing kernel on the GPU is told to write to."""
        self._check_open()
        return self._addresses[name]

    def run(self) -> None:
        with self._lock:
            self._check_open()
            try:
                with self._cuda.active():
                    for address, nbytes in self._read:
                        self._cuda.wait_on_device(self._stream, address, nbytes)
                    self._graph.launch()
                    self._wait()
            except (CudaError, driver.Error) as error:
                raise EngineError(f"{self._path}: TensorRT failed to run: {one_line(error)}") from error

    def discard(self) -> None:
        """Remove the kept engine, so that the next opening builds it anew: its golden output was wrong."""
        self.file.unlink(missing_ok=True)

    def close(self) -> None:
        """In order: graph, execution context, engine, runtime, stream, buffers; the process keeps the GPU's context."""
        with self._lock:
            if self._closed:
                return
            with self._cuda.active():
                self._stream.synchronize()
                self._graph.close()
                self._context = None
                self._engine = None
                self._runtime = None
                self._done = None
                self._stream = None
            self._forget()

    def _enqueue(self) -> None:
        if not self._context.execute_async_v3(int(self._stream.handle)):
            raise EngineError(f"{self._path}: TensorRT did not start the network")

    def _wait(self) -> None:
        """Until the outputs are there. The event lets the thread sleep instead of spinning on a core."""
        self._done.record(self._stream)
        self._done.synchronize()


def engine_key(onnx: bytes, options: BuildOptions, cuda: PrimaryContext) -> EngineKey:
    """What an engine of this network on this board is kept under."""
    major, minor = cuda.device.compute_capability()
    count = cuda.device.get_attribute(driver.device_attribute.MULTIPROCESSOR_COUNT)
    try:
        l4t = _L4T_RELEASE.read_text(encoding="ascii", errors="replace").splitlines()[0]
    except (OSError, IndexError):
        l4t = ""
    return EngineKey(
        hashlib.sha256(onnx).hexdigest(), str(trt.__version__), str(driver.get_driver_version()),
        f"{major}.{minor}", int(count), l4t, options.flags(),
    )  # fmt: skip
