"""The TensorRT engine over the fake GPU: cache, damage, kill -9, full disk, threads, order of closing, progress."""

from __future__ import annotations

import errno
import gc
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fake_gpu
import fake_tensorrt
import numpy as np
import pytest
from install import installed

from watchkeeper.errors import BadInputError
from watchkeeper.inference.build_options import BuildOptions
from watchkeeper.inference.engine import EngineError, open_engine
from watchkeeper.inference.manifest import load_manifest, model_file

pytestmark = pytest.mark.needs_models
MODEL = "face_detector"
VERSIONS = ("8.5.3.1", "8.6.1", "10.3.0", "11.4.0.106")


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own with the smallest network in it."""
    source = model_file(load_manifest(MODEL))
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(tmp_path))
    (tmp_path / "models").mkdir()
    shutil.copy(source, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def gpu(cache: Path) -> Iterator[Path]:
    with installed():
        yield cache


def _open(**named: Any) -> Any:
    return open_engine("tensorrt", load_manifest(MODEL), **named)


def _engine_file(cache: Path) -> Path:
    (path,) = cache.glob("*.engine")
    return path


def test_every_version_builds_once_and_then_loads(version: str, cache: Path) -> None:
    with installed(version):
        _open().close()
        _open().close()
        (config,) = fake_tensorrt.state.builds
        old = not version.startswith("11")
        assert (fake_tensorrt.OldBuilderFlag.FP16 in config.flags) == old
        (onnx,) = [path.name for path in cache.glob("*.onnx")]
        assert ("fp32" if old else "fp16") in onnx  # where there is no flag, precision is in the ONNX
        assert (config.progress_monitor is None) == version.startswith("8")


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flip(data: bytes) -> bytes:
    at = len(data) * 2 // 3
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]


@pytest.mark.parametrize("damage", [_cut, _flip, lambda data: b"", lambda data: data[:30], lambda data: b"\n" * 99])
def test_damaged_engine_is_built_again(gpu: Path, damage: Any) -> None:
    _open().close()
    file = _engine_file(gpu)
    good = file.read_bytes()
    file.write_bytes(damage(good))
    _open().close()
    assert len(fake_tensorrt.state.builds) == 2
    assert file.read_bytes() == good
    assert fake_tensorrt.state.loads == 2  # the damaged one never got as far as TensorRT


def test_foreign_engine_is_built_again(cache: Path) -> None:
    with installed("8.6.1"):
        _open().close()
        foreign = _engine_file(cache)
    with installed("10.3.0"):
        _open().close()
        own = next(path for path in cache.glob("*.engine") if path != foreign)
        own.write_bytes(foreign.read_bytes())  # under the name of ours, yet another's
        _open().close()
        assert len(fake_tensorrt.state.builds) == 2


def test_engine_that_tensorrt_itself_refuses_is_built_again(gpu: Path) -> None:
    with _open() as engine:
        key, file = engine.key, engine.file
    from watchkeeper.inference import tensorrt_cache

    tensorrt_cache.save(file, key, b"another runtime's plan")
    _open().close()
    assert len(fake_tensorrt.state.builds) == 2


def test_wrong_golden_output_is_built_again_once_then_told(gpu: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fake_tensorrt.ExecutionContext._execute
    wrong = {"times": 0}

    def execute(self: Any, addresses: dict[str, int]) -> None:
        real(self, addresses)
        if len(fake_tensorrt.state.builds) <= wrong["times"]:
            for name in addresses:
                if name == "regressors":
                    self._array(name, addresses)[...] += 30.0

    monkeypatch.setattr(fake_tensorrt.ExecutionContext, "_execute", execute)
    wrong["times"] = 1
    _open().close()
    assert len(fake_tensorrt.state.builds) == 2
    wrong["times"] = 99
    with pytest.raises(EngineError, match=r"engine tensorrt, built anew: golden output: regressors\[0\]"):
        _open()
    assert not list(gpu.glob("*.engine"))


def test_full_disk_is_an_error_with_the_path(gpu: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _open().close()
    _engine_file(gpu).unlink()

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadInputError, match=rf"{gpu}/.*: cannot be written: No space left on device; expected free"):
        _open()
    assert not list(gpu.glob("*.engine"))
    assert not list(gpu.glob(".*"))


_BUILD = """
import sys
sys.path[:0] = [{fakes!r}]
import fake_tensorrt
from install import installed
from watchkeeper.inference import tensorrt_cache
from watchkeeper.inference.engine import open_engine
from watchkeeper.inference.manifest import load_manifest
with installed():
    fake_tensorrt.state.build_s = {build_s}
    if {stall_write}:
        import os
        def stall(fd):
            print("writing", flush=True)
            import time; time.sleep(60)
        real = tensorrt_cache.write_whole
        def write(path, data):
            os.fsync = stall
            real(path, data)
        tensorrt_cache.write_whole = write
    open_engine("tensorrt", load_manifest("face_detector"), progress=lambda text: print(text, flush=True))
"""


@pytest.mark.parametrize("stall_write", [False, True])
def test_kill_9_in_mid_build_leaves_a_clean_restart(cache: Path, stall_write: bool) -> None:
    code = _BUILD.format(
        fakes=str(Path(fake_gpu.__file__).parent), build_s=0 if stall_write else 60, stall_write=stall_write
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout is not None
    with child.stdout:
        wanted = "writing" if stall_write else "building the engine"
        assert any(wanted in line for line in child.stdout)
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not list(cache.glob("*.engine"))
    assert bool(list(cache.glob(".*.engine.*"))) == stall_write
    with installed():
        _open().close()
        assert len(fake_tensorrt.state.builds) == 1
    assert _engine_file(cache).stat().st_size > 100_000
    assert not list(cache.glob(".*"))


def test_damaged_timing_cache_is_not_used(gpu: Path) -> None:
    _open().close()
    (timing,) = gpu.glob("timing-*.cache")
    good = timing.read_bytes()
    _engine_file(gpu).unlink()
    timing.write_bytes(b"nonsense")
    _open().close()
    assert timing.read_bytes() == good


def test_progress_is_told_while_building(gpu: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fake_tensorrt.state.build_s = 1.2
    told: list[str] = []
    _open(progress=told.append).close()
    assert told[0].startswith("building the engine of face_detector")
    assert any("Building Engine 1/2" in text for text in told)
    assert "building the engine of face_detector" in capfd.readouterr().err
    told.clear()
    _open(progress=told.append).close()
    assert told == []


def test_refused_network_and_build_are_told(gpu: Path, tmp_path: Path) -> None:
    fake_tensorrt.state.refuse_build = True
    with pytest.raises(EngineError, match="could not build an engine"):
        _open()
    from watchkeeper.inference import tensorrt

    fake_tensorrt.state.refuse_build = False
    for options, expected in (
        (BuildOptions("int8"), r"int8: no calibration is kept; expected `watchkeeper models build"),
        (BuildOptions("int8", calibration=list), "int8 needs pictures to calibrate with"),
        (BuildOptions("fp8"), "precision fp8: expected fp32, fp16 or int8"),
        (BuildOptions(dla=-1), "dla -1: expected the number of a DLA core"),
        (BuildOptions("fp32", dla=0), "dla with precision fp32: a DLA computes in fp16 or int8 only"),
        (BuildOptions(dla=2), "dla 2: expected a DLA core of this board; it has 2, numbered from 0"),
    ):
        with pytest.raises(EngineError, match=expected):
            tensorrt.TensorRtEngine(model_file(load_manifest(MODEL)), options=options)


def test_outputs_are_not_there_before_the_run_was_waited_for(gpu: Path) -> None:
    with _open() as engine, engine._cuda.active():
        engine._enqueue()
        assert np.isnan(engine.output(0)).all()
        engine._wait()
        assert np.isfinite(engine.output(0)).all()


def test_calls_need_the_context_on_their_own_thread(gpu: Path) -> None:
    with _open() as engine:
        caught: list[Exception] = []

        def bare() -> None:
            try:
                engine._enqueue()
            except fake_gpu.LogicError as error:
                caught.append(error)

        threads = [threading.Thread(target=bare), threading.Thread(target=engine.run)]
        for thread in threads:
            thread.start()
            thread.join()
        assert len(caught) == 1
        assert not any(fake_gpu.gpu.stacks.values())  # nothing is left current anywhere
        assert np.isfinite(engine.output(0)).all()


def test_freed_buffer_and_missing_address_fail(gpu: Path) -> None:
    with _open() as engine, engine._cuda.active():
        fresh = engine._engine.create_execution_context()
        assert not fresh.execute_async_v3(engine._stream.handle)
        assert not engine._context.execute_async_v3(0)  # the default stream
        fake_gpu.gpu.memory.pop(engine.device_address("input"))
        with pytest.raises(fake_gpu.LogicError, match="illegal memory access"):
            engine._enqueue()


def test_a_hundred_openings_leave_nothing(gpu: Path) -> None:
    _open().close()
    for _ in range(100):
        with _open() as engine:
            engine.run()
        engine.close()
    gc.collect()
    assert not fake_gpu.gpu.graphs
    assert not any(array() is not None for array in fake_gpu.gpu.memory.values())
    assert not any(fake_gpu.gpu.stacks.values())
    assert fake_gpu.gpu.retained == 1  # one primary context a process, however many engines


def test_runs_are_launches_of_one_graph(gpu: Path) -> None:
    with _open() as engine:
        before = fake_gpu.gpu.launches
        for _ in range(5):
            engine.run()
        assert fake_gpu.gpu.launches == before + 5


def _pictures() -> list[Any]:
    return [np.full((1, 3, 128, 128), value, np.float32) for value in (0.25, 0.5)]


def test_int8_reads_its_pictures_and_dla_falls_back(gpu: Path) -> None:
    with _open(options=BuildOptions("int8", dla=1, calibration=_pictures)):
        (config,) = fake_tensorrt.state.builds
    flags = fake_tensorrt.OldBuilderFlag
    assert {flags.INT8, flags.FP16, flags.GPU_FALLBACK} <= config.flags
    assert (config.default_device_type, config.DLA_core) == (fake_tensorrt.DeviceType.DLA, 1)
    assert fake_tensorrt.state.calibrated == [0.25, 0.5]


def test_calibration_is_kept_and_used_again(gpu: Path) -> None:
    _open(options=BuildOptions("int8", calibration=_pictures)).close()
    (kept,) = gpu.glob("*.calibration")
    _engine_file(gpu).unlink()

    def none() -> list[Any]:
        raise AssertionError("a kept calibration needs no pictures")

    fake_tensorrt.state.calibrated = []
    _open(options=BuildOptions("int8", calibration=none)).close()  # as a board that builds anew after an update
    _open(options=BuildOptions("int8")).close()
    assert (len(fake_tensorrt.state.builds), fake_tensorrt.state.calibrated) == (2, [])
    _open(options=BuildOptions("int8", calibration=lambda: _pictures()[:1], fresh=True)).close()
    assert (len(fake_tensorrt.state.builds), fake_tensorrt.state.calibrated) == (3, [0.25])
    _engine_file(gpu).unlink()
    kept.write_bytes(b"damaged")
    with pytest.raises(EngineError, match="no calibration is kept"):
        _open(options=BuildOptions("int8"))


def test_each_choice_has_an_engine_of_its_own(gpu: Path) -> None:
    choices = (BuildOptions(), BuildOptions("fp32"), BuildOptions(dla=0), BuildOptions(dla=1))
    for _ in range(2):
        for options in choices:
            _open(options=options).close()
    assert len(fake_tensorrt.state.builds) == len(list(gpu.glob("*.engine"))) == len(choices)


def test_boards_without_a_dla_and_versions_without_int8_say_so(cache: Path) -> None:
    with installed("11.4.0"):
        with pytest.raises(EngineError, match=r"int8: TensorRT 11\.4\.0 takes it from the ONNX only; expected fp16"):
            _open(options=BuildOptions("int8", calibration=_pictures))
        fake_tensorrt.state.dla_cores = 0
        with pytest.raises(EngineError, match="it has none"):
            _open(options=BuildOptions(dla=0))
        assert not list(cache.glob("*.engine"))
    with pytest.raises(BadInputError, match=r"--engine litert: has no precision or DLA core to choose"):
        open_engine("litert", load_manifest(MODEL), options=BuildOptions())


def test_a_gpu_without_int8_says_so(gpu: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake_tensorrt.OldBuilder, "platform_has_fast_int8", False)
    with pytest.raises(EngineError, match="int8: this GPU does not compute in it; expected fp16"):
        _open(options=BuildOptions("int8", calibration=_pictures))


def test_two_processes_build_one_after_the_other(gpu: Path) -> None:
    from watchkeeper.inference import tensorrt_cache

    entered: list[float] = []
    path = gpu / "x.engine"

    def build() -> None:
        with tensorrt_cache.building(path):
            entered.append(time.monotonic())

    with tensorrt_cache.building(path):
        thread = threading.Thread(target=build)
        thread.start()
        thread.join(0.2)
        assert entered == []
    thread.join(30.0)
    assert len(entered) == 1


def test_vision_publishes_engine_build_while_it_lasts(gpu: Path) -> None:
    from watchkeeper.runtime.vision import EngineBuildNotice
    from watchkeeper.supervisor.liveness import Liveness, VisionStatus
    from watchkeeper.types import Cause, VisionReport

    fake_tensorrt.state.build_s = 1.2
    published: list[VisionReport] = []
    _open(progress=EngineBuildNotice(published.append)).close()
    assert len(published) >= 3
    assert all(b.published_ns > a.published_ns for a, b in itertools.pairwise(published))
    assert {Liveness().step(report, VisionStatus(), report.published_ns) for report in published} == {
        Cause.ENGINE_BUILD
    }
