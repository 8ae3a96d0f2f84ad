"""TensorRT's Python API as far as the engine uses it, over the fake GPU; networks are executed by ONNX Runtime.

A plan is bound to the fake's version and device and hashed, so that a foreign or damaged one deserialises to None, as
the real one's does. Versions: "8.5" and "10" have precision flags; "10" and "11" have progress monitors; "11" is
strongly typed only. Limits: no dynamic shapes, no plugins, DLA layers all fall back to the GPU.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from enum import IntEnum
from types import ModuleType
from typing import Any

import fake_gpu
import numpy as np
import onnxruntime

_MAGIC = b"fake plan\n"
_CALIBRATION = b"TRT-fake-EntropyCalibration2\n"


class Logger:
    ERROR = 1

    def __init__(self, min_severity: int = 2) -> None:
        self.min_severity = min_severity


class DataType(IntEnum):
    FLOAT = 0
    HALF = 1


class TensorIOMode(IntEnum):
    NONE = 0
    INPUT = 1
    OUTPUT = 2


class MemoryPoolType(IntEnum):
    WORKSPACE = 0


class DeviceType(IntEnum):
    GPU = 0
    DLA = 1


class OldBuilderFlag(IntEnum):
    FP16 = 0
    INT8 = 1
    GPU_FALLBACK = 3


class NewBuilderFlag(IntEnum):
    GPU_FALLBACK = 3


class OldNetworkFlag(IntEnum):
    EXPLICIT_BATCH = 0


class NewNetworkFlag(IntEnum):
    STRONGLY_TYPED = 1


@functools.lru_cache(maxsize=4)
def _session(onnx: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


class IHostMemory:
    """Buffer protocol through bytes()."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __bytes__(self) -> bytes:
        return self._data

    @property
    def nbytes(self) -> int:
        return len(self._data)


class IProgressMonitor:
    def __init__(self) -> None:
        self.ready = True


class IInt8EntropyCalibrator2:
    def __init__(self) -> None:
        self.ready = True


class ParserError:
    def __init__(self, text: str) -> None:
        self._text = text

    def desc(self) -> str:
        return self._text


class Network:
    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.onnx: bytes | None = None


class OnnxParser:
    def __init__(self, network: Network, logger: Logger) -> None:
        self._network = network
        self._errors: list[ParserError] = []

    def parse(self, model: bytes, path: str | None = None) -> bool:
        try:
            _session(bytes(model))
        except Exception as error:
            self._errors.append(ParserError(str(error)))
            return False
        self._network.onnx = bytes(model)
        return True

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> ParserError:
        return self._errors[index]


class TimingCache:
    def __init__(self, data: bytes) -> None:
        self._data = data or b"fake timing " + VERSION.encode()

    def serialize(self) -> IHostMemory:
        return IHostMemory(self._data)


class BuilderConfig:
    def __init__(self) -> None:
        self.flags: set[int] = set()
        self.default_device_type = DeviceType.GPU
        self.DLA_core = -1
        self.int8_calibrator: Any = None
        self.progress_monitor: Any = None
        self._timing: TimingCache | None = None

    def set_flag(self, flag: int) -> None:
        self.flags.add(flag)

    def set_memory_pool_limit(self, pool: MemoryPoolType, pool_size: int) -> None:
        assert pool_size > 0

    def create_timing_cache(self, serialized_timing_cache: bytes) -> TimingCache | None:
        if serialized_timing_cache and not serialized_timing_cache.startswith(b"fake timing"):
            return None
        return TimingCache(serialized_timing_cache)

    def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
        if not ignore_mismatch and not bytes(cache.serialize()).endswith(VERSION.encode()):
            return False
        self._timing = cache
        return True

    def get_timing_cache(self) -> TimingCache | None:
        return self._timing


class Builder:
    def __init__(self, logger: Logger) -> None:
        fake_gpu.gpu.check_current("createInferBuilder")
        self.num_DLA_cores = state.dla_cores

    def _dla_can(self, config: BuilderConfig) -> bool:
        """A core that there is, in a precision it computes in."""
        typed = VERSION.startswith("11")
        low = typed or bool(config.flags & {OldBuilderFlag.FP16, OldBuilderFlag.INT8})
        return low and 0 <= config.DLA_core < state.dla_cores

    def create_network(self, flags: int = 0) -> Network:
        return Network(flags)

    def create_builder_config(self) -> BuilderConfig:
        return BuilderConfig()

    def build_serialized_network(self, network: Network, config: BuilderConfig) -> IHostMemory | None:
        fake_gpu.gpu.check_current("build_serialized_network")
        state.builds.append(config)
        if network.onnx is None or state.refuse_build:
            return None
        if VERSION.startswith("8") and not network.flags & 1:
            return None  # 8.x parses ONNX only with an explicit batch
        if config.default_device_type == DeviceType.DLA and not self._dla_can(config):
            return None
        if OldBuilderFlag.INT8 in config.flags and not _calibrated(config.int8_calibrator, network.onnx):
            return None
        monitor = config.progress_monitor
        if monitor is not None:
            monitor.phase_start("Building Engine", None, 2)
            for step in range(2):
                time.sleep(state.build_s / 2)
                monitor.step_complete("Building Engine", step)
            monitor.phase_finish("Building Engine")
        else:
            time.sleep(state.build_s)
        return IHostMemory(_pack(network.onnx))


class OldBuilder(Builder):
    """Until 10: asked whether the GPU computes in a precision."""

    platform_has_fast_int8 = True


def _calibrated(calibrator: Any, onnx: bytes) -> bool:
    """As the real one: a kept calibration of its own is enough, else batches from device memory till there are none."""
    kept = calibrator.read_calibration_cache()
    if kept is not None:
        return bytes(kept).startswith(_CALIBRATION)
    (entry,) = _session(onnx).get_inputs()
    nbytes = 4 * int(np.prod(entry.shape)) * calibrator.get_batch_size()
    state.calibrated = []
    while (addresses := calibrator.get_batch([entry.name])) is not None:
        (address,) = addresses
        array = fake_gpu.gpu.array(address, nbytes)
        if array.shape != tuple(entry.shape) or not np.isfinite(array).all():
            return False
        state.calibrated.append(float(array.mean()))
    if not state.calibrated:
        return False
    calibrator.write_calibration_cache(memoryview(_CALIBRATION + str(len(state.calibrated)).encode()))
    return True


def _pack(onnx: bytes) -> bytes:
    body = onnx[::-1] if state.wrong_output else onnx
    head = json.dumps({"version": VERSION, "device": "8.7", "sha256": hashlib.sha256(body).hexdigest()}).encode()
    return _MAGIC + head + b"\n" + body


class Runtime:
    def __init__(self, logger: Logger) -> None:
        fake_gpu.gpu.check_current("createInferRuntime")
        self.DLA_core = -1
        self.num_DLA_cores = state.dla_cores

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> Engine | None:
        fake_gpu.gpu.check_current("deserialize_cuda_engine")
        state.loads += 1
        parts = bytes(serialized_engine).split(b"\n", 2)
        if len(parts) != 3 or parts[0] + b"\n" != _MAGIC:
            return None
        head = json.loads(parts[1])
        if head["version"] != VERSION or head["sha256"] != hashlib.sha256(parts[2]).hexdigest():
            return None
        return Engine(parts[2])


class Engine:
    def __init__(self, onnx: bytes) -> None:
        self.session = _session(onnx)
        self._inputs = {entry.name: tuple(entry.shape) for entry in self.session.get_inputs()}
        self._outputs = {entry.name: tuple(entry.shape) for entry in self.session.get_outputs()}
        self.shapes = {**self._inputs, **self._outputs}

    @property
    def num_io_tensors(self) -> int:
        return len(self.shapes)

    def get_tensor_name(self, index: int) -> str:
        return str(list(self.shapes)[index])

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shapes[name]

    def get_tensor_dtype(self, name: str) -> DataType:
        return DataType.FLOAT

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return TensorIOMode.INPUT if name in self._inputs else TensorIOMode.OUTPUT

    def create_execution_context(self) -> ExecutionContext:
        fake_gpu.gpu.check_current("create_execution_context")
        return ExecutionContext(self)


class ExecutionContext:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._addresses: dict[str, int] = {}

    def set_tensor_address(self, name: str, memory: int) -> bool:
        if name not in self._engine.shapes:
            return False
        self._addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        fake_gpu.gpu.check_current("execute_async_v3")
        stream = fake_gpu.gpu.streams.get(stream_handle)
        if stream is None or set(self._addresses) != set(self._engine.shapes):
            return False  # no such stream (0 is the default one), or a tensor without an address
        addresses = dict(self._addresses)
        stream.put(lambda: self._poison(addresses), lambda: self._execute(addresses))
        return True

    def _array(self, name: str, addresses: dict[str, int]) -> Any:
        nbytes = 4 * int(np.prod(self._engine.shapes[name]))
        return fake_gpu.gpu.array(addresses[name], nbytes)

    def _poison(self, addresses: dict[str, int]) -> None:
        for name in addresses:
            array = self._array(name, addresses)
            if self._engine.get_tensor_mode(name) == TensorIOMode.OUTPUT:
                fake_gpu.poison(array)

    def _execute(self, addresses: dict[str, int]) -> None:
        names = list(addresses)
        for name in names:
            fake_gpu.gpu.check_written(addresses[name], self._array(name, addresses).nbytes)
        feeds = {n: np.asarray(self._array(n, addresses)) for n in names
                 if self._engine.get_tensor_mode(n) == TensorIOMode.INPUT}  # fmt: skip
        results = self._engine.session.run(None, feeds)
        for entry, values in zip(self._engine.session.get_outputs(), results, strict=True):
            self._array(entry.name, addresses)[...] = values


class State:
    """What a test may look at and turn: how often was built and loaded, what goes wrong."""

    def __init__(self) -> None:
        self.builds: list[BuilderConfig] = []
        self.loads = 0
        self.build_s = 0.0
        self.refuse_build = False
        self.wrong_output = False
        self.dla_cores = 2  # as Orin NX and AGX
        self.calibrated: list[float] = []  # mean of each batch of the last calibration


VERSION = "10.3.0"
state = State()


def tensorrt_module(version: str = "10.3.0") -> ModuleType:
    """`tensorrt` of this version for sys.modules, with a fresh state."""
    global VERSION, state
    VERSION, state = version, State()
    module = ModuleType("tensorrt")
    major = int(version.split(".")[0])
    names: dict[str, Any] = {
        "__version__": version, "Logger": Logger, "DataType": DataType, "TensorIOMode": TensorIOMode,
        "MemoryPoolType": MemoryPoolType, "DeviceType": DeviceType, "OnnxParser": OnnxParser,
        "Builder": Builder if major >= 11 else OldBuilder,
        "Runtime": Runtime, "BuilderFlag": NewBuilderFlag if major >= 11 else OldBuilderFlag,
        "NetworkDefinitionCreationFlag": NewNetworkFlag if major >= 11 else OldNetworkFlag,
    }  # fmt: skip
    if major >= 10:
        names["IProgressMonitor"] = IProgressMonitor
    if major < 11:
        names["IInt8EntropyCalibrator2"] = IInt8EntropyCalibrator2
    module.__dict__.update(names)
    return module
