"""doctor: keys of its JSON, findings of the device against fakes and where there is no device."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import fake_gpu
import pytest
from install import installed

from watchkeeper.board import load_board
from watchkeeper.cli import main
from watchkeeper.commands import checks, doctor
from watchkeeper.commands.checks import device
from watchkeeper.errors import BadInputError

pytestmark = pytest.mark.needs_models


def _rows(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    rows = json.loads(capsys.readouterr().out)
    assert all({"check", "status", "found", "action"} <= set(row) for row in rows)
    return {row["check"]: row for row in rows}


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with installed():
        monkeypatch.setattr(device, "_missing", lambda *modules: None)
        yield


def test_without_a_device_it_skips_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    if device._missing("pycuda") is None:
        pytest.skip("this machine has pycuda")
    assert main(["doctor", "--device", "--json"]) == 0
    rows = _rows(capsys)
    assert (rows["gpu"]["status"], rows["gpu"]["found"]) == ("skip", "not installed: pycuda")
    assert rows["engine-against-golden"]["status"] == "pass"  # the host's engine is LiteRT
    assert rows["copies"]["data"] == {"source": "demo:", "copied_bytes_per_frame": 0.0}
    assert "weights" not in rows


def test_every_check_runs_and_says_something(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    # what may fail on a sound installation is the machine: a hot or starved one
    failed = {line.split()[1] for line in lines if line.startswith("fail")}
    assert (status, failed <= {"heat", "throttling"}) == (int(bool(failed)), True)
    assert [line.split()[1] for line in lines] == [name for _, name, _ in checks.TABLE]


def test_device_against_the_fake_gpu(
    gpu: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import dataclasses
    import shutil

    from watchkeeper.inference.manifest import load_manifests, model_file

    files = [model_file(manifest) for manifest in load_manifests()]
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(tmp_path))
    (tmp_path / "models").mkdir()
    for file in files:
        shutil.copy(file, tmp_path / "models")
    jetson = dataclasses.replace(load_board("host"), engines=("tensorrt",))
    monkeypatch.setattr(device, "load_board", lambda name: jetson)
    assert doctor.run(argparse.Namespace(device=True, json=True, tree=None)) == 0
    rows = _rows(capsys)
    assert rows["gpu"]["data"] == {"name": "fake Orin", "compute_capability": "8.7"}
    assert rows["engine-against-golden"]["data"] == {"engine": "tensorrt"}
    assert fake_gpu.gpu.launches >= 5


def test_a_failed_check_is_a_row_and_exit_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> checks.Finding:
        raise BadInputError("camera.toml: width: expected a number")

    monkeypatch.setattr(device, "clocks", broken)
    assert main(["doctor", "--device", "--json"]) == 1
    row = _rows(capsys)["clocks"]
    assert (row["status"], row["found"]) == ("fail", "camera.toml: width: expected a number")
