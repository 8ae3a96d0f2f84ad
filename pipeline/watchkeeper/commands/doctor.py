"""`watchkeeper doctor`: every check, its finding and the one next action; exit status 1 when one fails."""

from __future__ import annotations

import argparse
import json
from typing import Any

from watchkeeper.commands.checks import FAIL, OF_TREE, OPTIONS, TABLE, run_check
from watchkeeper.commands.checks.tree import Tree
from watchkeeper.errors import BadInputError


def run(args: argparse.Namespace) -> int:
    """Print the findings. --device: only those of the accelerator, the report to send back with --json. --tree: only
    those that read files, on a copy of another machine's."""
    if args.tree is not None and not args.tree.is_dir():
        raise BadInputError(f"--tree {args.tree}: expected the folder of a machine's copied files")
    tree = Tree() if args.tree is None else Tree(args.tree)
    rows: list[dict[str, Any]] = []
    for group, name, entry in TABLE:
        if args.device and group != "device":
            continue
        if not tree.live and name not in OF_TREE:
            continue
        options = [tree] if name in OF_TREE else [getattr(args, OPTIONS[name])] if name in OPTIONS else []
        finding = run_check(entry, *options)
        row: dict[str, Any] = {
            "check": name, "status": finding.status, "found": finding.found, "action": finding.action,
        }  # fmt: skip
        rows.append(row if finding.data is None else {**row, "data": finding.data})
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        for row in rows:
            action = f"  -> {row['action']}" if row["action"] else ""
            print(f"{row['status']:5} {row['check']:24} {row['found']}{action}")
    return 1 if any(row["status"] == FAIL for row in rows) else 0
