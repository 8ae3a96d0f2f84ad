"""Makes docs/failures.md from measured results: `bench failover --json` and the virtual machine's files.

    python tools/failures_page.py build/failover.json build/vm [--out docs/failures.md]

Nothing in the table is written by hand: a fault without a result has no row. The virtual machine's files come from

    WATCHKEEPER_VM=full WATCHKEEPER_VM_KEEP=build/vm python -m pytest tests/system/test_virtual_machine.py
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

GUEST = """The guest's clock counts instructions: a busy host does not show in these times, a board of another speed has
others. The camera's faults are shown by the real vision process; those of links and processes with a stand-in for it.
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
    lines += ["\n## A Linux kernel in an emulated machine (`tools/vm --virtual-time`), each once\n"]
    lines += [GUEST, "| fault | causes shown, in order | reaction ms | well again ms |", "|---|---|---|---|"]
    rows = [row for name in ("faults", "kvaser", "camera", "camera-networks") for row in machine.get(name, ())]
    for row in rows:
        times = [f"{row[key]:.0f}" if key in row else "-" for key in ("reaction_ms", "well_ms")]
        late = f" ({row['late_frames']} frames late of themselves)" if row.get("late_frames") else ""
        causes = ", ".join(row["causes"]) or "none: frames go on"
        lines.append(f"| {row['fault']} | {causes}{late} | {' | '.join(times)} |")
    lines += _watchdog(machine)
    head = ("pair", "frames", "bad CRC", "repeated", "skipped", "off cycle", "p99 off the cycle", "slots missed")
    lines += [f"\n| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in machine["pairs"]:
        keys = ("frames", "bad_crc", "repeated", "skipped", "off_cycle")
        counts = " | ".join(str(row[key]) for key in keys)
        lines.append(f"| {row['pair']} | {counts} | {row['deviation_p99_pct']:.1f} % | {row['slots_missed']} |")
    return "\n".join(lines) + "\n"


def _watchdog(machine: dict[str, Any]) -> list[str]:
    """What the two boots with a hardware watchdog wrote; nothing of one that did not run."""
    lines = ["\n| hardware watchdog (i6300esb) | what came of it |", "|---|---|"]
    if hung := machine.get("watchdog-hung"):
        silent = f"{hung['frames_after_stop']} frames later than one cycle, {hung['frames_before_stop']} in the half"
        lines.append(f"| supervisor stopped (SIGSTOP) | {silent} second before; the board is reset |")
    if kept := machine.get("watchdog-kept"):
        lines.append(f"| vision stopped (SIGSTOP) | no reset; vision is back after {kept['back_ms']:.0f} ms |")
        lines.append("| supervisor told to end | no reset: disarmed |")
    return lines if len(lines) > 2 else []


def main() -> int:
    """Write the page; exit status 2 for files that are no such results."""
    parser = argparse.ArgumentParser(description="Make docs/failures.md from measured results.")
    parser.add_argument("bench", type=Path)
    parser.add_argument("machine", type=Path, help="folder of the virtual machine's results")
    parser.add_argument("--out", type=Path, default=Path("docs/failures.md"))
    args = parser.parse_args()
    try:
        bench = json.loads(args.bench.read_text(encoding="utf-8"))
        machine = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in args.machine.glob("*.json")}
        text = page(bench, machine)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{args.bench}, {args.machine}: expected results of bench failover and of the guest ({error!r})")
        return 2
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
