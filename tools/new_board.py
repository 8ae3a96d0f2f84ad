"""Makes a board file out of another board's; see tools/new_board. What is left to do is printed."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from watchkeeper.board import board_names, device_tree_model, load_board, read_board
from watchkeeper.data import data_path
from watchkeeper.errors import BadInputError, WatchkeeperError
from watchkeeper.files import write_atomically

_IDS = range(128, 255)  # below 128 are the boards that come with the project


def new_text(text: str, name: str, board_id: int, models: list[str]) -> str:
    """`text` of a board file with these three fields, under a comment that says what it is not."""
    for field, value in (("name", f'"{name}"'), ("board_id", str(board_id)), ("device_tree_models", _list(models))):
        text, count = re.subn(rf"^{field} = (\[[^]]*\]|.*)$", lambda _, f=field, v=value: f"{f} = {v}", text, count=1,
                              flags=re.MULTILINE)  # fmt: skip
        assert count == 1, field
    head = re.match(r"(#.*\n)*", text)
    body = text[head.end() :] if head else text
    return f"# {name}. Copied figures: measure camera, budget and heat on this board before trusting them.\n{body}"


def make(name: str, like: str, model: str | None, folder: Path) -> Path:
    """Write `folder/name/board.toml`, checked. Raises BadInputError naming what was wrong; nothing is left then."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise BadInputError(f"NAME {name}: expected small letters, digits and single hyphens, such as rock-5b")
    path = folder / name / "board.toml"
    if path.exists():
        raise BadInputError.at(path, "exists already; expected a new name")
    taken = {load_board(known).board_id for known in board_names()}
    board_id = next(number for number in _IDS if number not in taken)
    text = new_text(load_board(like).path.read_text(encoding="utf-8"), name, board_id, [model] if model else [])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text)
    try:
        read_board(path)
    except BadInputError:
        path.unlink()
        path.parent.rmdir()
        raise
    return path


def _list(models: list[str]) -> str:
    return "[" + ", ".join('"' + model.replace("\\", "\\\\").replace('"', '\\"') + '"' for model in models) + "]"


def main() -> int:
    """Exit status 0 done, 2 bad use."""
    parser = argparse.ArgumentParser(prog="tools/new_board", description="Make a board file out of another board's.")
    parser.add_argument("name", metavar="NAME", help="folder under boards/, such as rock-5b")
    parser.add_argument("--like", metavar="BOARD", default="host", help="board to start from (default: host)")
    parser.add_argument("--model", metavar="TEXT", help="/proc/device-tree/model (default: this machine's)")
    args = parser.parse_args()
    try:
        path = make(args.name, args.like, args.model or device_tree_model(), data_path("boards"))
    except WatchkeeperError as error:
        print(f"tools/new_board: {error}", file=sys.stderr)
        return error.exit_status
    print(
        f"{path}: now set source, [camera], [budget] and [hardware]; `watchkeeper config validate {path}` checks them"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
