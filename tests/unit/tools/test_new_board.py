"""tools/new_board: what it writes is a board; what it cannot write it does not leave behind."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from watchkeeper.board import board_names, load_board, read_board
from watchkeeper.errors import BadInputError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("new_board", ROOT / "tools/new_board.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["new_board"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("like", board_names())
def test_every_board_can_be_the_start(tool: ModuleType, tmp_path: Path, like: str) -> None:
    path = tool.make("rock-5b", like, 'Radxa "ROCK" 5B', tmp_path)
    made, base = read_board(path), load_board(like)
    assert (made.name, made.source, made.hardware) == ("rock-5b", base.source, base.hardware)
    assert made.board_id not in {load_board(name).board_id for name in board_names()}
    assert r'device_tree_models = ["Radxa \"ROCK\" 5B"]' in path.read_text()
    assert path.read_text().startswith("# rock-5b. Copied figures")


@pytest.mark.parametrize("name", ["", "Rock", "rock_5", "-rock", "rock--5", "../rock"])
def test_a_name_that_is_none(tool: ModuleType, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="expected small letters"):
        tool.make(name, "host", None, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_board_is_not_written_over(tool: ModuleType, tmp_path: Path) -> None:
    path = tool.make("rock", "host", None, tmp_path)
    before = path.read_text()
    with pytest.raises(BadInputError, match="exists already"):
        tool.make("rock", "raspberry-pi-5", None, tmp_path)
    assert path.read_text() == before


def test_an_unknown_start_lists_the_known(tool: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="unknown board; known are host"):
        tool.make("rock", "pebble", None, tmp_path)
    assert list(tmp_path.iterdir()) == []
