"""`evaluate`: how good measurements are, against the truth."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from watchkeeper.board import load_board
from watchkeeper.commands.evaluation.trace import as_json, evaluate_labelled, evaluate_rendered, read_pair
from watchkeeper.errors import BadInputError


def run_trace(args: argparse.Namespace) -> int:
    """One trace against its truth. Raises BadInputError naming file, line and field."""
    for field, path in (("TRACE", args.trace), ("--truth", args.truth)):
        if not path.is_file():
            raise BadInputError.at(path, "expected a file, it is a folder" if path.is_dir() else "no such file",
                                   field=field)  # fmt: skip
    cabin = load_board(args.board).cabin
    if args.truth.suffix == ".csv":
        result = evaluate_labelled(args.trace, args.truth, args.clip or args.trace.name.split(".jsonl")[0], cabin)
    else:
        result = as_json(evaluate_rendered(*read_pair(args.trace, args.truth), cabin))
    print(json.dumps(result, indent=2) if args.json else _text(args.trace, result))
    return 0


def _text(trace: Path, result: dict[str, Any]) -> str:
    events = result["events"]
    rows = [
        f"{trace}: {result['frames']} frames, face in {_shown(result['face_rate'], 100, '%')}",
        "  head error, mean   " + _angles(result["head"], ("yaw", "pitch", "roll")),
        "  gaze error, mean   " + _angles(result["gaze"], ("yaw", "pitch")),
        f"  eyes               AUC {_shown(result['eyes']['auc'])}, balanced accuracy "
        f"{_shown(result['eyes']['balanced_accuracy'])}",
        f"  events             {events['found']} of {events['expected']} found, {events['invented']} invented "
        f"({_shown(events['false_alarms_per_hour'])} an hour)",
    ]
    for row in events["rows"]:
        said = "invented" if row.get("invented") else "found" if row["found"] else "missed"
        if "event" in row:
            said = (
                ("found" if row["found"] else "missed") if row["expected"] else "invented" if row["found"] else "clear"
            )
            rows.append(f"    frames {row['first_frame']:4}-{row['last_frame']:<4} {said:8} {row['event']}: "
                        f"{row['measured']}")  # fmt: skip
        else:
            rows.append(f"    {row['start_ns'] / 1e9:8.2f}-{row['end_ns'] / 1e9:<8.2f} s {said:8} {row['kind']}")
    return "\n".join(rows)


def _angles(scores: dict[str, Any], names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {_shown(scores[f'{name}_mae_deg'])}" for name in names) + " deg"


def _shown(value: float | None, scale: float = 1.0, unit: str = "") -> str:
    return "not known" if value is None else f"{value * scale:g}{' ' + unit if unit else ''}"
