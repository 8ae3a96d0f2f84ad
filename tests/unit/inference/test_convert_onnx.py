"""The .tflite -> ONNX converter: parity on real crops, what it refuses, and its cache."""

from __future__ import annotations

import builtins
import contextlib
import random
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import onnx
import pytest

from watchkeeper.commands.models_parity import LIMITS
from watchkeeper.commands.parity import compare
from watchkeeper.errors import BadInputError
from watchkeeper.inference import onnx_file
from watchkeeper.inference.convert import operators
from watchkeeper.inference.convert.tflite_file import ConvertError
from watchkeeper.inference.convert.to_onnx import to_onnx
from watchkeeper.inference.engine import Engine, EngineError
from watchkeeper.inference.manifest import Manifest, channels_first, load_manifests, model_file
from watchkeeper.inference.onnx_file import FP16, FP16_WEIGHTS, FP32, onnx_bytes, onnx_path
from watchkeeper.inference.onnxruntime import OnnxRuntimeEngine
from watchkeeper.inference.store import seal_of

pytestmark = pytest.mark.needs_models
BY_NAME = {manifest.name: manifest for manifest in load_manifests()}


def _bytes(name: str) -> bytes:
    return model_file(BY_NAME[name]).read_bytes()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The smallest network's file in a folder of its own."""
    return Path(shutil.copy(model_file(BY_NAME["face_detector"]), tmp_path / "net.tflite"))


@pytest.mark.parametrize("precision", [FP32, FP16_WEIGHTS, FP16])
def test_real_crops_agree_with_litert(precision: str) -> None:
    with ExitStack() as stack:
        others: dict[str, Engine] = {
            name: stack.enter_context(OnnxRuntimeEngine(model_file(manifest), precision=precision))
            for name, manifest in BY_NAME.items()
        }
        compared = compare(others, frames=3)
    assert {made.model for made in compared} == set(BY_NAME)
    px, score = LIMITS[precision]
    for made in compared:
        for name, difference in made.outputs.items():
            pixels = name in ("regressors", "conv2d_20", "Identity", "output_eyes_contours_and_brows", "output_iris")
            assert difference.worst_frame_mean <= (px if pixels else score), (made.model, name)
            assert difference.frames == 3


@pytest.mark.parametrize("manifest", BY_NAME.values(), ids=lambda m: str(m.name))
def test_graph_is_channels_first_with_a_fixed_batch_and_keeps_prelu(manifest: Manifest) -> None:
    data = _bytes(manifest.name)
    model = onnx.load_from_string(to_onnx(data))
    kinds = [node.op_type for node in model.graph.node]
    stated = manifest.inputs[0].spec.shape
    found = tuple(d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim)
    if manifest.inputs[0].layout.endswith("RGB"):  # grey with one channel lies the same either way
        assert found == channels_first(stated)
        assert found[0] == 1
        outputs = len(model.graph.output)
        assert kinds.count("Transpose") <= outputs + 2  # at the flattened outputs only, none between layers
    else:
        assert found == stated
    assert kinds.count("PRelu") == sum(op.kind == "PRELU" for op in _operators(data))
    assert [entry.name for entry in model.graph.output] == [entry.spec.name for entry in manifest.outputs]
    assert to_onnx(data) == to_onnx(data)


def _operators(data: bytes) -> tuple[Any, ...]:
    from watchkeeper.inference.convert.tflite_file import read_graph

    return read_graph(data).operators


def test_half_precision_keeps_float32_at_both_ends() -> None:
    model = onnx.load_from_string(to_onnx(_bytes("iris_landmarks"), FP16))
    ends = [*model.graph.input, *model.graph.output]
    assert {entry.type.tensor_type.elem_type for entry in ends} == {onnx.TensorProto.FLOAT}
    weights = [entry for entry in model.graph.initializer if entry.data_type != onnx.TensorProto.INT64]
    assert {entry.data_type for entry in weights} == {onnx.TensorProto.FLOAT16}


def test_unknown_operator_and_precision_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(operators.OPERATORS, "MAX_POOL_2D")
    with pytest.raises(ConvertError, match="MAX_POOL_2D"):
        to_onnx(_bytes("face_detector"))
    with pytest.raises(ValueError, match="expected one of fp32"):
        to_onnx(_bytes("face_detector"), "fp8")


def test_cut_and_damaged_files_are_refused_or_still_a_valid_graph() -> None:
    data, chance = _bytes("face_detector"), random.Random(3)
    for cut in (0, 7, 100, 1000, len(data) // 2):
        with pytest.raises(ConvertError):
            to_onnx(data[:cut])
    for _ in range(40):
        broken = bytearray(data)
        for _ in range(4):  # where the tables are: at the end of this file
            broken[len(data) - 1 - chance.randrange(20_000)] ^= 1 << chance.randrange(8)
        with contextlib.suppress(ConvertError):  # anything else would be a crash on the board
            onnx.checker.check_model(onnx.load_from_string(to_onnx(bytes(broken))))


def test_kept_file_is_used_and_a_damaged_one_is_made_again(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, path = onnx_bytes(copied), onnx_path(copied)
    assert path.read_bytes() == good
    for damage in (good[:-100], good[:500] + b"\x55" + good[501:], b""):
        path.write_bytes(damage)
        assert onnx_bytes(copied) == good
        assert path.read_bytes() == good
    seal_of(path).unlink()
    assert onnx_bytes(copied) == good
    _without_onnx(monkeypatch)
    assert onnx_bytes(copied) == good  # a board needs the package once


def test_without_the_package_the_error_says_what_to_do(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_onnx(monkeypatch)
    with pytest.raises(BadInputError, match=r"net-onnx1-fp32\.onnx: missing, and making it needs the package onnx"):
        onnx_bytes(copied)
    assert list(copied.parent.iterdir()) == [copied]


def test_file_that_is_no_network_names_itself(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(b"\x00" * 64)
    with pytest.raises(EngineError, match=r"net\.tflite: cannot be converted to ONNX: expected a TensorFlow Lite file"):
        onnx_bytes(path)
    with pytest.raises(EngineError, match=r"other\.tflite: cannot be read"):
        onnx_bytes(tmp_path / "other.tflite")


def _without_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        if name == "watchkeeper.inference.convert.to_onnx":
            raise ModuleNotFoundError("No module named 'onnx'", name="onnx")
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert onnx_file.CONVERTER_VERSION
