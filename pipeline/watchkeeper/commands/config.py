"""`config validate`: is a profile or board file right, and what does it set."""

from __future__ import annotations

import argparse
import dataclasses
import json

from watchkeeper.board import read_board
from watchkeeper.state.profile_file import changes, read_profile


def run_validate(args: argparse.Namespace) -> int:
    """Check `args.file`: a board file when it is called board.toml, else a profile. Raises BadInputError."""
    if args.file.name == "board.toml":
        board = read_board(args.file)
        if args.json:
            print(json.dumps({"file": str(args.file), "kind": "board", "name": board.name}))
        else:
            print(f"{args.file}: board {board.name}, valid")
        return 0
    profile, rows = read_profile(args.file), changes(args.file)
    if args.json:
        print(json.dumps({
            "file": str(args.file), "kind": "profile", "name": profile.name, "base": profile.base,
            "experimental": profile.experimental, "limits": [dataclasses.asdict(row) for row in rows],
        }))  # fmt: skip
        return 0
    shown = " (EXPERIMENTAL: shown on the bus)" if profile.experimental else ""
    print(f"{args.file}: profile {profile.name} over {profile.base}, valid{shown}")
    for row in rows:
        base = "no such rule" if row.base is None else f"{row.base:g}"
        print(f"  {row.field} = {row.value:g} {row.unit} ({profile.base}: {base}){', laxer' if row.laxer else ''}")
    return 0
