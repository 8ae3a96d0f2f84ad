"""The bench file's shape and the comparison with an earlier one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.commands.bench_report import Result, regressions, report
from watchkeeper.errors import BadInputError


def _made(ours: float, peer: float | None = 20.0) -> dict[str, Any]:
    return report("pipeline", [Result("demo:", "latency_p50", "ms", ours, 600, "mediapipe" if peer else None, peer)])


def test_rows_have_the_contracts_keys_and_the_ratio() -> None:
    made = _made(9.0)
    assert {"bench", "version", "environment", "valid", "results"} <= made.keys()
    (row,) = made["results"]
    assert set(row) == {"case", "metric", "unit", "ours", "peer", "peer_value", "ratio", "n"}
    assert row["ratio"] == 0.45


@pytest.mark.parametrize(("now", "worse"), [(9.0, 0), (11.0, 0), (11.4, 1)])
def test_only_a_change_beyond_the_noise_is_a_regression(tmp_path: Path, now: float, worse: int) -> None:
    base = tmp_path / "base.json"
    base.write_text(json.dumps(_made(9.0)))
    assert len(regressions(_made(now), base)) == worse


def test_without_a_peer_the_values_themselves_are_compared(tmp_path: Path) -> None:
    base = tmp_path / "base.json"
    base.write_text(json.dumps(_made(9.0, None)))
    assert regressions(_made(20.0, None), base)


@pytest.mark.parametrize("text", ["", "[]", '{"bench": "pipeline"}', '{"bench": "can", "results": []}'])
def test_a_wrong_base_file_is_named(tmp_path: Path, text: str) -> None:
    base = tmp_path / "base.json"
    base.write_text(text)
    with pytest.raises(BadInputError, match=r"base\.json: expected a"):
        regressions(_made(1.0), base)
