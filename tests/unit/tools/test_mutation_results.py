"""Results of mutation runs: mutants of one line told apart, modules of several runs joined."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).resolve().parents[3] / "tools"


@pytest.fixture
def results() -> Iterator[Any]:
    sys.path.insert(0, str(TOOLS))
    try:
        yield importlib.import_module("mutation_results")
    finally:
        sys.path.remove(str(TOOLS))


def _row(module: str, text: str, nth: int = 0, killed: bool = True) -> dict[str, object]:
    return {"module": module, "text": text, "change": "Lt -> LtE", "nth": nth, "killed": killed}


def _source(results: Any, tmp_path: Path, name: str, text: str) -> Any:
    (tmp_path / f"{name}.py").write_text(text)
    return importlib.import_module("mutants").Source(tmp_path, name)


def test_two_mutants_of_one_line_are_two(results: Any, tmp_path: Path) -> None:
    source = _source(results, tmp_path, "a", "def f(x, y):\n    return x < 5 and y < 5\n")
    keys = [results.mutant_key(mutant) for mutant in source.mutants()]
    assert len(set(keys)) == len(keys) == 5
    assert [key[3] for key in keys if key[2] == "Lt -> LtE"] == [0, 1]


def test_what_was_tried_again_takes_the_place_of_the_same_mutant_only(results: Any) -> None:
    old = [_row("a", "x < y < z", 0, False), _row("a", "x < y < z", 1, False), _row("b", "x < y < z", 0, False)]
    now = results.with_mutants(old, [_row("a", "x < y < z", 1), _row("a", "gone")])
    assert [row["killed"] for row in now] == [False, True, False]


def test_modules_of_other_runs_are_taken_over_whole_and_what_is_missing_is_said(results: Any, tmp_path: Path) -> None:
    sources = [_source(results, tmp_path, name, "def f(x):\n    return x < 5\n") for name in ("a", "b")]
    every = [mutant for source in sources for mutant in source.mutants()]
    rows = {
        mutant.module: [
            {**_row(mutant.module, mutant.text), "change": m.change} for m in every if m.module == mutant.module
        ]
        for mutant in every
    }
    into, other = tmp_path / "state.jsonl", tmp_path / "other.jsonl"
    results.write(into, {"part": "state"}, [*rows["a"][:1], _row("b", "old")])
    results.write(other, {"part": "state"}, rows["b"])
    assert results.merge(into, [other], "state", every) == ["a: 1 of 2"]
    assert results.read(into) == [*rows["a"][:1], *rows["b"]]
    results.write(other, {"part": "state"}, rows["a"])
    assert results.merge(into, [other], "state", every) == []
    assert '"run": "all mutants"' in into.read_text()
