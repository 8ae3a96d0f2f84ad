"""`bench kernels` without a peer: the report's shape, the comparison, and bad arguments."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import fake_launch
import pytest
from install import installed

from watchkeeper.cli import main
from watchkeeper.commands import bench_kernels, bench_kernels_gpu
from watchkeeper.preprocess.cubin_pack import CUBIN, Image, packed


def test_it_reports_every_case_beside_memcpy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "kernels.json"
    assert main(["bench", "kernels", "--rounds", "4", "--json", str(out)]) == 0
    made = json.loads(out.read_text())
    assert made["bench"] == "kernels"
    assert made["valid"] is True
    assert {row["case"] for row in made["results"]} == {
        f"{size}-{kind}" for size in ("480p", "720p", "1080p", "2160p") for kind in ("crop", "full")
    }
    for row in made["results"]:
        assert row["peer"] == "memcpy"
        assert row["ratio"] == pytest.approx(row["ours"] / row["peer_value"], abs=1e-3)
        assert row["n"] == 8
    assert "2160p-full" in capsys.readouterr().out


def test_a_regression_is_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "kernels.json"
    assert main(["bench", "kernels", "--rounds", "4", "--json", str(out)]) == 0
    made = json.loads(out.read_text())
    for row in made["results"]:
        row["ratio"] /= 100
    out.write_text(json.dumps(made))
    assert main(["bench", "kernels", "--rounds", "4", "--compare", str(out)]) == 1
    assert "worse" in capsys.readouterr().err


@pytest.mark.parametrize("bad", [["--rounds", "3"], ["--peer-python", "/nowhere/python"], ["--lanes", "mmx"]])
def test_bad_use(bad: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "kernels", "--rounds", "4", *bad]) == 2
    assert bad[0] in capsys.readouterr().err


def test_a_gpu_has_rows_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(tmp_path))
    (tmp_path / "kernels").mkdir()
    image = Image("preprocess", CUBIN, (8, 7), (12, 6), fake_launch.IMAGE)
    (tmp_path / "kernels" / "preprocess.cubins").write_bytes(packed([image]))
    monkeypatch.setattr(bench_kernels, "SIZES", {"480p": (640, 480)})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    out = tmp_path / "kernels.json"
    with installed():
        assert main(["bench", "kernels", "--rounds", "4", "--json", str(out)]) == 0
        rows = {(row["case"], row["metric"]): row for row in json.loads(out.read_text())["results"]}
        for case in ("480p-crop", "480p-full"):
            assert rows[case, "time_gpu"]["n"] == 4
            assert rows[case, "time_gpu"]["ours"] > 0
            assert rows[case, "copied_bytes_gpu"]["ours"] == 0
        monkeypatch.setattr(bench_kernels_gpu, "TOLERANCE", -1.0)
        assert main(["bench", "kernels", "--rounds", "4"]) == 1
    assert "the GPU's output is not the CPU's: 480p-crop" in capsys.readouterr().err


def test_without_a_gpu_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert bench_kernels_gpu.missing() == "not installed: pycuda"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(tmp_path))
    assert "no compiled kernels (tools/cubins)" in str(bench_kernels_gpu.missing())
