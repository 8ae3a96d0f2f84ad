"""Makes docs/failures.md from measured results: `bench failover --json` and the virtual machine's faults.json.

    python tools/failures_page.py build/failover.json build/vm/faults.json [--out docs/failures.md]

Nothing in the table is written by hand: a fault without a result has no row. The virtual machine's file comes from

    mkdir -p build/vm && ./tools/vm --keep build/vm --timeout 400 \
      --device "-object can-bus,id=cb0 -device kvaser_pci,canbus=cb0 -device kvaser_pci,canbus=cb0" \
      'PYTHONPATH=tests/faults .venv/bin/python tests/vm/guest_faults.py build/vm/faults.json'
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HEAD = """# What each failure looks like on the bus

Made by `tools/failures_page.py` from measurements; do not edit. A reaction is counted from the fault to the first
DMS_Status that shows the cause, a recovery to the first one without any. For links, bus-off and a full queue it is
counted from when the bus works again (bus-off: from the controller's own report), since nothing can be said before.
"""

SHOWN = {
    "vision-killed": ("vision killed (SIGKILL)", "VisionRestarting"),
    "vision-stopped": ("vision stopped (SIGSTOP)", "StaleVision"),
    "frozen-picture": ("picture frozen", "CameraFrozen"),
}


def page(bench: dict[str, Any], machine: dict[str, Any]) -> str:
    """The page's text. Raises KeyError for files that are no such results."""
    lines = [HEAD, "## The real system on a PC (`watchkeeper bench failover`)\n"]
    where = bench["environment"]
    lines += [f"{where['cpu']}, {where['cores']} cores, load {where['load_1min']}, kernel {where['kernel']}.\n"]
    lines += ["| fault | cause | reaction p50 ms | max ms | n |", "|---|---|---|---|---|"]
    values = {(row["case"], row["metric"]): row for row in bench["results"]}
    for case, (text, cause) in SHOWN.items():
        middle, worst = values[case, "reaction_ms"], values[case, "reaction_ms_max"]
        lines.append(f"| {text} | {cause} | {middle['ours']:.0f} | {worst['ours']:.0f} | {middle['n']} |")
    lines += ["\n## A Linux kernel in an emulated machine (`tools/vm`), each once, with a stand-in for vision\n"]
    lines += ["Times under emulation are upper bounds and noise; what counts is cause and recovery.\n"]
    lines += ["| fault | causes shown, in order | reaction ms | well again ms |", "|---|---|---|---|"]
    for row in machine["faults"]:
        times = [f"{row[key]:.0f}" if key in row else "-" for key in ("reaction_ms", "well_ms")]
        lines.append(f"| {row['fault']} | {', '.join(row['causes']) or 'none: frames go on'} | {' | '.join(times)} |")
    lines += ["\n| frames on a pair | frames | bad CRC | wrong counter | slots skipped |", "|---|---|---|---|---|"]
    for row in machine["pairs"]:
        counts = " | ".join(str(row[key]) for key in ("frames", "bad_crc", "wrong_counter", "slots_missed"))
        lines.append(f"| {row['pair']} | {counts} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page; exit status 2 for files that are no such results."""
    parser = argparse.ArgumentParser(description="Make docs/failures.md from measured results.")
    parser.add_argument("bench", type=Path)
    parser.add_argument("machine", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/failures.md"))
    args = parser.parse_args()
    try:
        results = [json.loads(path.read_text(encoding="utf-8")) for path in (args.bench, args.machine)]
        text = page(*results)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{args.bench}, {args.machine}: expected results of bench failover and of the guest ({error!r})")
        return 2
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
