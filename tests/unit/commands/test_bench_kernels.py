"""`bench kernels` without a peer: the report's shape, the comparison, and bad arguments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchkeeper.cli import main


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


@pytest.mark.parametrize("bad", [["--rounds", "3"], ["--peer-python", "/nowhere/python"]])
def test_bad_use(bad: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "kernels", "--rounds", "4", *bad]) == 2
    assert bad[0] in capsys.readouterr().err
