"""Every engine through one suite, on a network small enough to be written down here: y = 3 x + 0.5."""

from __future__ import annotations

import argparse
import gc
import hashlib
import importlib.util
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import flatbuffers  # comes with ai-edge-litert
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from install import installed

from watchkeeper.commands import models as models_command
from watchkeeper.errors import BadInputError
from watchkeeper.inference.engine import (
    Engine,
    EngineError,
    KeepsEngines,
    TensorSpec,
    engine_class,
    engine_names,
    open_engine,
)
from watchkeeper.inference.manifest import (
    Golden,
    InputSpec,
    Manifest,
    ModelFileError,
    OutputSpec,
    golden_input,
    golden_problem,
    load_manifests,
)

SHAPE = (1, 2, 2, 3)


@pytest.fixture(autouse=True)
def _gpu() -> Iterator[None]:
    """TensorRT and pycuda where this machine has them, else the fake pair."""
    if importlib.util.find_spec("tensorrt") and importlib.util.find_spec("pycuda"):
        yield
    else:
        with installed():
            yield


def _tensor(name: str, shape: list[int], buffer: int) -> object:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer = name.encode(), np.array(shape, np.int32), buffer
    tensor.type = schema.TensorType.FLOAT32
    return tensor


def _operator(code: int, inputs: list[int], output: int, options: object, kind: int) -> object:
    operator = schema.OperatorT()
    operator.opcodeIndex = code
    operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
    operator.builtinOptions, operator.builtinOptionsType = options, kind
    return operator


def _tiny_tflite() -> bytes:
    """x -> scaled = x * 3 -> y = scaled + 0.5; outputs y, scaled."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.operatorCodes, model.buffers = 3, [], []
    for builtin in (schema.BuiltinOperator.MUL, schema.BuiltinOperator.ADD):
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = 1
        model.operatorCodes.append(code)
    for constant in (None, 3.0, 0.5):
        buffer = schema.BufferT()
        buffer.data = None if constant is None else np.frombuffer(np.float32(constant).tobytes(), np.uint8)
        model.buffers.append(buffer)
    shape = list(SHAPE)
    graph.tensors = [
        _tensor("x", shape, 0), _tensor("three", [1], 1), _tensor("half", [1], 2),
        _tensor("scaled", shape, 0), _tensor("y", shape, 0),
    ]  # fmt: skip
    graph.inputs, graph.outputs = np.array([0], np.int32), np.array([4, 3], np.int32)
    graph.operators = [
        _operator(0, [0, 1], 3, schema.MulOptionsT(), schema.BuiltinOptions.MulOptions),
        _operator(1, [3, 2], 4, schema.AddOptionsT(), schema.BuiltinOptions.AddOptions),
    ]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    """The network in a cache of its own, with the manifest that describes it."""
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(tmp_path))
    data = _tiny_tflite()
    x = InputSpec(TensorSpec("x", SHAPE, "float32"), "NHWC", -1.0, 1.0)
    last = float(golden_input(x).reshape(-1)[11])
    manifest = Manifest(
        name="tiny", description="y = 3 x + 0.5", package="none", version="1", wheel_sha256="0" * 64,
        member="tiny.tflite", inner_member=None, licence="", origin="", sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data), inputs=(x,), path=Path("tiny.toml"),
        outputs=(
            OutputSpec(TensorSpec("y", SHAPE, "float32"), "", "", Golden((0, 11), (-2.5, 3 * last + 0.5), 1e-6)),
            OutputSpec(TensorSpec("scaled", SHAPE, "float32"), "", "", Golden((0,), (-3.0,), 1e-6)),
        ),
    )  # fmt: skip
    manifest.cached_path.parent.mkdir(parents=True)
    manifest.cached_path.write_bytes(data)
    return manifest


@pytest.fixture(params=engine_names())
def engine(request: pytest.FixtureRequest, tiny: Manifest) -> Iterator[Engine]:
    with open_engine(request.param, tiny) as opened:
        yield opened


def _address(array: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> int:
    return int(array.__array_interface__["data"][0])


def test_specs(engine: Engine) -> None:
    assert engine.inputs == (TensorSpec("x", SHAPE, "float32"),)
    assert engine.outputs == (TensorSpec("y", SHAPE, "float32"), TensorSpec("scaled", SHAPE, "float32"))


def test_run_reads_the_input_buffer_and_fills_the_outputs(engine: Engine) -> None:
    values = np.arange(12, dtype=np.float32).reshape(SHAPE)
    engine.input("x")[...] = values
    engine.run()
    np.testing.assert_allclose(engine.output("y"), values * 3 + 0.5, rtol=1e-6)
    np.testing.assert_allclose(engine.output("scaled"), values * 3, rtol=1e-6)


def test_buffers_never_move(engine: Engine) -> None:
    arrays = [engine.input(0), engine.output(0), engine.output(1)]
    addresses = [_address(a) for a in arrays]
    for value in range(5):
        arrays[0].fill(value)
        engine.run()
        assert float(arrays[1].reshape(-1)[0]) == value * 3 + 0.5  # the array taken before sees every run
    assert [_address(a) for a in (engine.input("x"), engine.output("y"), engine.output("scaled"))] == addresses


def test_name_and_index_are_the_same_buffer(engine: Engine) -> None:
    assert _address(engine.input("x")) == _address(engine.input(0))
    assert _address(engine.output("scaled")) == _address(engine.output(1))


def test_input_starts_as_zeros_and_outputs_are_read_only(engine: Engine) -> None:
    assert not engine.input(0).any()
    assert not engine.output(0).flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        engine.output(0)[...] = 1


def test_unknown_tensor_lists_the_known(engine: Engine) -> None:
    with pytest.raises(KeyError, match="there are y, scaled"):
        engine.output("z")
    with pytest.raises(KeyError):
        engine.input(1)


def test_use_after_close_fails_and_late_arrays_do_not_crash(engine: Engine) -> None:
    x, y = engine.input(0), engine.output(0)
    x.fill(2)
    engine.run()
    engine.close()
    engine.close()
    for use in (engine.run, lambda: engine.input(0), lambda: engine.output("y")):
        with pytest.raises(ValueError, match="closed"):
            use()
    gc.collect()
    x.fill(7)
    assert float(y.reshape(-1)[0]) == 6.5


def test_runs_in_another_thread(engine: Engine) -> None:
    engine.input(0).fill(1)
    thread = threading.Thread(target=engine.run)
    thread.start()
    thread.join()
    assert float(engine.output(0).reshape(-1)[0]) == 3.5


def test_golden_output_passes_and_can_fail(engine: Engine, tiny: Manifest) -> None:
    assert golden_problem(tiny, engine) is None
    first = tiny.outputs[0]
    wrong = replace(tiny, outputs=(replace(first, golden=Golden((0,), (-2.49,), 1e-3)),))
    assert golden_problem(wrong, engine) == "y[0]: expected -2.49 within 0.001, got -2.5"


def test_shapes_other_than_the_manifests_are_refused(tiny: Manifest) -> None:
    other = replace(tiny, inputs=(replace(tiny.inputs[0], spec=TensorSpec("x", (1, 4), "float32")),))
    with pytest.raises(ModelFileError, match="input: states x 1x4 float32, the model has x 1x2x2x3 float32"):
        open_engine("litert", other)


@pytest.mark.parametrize("name", engine_names())
def test_a_file_that_is_no_model(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(_tiny_tflite()[:300])
    with pytest.raises(EngineError, match=r"net\.tflite") as caught:
        engine_class(name)(path)
    assert "\n" not in str(caught.value)


def test_unknown_engine_lists_the_known(tiny: Manifest) -> None:
    with pytest.raises(BadInputError, match="unknown engine; known are litert, onnxruntime, tensorrt"):
        open_engine("abacus", tiny)


def test_opening_says_nothing_on_stderr(tiny: Manifest, capfd: pytest.CaptureFixture[str]) -> None:
    open_engine("litert", tiny).close()
    assert capfd.readouterr().err == ""


def test_verify_passes_then_tells_a_damaged_file(
    tiny: Manifest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(models_command, "load_manifests", lambda: [tiny])
    assert models_command.run_verify(argparse.Namespace(json=True)) == 0
    assert json.loads(capsys.readouterr().out)[0]["ok"] is True
    tiny.cached_path.write_bytes(bytes(tiny.size_bytes))
    assert models_command.run_verify(argparse.Namespace(json=True)) == 1
    row = json.loads(capsys.readouterr().out)[0]
    assert row["ok"] is False
    assert "sha256" in row["problem"]


def test_list_and_build_report_what_is_there(
    tiny: Manifest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(models_command, "load_manifests", lambda: [tiny])
    assert models_command.run_list(argparse.Namespace(json=True)) == 0
    assert json.loads(capsys.readouterr().out)[0]["cached"] is True
    assert models_command.run_build(argparse.Namespace(json=False)) == 0
    assert "nothing was downloaded" in capsys.readouterr().out


@pytest.mark.needs_models
@pytest.mark.parametrize("manifest", load_manifests(), ids=lambda m: m.name)
@pytest.mark.parametrize("name", engine_names())
def test_packaged_models_give_their_golden_output(name: str, manifest: Manifest) -> None:
    with open_engine(name, manifest) as engine:
        slack = engine.golden_slack if isinstance(engine, KeepsEngines) else 1.0
        assert golden_problem(manifest, engine, slack) is None
        picture = engine.input(0).reshape(-1)
        picture[...] = picture[::-1].copy()  # the check must notice an input that is not the golden one
        engine.run()
        changed = engine.output(0).reshape(-1)
        golden = manifest.outputs[0].golden
        differences = [abs(float(changed[i]) - v) for i, v in zip(golden.indices, golden.values, strict=True)]
        assert max(differences) > golden.tolerance * slack, "golden values do not depend on the input"
