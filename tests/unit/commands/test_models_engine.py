"""`models build --engine tensorrt` with precision, DLA and calibration, over the fake TensorRT."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import fake_tensorrt
import pytest
from install import installed

from watchkeeper.board import load_board
from watchkeeper.cli import main
from watchkeeper.commands import models, models_engine
from watchkeeper.inference.manifest import load_manifest, model_file

pytestmark = pytest.mark.needs_models
BUILD = ["models", "build", "--engine", "tensorrt"]


@pytest.fixture(autouse=True)
def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    wanted = load_manifest("face_detector")
    files = [model_file(load_manifest(name)) for name in models_engine_needs()]
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(tmp_path))
    (tmp_path / "models").mkdir()
    for file in files:
        shutil.copy(file, tmp_path / "models")
    monkeypatch.setattr(models, "load_manifests", lambda: [wanted])
    monkeypatch.setattr(models_engine, "_PICTURES", 2)
    models_engine._inputs.cache_clear()
    with installed():
        yield


def models_engine_needs() -> list[str]:
    """Networks that the pictures to calibrate with are cut by, and all that get some."""
    return ["face_detector", "face_landmarks", "face_landmarks_478", "iris_landmarks", "face_blendshapes"]


def test_int8_on_a_dla_is_calibrated_with_the_demo_drive_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BUILD, "--precision", "int8", "--dla", "1"]) == 0
    (config,) = fake_tensorrt.state.builds
    assert fake_tensorrt.OldBuilderFlag.INT8 in config.flags
    assert config.DLA_core == 1
    first = fake_tensorrt.state.calibrated
    assert len(first) == 2
    assert all(-1.0 < mean < 1.0 for mean in first)  # as the detector's input is normalised
    assert main([*BUILD, "--precision", "int8", "--dla", "1"]) == 0
    assert len(fake_tensorrt.state.builds) == 1
    assert main([*BUILD, "--precision", "int8", "--dla", "1", "--calibrate", "demo:"]) == 0
    assert len(fake_tensorrt.state.builds) == 2
    assert fake_tensorrt.state.calibrated == first


def test_the_default_is_the_boards(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(BUILD) == 0
    (config,) = fake_tensorrt.state.builds
    assert config.flags == {fake_tensorrt.OldBuilderFlag.FP16}
    assert config.default_device_type == fake_tensorrt.DeviceType.GPU


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--precision", "int8"], "--precision int8: expected --engine tensorrt with it"),
        (["--engine", "onnxruntime", "--dla", "0"], "--dla 0: expected --engine tensorrt with it"),
        (["--engine", "abacus"], "--engine abacus: unknown engine; known are litert, onnxruntime, tensorrt"),
        (["--engine", "tensorrt", "--dla", "-1"], "dla -1: expected the number of a DLA core"),
        (["--engine", "tensorrt", "--dla", "7"], "dla 7: expected a DLA core of this board; it has 2"),
        (["--engine", "tensorrt", "--dla", "0", "--precision", "fp32"], "a DLA computes in fp16 or int8 only"),
        (["--engine", "tensorrt", "--calibrate", "demo:"], "--calibrate demo:: expected --precision int8 with it"),
        (
            ["--engine", "tensorrt", "--precision", "int8", "--calibrate", "pattern:64x48@30"],
            "pattern:64x48@30: no face found in it; expected a film of a driver",
        ),
    ],
)
def test_what_does_not_go_together_is_one_line(
    options: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "build", *options]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("watchkeeper models:")]
    assert len(told) == 1
    assert says in told[0]
    assert not list(tmp_path.rglob("*.engine"))
    assert not list(tmp_path.rglob("*.calibration"))


def test_verify_runs_the_engine_that_the_board_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    orin = dataclasses.replace(load_board("host"), precision="int8", dla=1)
    for module in (models, models_engine):
        monkeypatch.setattr(module, "load_board", lambda name: orin)
    assert main(["models", "verify", "--engine", "tensorrt"]) == 1
    assert "no calibration is kept; expected `watchkeeper models build" in capsys.readouterr().out
    assert main(BUILD) == 0
    assert main(["models", "verify", "--engine", "tensorrt"]) == 0
    (config,) = fake_tensorrt.state.builds
    assert (config.DLA_core, fake_tensorrt.OldBuilderFlag.INT8 in config.flags) == (1, True)
