"""Makes docs/failures.md and the table of failures in README.md from measured results, which docs/failures.json keeps.

    python tools/failures_page.py [--bench build/failover.json] [--machine build/vm] [--can build/can.json ...]
    python tools/failures_page.py --check

Each option takes new results into docs/failures.json, in the place of the old ones of the same name; both texts are
then made from that file. Nothing in them is written by hand: a fault without a result has no row. --check changes
nothing and ends with status 1 where a text is not what the file gives. The virtual machine's files come from

    WATCHKEEPER_VM=full WATCHKEEPER_VM_KEEP=build/vm python -m pytest tests/system/test_virtual_machine.py
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import failures_tables as tables

ROOT = Path(__file__).resolve().parents[1]
RECORD, PAGE, README = ROOT / "docs/failures.json", ROOT / "docs/failures.md", ROOT / "README.md"
BEGIN, END = "<!-- failures: made by tools/failures_page.py -->", "<!-- failures: end -->"
MACHINE = ("faults", "camera", "camera-networks", "watchdog-hung", "watchdog-kept", "pairs")
_WHERE = ("cpu", "cores", "load_1min", "kernel", "bus", "scheduler", "cores_loaded", "frames_sent", "slots_missed",
          "send_failures", "faults")  # fmt: skip


def main() -> int:
    """Exit status 0 done, 1 a text is not current, 2 files that are no such results."""
    parser = argparse.ArgumentParser(description="Make docs/failures.md and the README's table from measured results.")
    parser.add_argument("--bench", metavar="FILE", type=Path, help="of `bench failover --json`")
    parser.add_argument("--machine", metavar="FOLDER", type=Path, help="of the virtual machine's results")
    parser.add_argument("--can", metavar="FILE", type=Path, nargs="+", help="of `bench can --json`, one a bus")
    parser.add_argument("--check", action="store_true", help="change nothing, compare")
    args = parser.parse_args()
    try:
        record = _taken_in(json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}, args)
        texts = {PAGE: tables.page(record), README: _between(README.read_text(encoding="utf-8"), tables.short(record))}
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{RECORD} or a file named here: expected measured results ({error!r})", file=sys.stderr)
        return 2
    if args.check:
        stale = [path.name for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
        if stale:
            print(f"not what docs/failures.json gives: {', '.join(stale)}; run tools/failures_page.py", file=sys.stderr)
        return 1 if stale else 0
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return 0


def _taken_in(record: dict[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """`record` with the new results, each cut down to what the texts say."""
    if args.bench is not None:
        record["bench"] = _bench(args.bench)
    if args.machine is not None:
        found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in args.machine.glob("*.json")}
        record["machine"] = record.get("machine", {}) | {name: found[name] for name in MACHINE if name in found}
    if args.can is not None:
        record["can"] = [_bench(path) for path in args.can]
    return record


def _bench(path: Path) -> dict[str, Any]:
    made = json.loads(path.read_text(encoding="utf-8"))
    if not made["valid"]:
        raise ValueError(f"{path}: this run found something wrong")
    environment = {key: made["environment"][key] for key in _WHERE if key in made["environment"]}
    rows = [{key: row[key] for key in ("case", "metric", "unit", "ours", "n")} for row in made["results"]]
    return {"environment": environment, "results": rows}


def _between(text: str, part: str) -> str:
    """README's text with `part` between its marks. Raises ValueError where they are not there once."""
    if (text.count(BEGIN), text.count(END)) != (1, 1):
        raise ValueError(f"README.md: expected {BEGIN} and {END} once each")
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n{part}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    sys.exit(main())
