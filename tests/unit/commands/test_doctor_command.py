"""doctor: keys of its JSON, findings of the device against fakes and where there is no device."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fake_gpu
import fake_launch
import pytest
from install import installed

from watchkeeper.board import load_board
from watchkeeper.cli import main
from watchkeeper.commands import checks, doctor
from watchkeeper.commands.checks import device
from watchkeeper.errors import BadInputError
from watchkeeper.preprocess.cubin_pack import CUBIN, Image, packed

pytestmark = pytest.mark.needs_models


def _rows(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
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
    assert rows["copies"]["data"] == {
        "source": "demo:",
        "copied_bytes_per_frame": 0.0,
        "by_place": {"decode": 0.0, "upload": 0.0, "download": 0.0},
    }
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
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "preprocess.cubins").write_bytes(
        packed([Image("preprocess", CUBIN, (8, 7), (12, 6), fake_launch.IMAGE)])
    )
    jetson = dataclasses.replace(load_board("host"), engines=("tensorrt",), preprocess="cuda")
    monkeypatch.setattr(device, "load_board", lambda name: jetson)
    assert doctor.run(argparse.Namespace(device=True, json=True, tree=None)) == 0
    rows = _rows(capsys)
    assert rows["gpu"]["data"] == {"name": "fake Orin", "compute_capability": "8.7"}
    assert rows["engine-against-golden"]["data"] == {"engine": "tensorrt"}
    assert fake_gpu.gpu.launches >= 5
    assert (rows["gpu-kernel-against-cpu"]["status"], rows["copies"]["status"]) == ("pass", "warn")
    # the demo drive lies in the decoder's memory, 640x480 in 4:2:0
    assert rows["copies"]["data"]["by_place"] == {"decode": 0.0, "upload": 640 * 480 * 1.5, "download": 0.0}
    assert "memory=cuda" in str(rows["copies"]["action"])


def test_a_failed_check_is_a_row_and_exit_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> checks.Finding:
        raise BadInputError("camera.toml: width: expected a number")

    monkeypatch.setattr(device, "clocks", broken)
    assert main(["doctor", "--device", "--json"]) == 1
    row = _rows(capsys)["clocks"]
    assert (row["status"], row["found"]) == ("fail", "camera.toml: width: expected a number")
