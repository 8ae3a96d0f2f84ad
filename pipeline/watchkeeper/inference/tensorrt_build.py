"""Builds a TensorRT engine from ONNX, for TensorRT 8.5 to 11: what a version does not have is not asked for.

Building takes minutes on a board, so it says how far it is: to stderr, and to whoever gave a callback.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tensorrt as trt

from watchkeeper.inference.build_options import BuildOptions
from watchkeeper.inference.engine import EngineError, Progress
from watchkeeper.inference.store import read_sealed, write_sealed

_WORKSPACE_BYTES = 256 << 20
_BEAT_S = 0.5
_LINE_EVERY_S = 10.0


def typed_by_graph() -> bool:
    """Whether precision is taken from the ONNX alone (TensorRT 11 has no FP16 flag)."""
    return not hasattr(trt.BuilderFlag, "FP16")


def build_plan(
    name: str,
    onnx: bytes,
    options: BuildOptions,
    logger: Any,
    progress: Progress | None,
    *,
    timing_cache: Path,
    calibration_cache: Path,
) -> bytes:
    """The serialized engine. The primary context has to be current. Raises EngineError naming `name` and the reason."""
    builder = trt.Builder(logger)
    network = builder.create_network(_network_flags())
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(onnx):
        why = "; ".join(str(parser.get_error(i).desc()) for i in range(parser.num_errors)) or "no reason given"
        raise EngineError(f"{name}: TensorRT does not accept the network: {' '.join(why.split())}")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, _WORKSPACE_BYTES)
    _set_precision(name, builder, config, options, calibration_cache)
    if options.dla is not None:
        check_dla(name, options.dla, builder)
        config.default_device_type = trt.DeviceType.DLA
        config.DLA_core = options.dla
        config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
    _use_timing_cache(config, timing_cache)
    with _told(name, config, progress):
        plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(f"{name}: TensorRT could not build an engine; its own messages on stderr say why")
    cache = config.get_timing_cache()
    if cache is not None:
        write_sealed(timing_cache, bytes(cache.serialize()))
    return bytes(plan)


def _network_flags() -> int:
    flags = trt.NetworkDefinitionCreationFlag
    if typed_by_graph():
        return 1 << int(flags.STRONGLY_TYPED)
    return 1 << int(flags.EXPLICIT_BATCH)  # 8.x needs it, 10 ignores it


def check_dla(name: str, core: int, builder_or_runtime: Any) -> None:
    """Raises EngineError naming `name` unless this board has that core."""
    cores = int(getattr(builder_or_runtime, "num_DLA_cores", 0))
    if core >= cores:
        has = f"it has {cores}, numbered from 0" if cores else "it has none (Orin Nano and Thor have none)"
        raise EngineError(f"{name}: dla {core}: expected a DLA core of this board; {has}")


def check_precision(name: str, options: BuildOptions) -> None:
    """Raises EngineError naming `name` for a choice that cannot be, or not with this TensorRT."""
    if (problem := options.problem()) is not None:
        raise EngineError(f"{name}: {problem}")
    if options.precision == "int8" and typed_by_graph():
        raise EngineError(
            f"{name}: precision int8: TensorRT {trt.__version__} takes it from the ONNX only; expected fp16 or fp32"
        )


def _set_precision(name: str, builder: Any, config: Any, options: BuildOptions, calibration_cache: Path) -> None:
    if options.precision == "fp32" or typed_by_graph():
        return
    config.set_flag(trt.BuilderFlag.FP16)
    if options.precision == "int8":
        if not builder.platform_has_fast_int8:
            raise EngineError(f"{name}: precision int8: this GPU does not compute in it; expected fp16")
        from watchkeeper.inference.tensorrt_int8 import calibrator

        kept = None if options.fresh else read_sealed(calibration_cache)
        if kept is None and options.calibration is None:
            raise EngineError(
                f"{name}: precision int8: no calibration is kept; expected `watchkeeper models build --engine tensorrt "
                "--precision int8` to have been run here"
            )
        pictures = options.calibration() if kept is None and options.calibration is not None else ()
        if kept is None and not pictures:
            raise EngineError(f"{name}: int8 needs pictures to calibrate with; expected at least one")
        config.set_flag(trt.BuilderFlag.INT8)
        config.int8_calibrator = calibrator(pictures, kept, lambda made: write_sealed(calibration_cache, made))


def _use_timing_cache(config: Any, path: Path) -> None:
    """The kept measurements of kernels, or none: they are checked to be of this device (ignore_mismatch false)."""
    for kept in (read_sealed(path) or b"", b""):
        cache = config.create_timing_cache(kept)
        if cache is not None and config.set_timing_cache(cache, False):
            return


class _Teller:
    """Turns beats and TensorRT's own phases into lines on stderr and calls of the callback."""

    def __init__(self, name: str, progress: Progress | None) -> None:
        self._name, self._progress = name, progress
        self._began_s = time.monotonic()
        self._next_line_s = 0.0
        self.phase = ""

    def beat(self) -> None:
        took_s = time.monotonic() - self._began_s
        text = f"building the engine of {self._name}: {took_s:.0f} s" + (f", {self.phase}" if self.phase else "")
        if self._progress is not None:
            self._progress(text)
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        elif took_s >= self._next_line_s:
            self._next_line_s = took_s + _LINE_EVERY_S
            print(text, file=sys.stderr, flush=True)


@contextmanager
def _told(name: str, config: Any, progress: Progress | None) -> Iterator[None]:
    teller, done = _Teller(name, progress), threading.Event()

    def beats() -> None:
        while not done.wait(_BEAT_S):
            teller.beat()

    if hasattr(trt, "IProgressMonitor"):  # TensorRT 10 and later
        config.progress_monitor = _monitor(teller)
    teller.beat()
    thread = threading.Thread(target=beats, name="engine-build", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        if sys.stderr.isatty():
            print(file=sys.stderr)


def _monitor(teller: _Teller) -> Any:
    class Monitor(trt.IProgressMonitor):
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._steps[phase_name] = num_steps
            if parent_phase is None:
                teller.phase = phase_name

        def step_complete(self, phase_name: str, step: int) -> bool:
            teller.phase = f"{phase_name} {step + 1}/{self._steps.get(phase_name, 0)}"
            return True

        def phase_finish(self, phase_name: str) -> None:
            self._steps.pop(phase_name, None)

    return Monitor()
