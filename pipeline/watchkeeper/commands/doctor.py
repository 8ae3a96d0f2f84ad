"""`watchkeeper doctor`: every check, its finding and the one next action; exit status 1 when one fails."""

from __future__ import annotations

import argparse
import json
from typing import Any

from watchkeeper.commands.checks import FAIL, OPTIONS, TABLE, run_check


def run(args: argparse.Namespace) -> int:
    """Print the findings. --device: only those of the accelerator, the report to send back with --json."""
    rows: list[dict[str, Any]] = []
    for group, name, entry in TABLE:
        if args.device and group != "device":
            continue
        finding = run_check(entry, *([getattr(args, OPTIONS[name])] if name in OPTIONS else []))
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
