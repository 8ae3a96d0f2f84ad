"""The texts of tools/failures_page.py: docs/failures.md as a whole and the README's table, from one record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Record = dict[str, Any]

HEAD = """# What each failure looks like on the bus

Made by `tools/failures_page.py` from the measurements in `failures.json`; do not edit. A reaction is counted from the
fault to the first DMS_Status that shows the cause, a recovery to the first one without any. For links, bus-off and a
full queue it is counted from when the bus works again (bus-off: from the controller's own report), since nothing can be
said before. The limit is the 250 ms of [wiring.md](wiring.md), with what has to pass first: a picture stands still for
300 ms until it is called frozen, an interface that is gone is looked for once a second, and a controller in bus-off is
restarted after 200 ms, after 500 ms where it was off less than 10 s before. A full disk takes nothing from driver
monitoring: the cause stays None.
"""

GUEST = """The guest's clock counts instructions (500 million a second, a slow board). A busy host shows in these times
only where it wakes the guest late from idling. The camera's faults are shown by the real vision process; those of links
and processes with a stand-in for it.
"""

PAIRS = """A supervisor on one interface, its frames as another socket got them, at the times that the kernel stamped on
their arrival (SO_TIMESTAMPNS); contents random, 30 times a second. Here idling is skipped (`tools/vm --skip-idle`), so
that the host's load does not come in at all, and the one processor is the supervisor's, vision's and the listener's.
The start is not judged, until five seconds after vision's first result: a program's start waits for the host's disk.
"""

SHOWN = {
    "vision-killed": "vision killed (SIGKILL)",
    "vision-stopped": "vision stopped (SIGSTOP)",
    "frozen-picture": "frozen picture",
}


def page(record: Record) -> str:
    """docs/failures.md. Raises KeyError for a record that is none."""
    machine, bench = record["machine"], record["bench"]
    lines = [HEAD, "## The real system on a PC (`watchkeeper bench failover`)\n", _where(bench["environment"]) + "\n"]
    lines += ["| fault | cause | reaction p50 ms | max ms | n |", "|---|---|---|---|---|"]
    causes = {row["fault"]: row["causes"] for row in _faults(machine)}
    for name, (middle, worst, n) in _on_a_pc(bench).items():
        lines.append(f"| {name} | {', '.join(causes[name])} | {middle:.0f} | {worst:.0f} | {n} |")
    lines += ["\n## A Linux kernel in an emulated machine (`tools/vm --virtual-time`), each once\n", GUEST]
    lines += ["| fault | causes shown, in order | reaction ms | limit ms | well again ms |", "|---|---|---|---|---|"]
    for row in _faults(machine):
        late = f" ({row['late_frames']} frames late of themselves)" if row.get("late_frames") else ""
        times = " | ".join(_ms(row, key) for key in ("reaction_ms", "limit_ms", "well_ms"))
        lines.append(f"| {row['fault']} | {_causes(row)}{late} | {times} |")
    rows = list(_watchdog(machine))
    if rows:
        lines += ["\n| hardware watchdog (i6300esb) | what came of it |", "|---|---|"]
        lines += [f"| {fault} | {came} |" for fault, came in rows]
    lines += ["\n## Every frame, one by one\n", PAIRS, *_pairs(machine["pairs"])]
    if record.get("can"):
        lines += ["\nOn the machine itself, in real time, with every core busy (`watchkeeper bench can --load`):\n"]
        lines += _real_time(record["can"])
    return "\n".join(lines) + "\n"


def short(record: Record) -> str:
    """README's table: every fault, where it was measured, how long."""
    pc = _on_a_pc(record["bench"])
    machine = record["machine"]
    lines = ["", "| fault | bus says | PC: median / max ms | emulated kernel: ms (limit) | well again ms |",
             "|---|---|---|---|---|"]  # fmt: skip
    for row in _faults(machine):
        middle, worst, n = pc.get(row["fault"], (None, None, 0))
        here = "-" if middle is None else f"{middle:.0f} / {worst:.0f}, n = {n}"
        there = f"{_ms(row, 'reaction_ms')} ({_ms(row, 'limit_ms')})" if "reaction_ms" in row else "-"
        lines.append(f"| {row['fault']} | {_causes(row)} | {here} | {there} | {_ms(row, 'well_ms')} |")
    for fault, came in _watchdog(machine):
        lines.append(f"| hardware watchdog: {fault} | {came} | - | - | - |")
    return "\n".join([*lines, ""])


def _faults(machine: Record) -> list[Record]:
    return [row for name in ("faults", "camera", "camera-networks") for row in machine.get(name, ())]


def _causes(row: Record) -> str:
    return ", ".join(row["causes"]) or "none: frames go on"


def _ms(row: Record, key: str) -> str:
    return f"{row[key]:.0f}" if key in row else "-"


def _where(environment: Record) -> str:
    return "{cpu}, {cores} cores, load {load_1min}, kernel {kernel}.".format(**environment)


def _on_a_pc(bench: Record) -> dict[str, tuple[float, float, int]]:
    """By fault: median, longest, how many."""
    values = {(row["case"], row["metric"]): row for row in bench["results"]}
    found = {}
    for case, name in SHOWN.items():
        middle, worst = values[case, "reaction_ms"], values[case, "reaction_ms_max"]
        found[name] = (middle["ours"], worst["ours"], middle["n"])
    return found


def _watchdog(machine: Record) -> Iterable[tuple[str, str]]:
    """What the two boots with a hardware watchdog wrote; nothing of one that did not run."""
    if hung := machine.get("watchdog-hung"):
        silent = f"{hung['frames_after_stop']} frames later than one cycle, {hung['frames_before_stop']} in the half"
        yield "supervisor stopped (SIGSTOP)", f"{silent} second before; the board is reset"
    if kept := machine.get("watchdog-kept"):
        yield "vision stopped (SIGSTOP)", f"no reset; vision is back after {kept['back_ms']:.0f} ms"
        yield "supervisor told to end", "no reset: disarmed"


def _pairs(pairs: list[Record]) -> list[str]:
    head = ("pair", "class", "frames", "bad CRC", "repeated", "skipped", "off cycle", "slots missed",
            "off the cycle p50 / p99 / max")  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in pairs:
        keys = ("scheduler", "frames", "bad_crc", "repeated", "skipped", "off_cycle", "slots_missed")
        off = " / ".join(f"{row[f'deviation_{what}_pct']:.2f}" for what in ("p50", "p99", "max"))
        lines.append(f"| {row['pair']} | {' | '.join(str(row.get(key, '-')) for key in keys)} | {off} % |")
    return lines


def _real_time(runs: list[Record]) -> list[str]:
    head = ("bus", "class", "frames", "bad CRC", "repeated", "skipped", "off cycle", "slots missed",
            "off the cycle p50 / p99 / max", "load")  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for made in runs:
        where = made["environment"]
        counts = [sum(message[key] for message in where["faults"].values())
                  for key in ("bad_crc", "repeats", "skips", "off_cycle")]  # fmt: skip
        found = {row["metric"]: row["ours"] for row in made["results"] if row["case"].endswith(": all messages")}
        off = " / ".join(f"{found[f'cycle_deviation_{what}_pct']:.2f}" for what in ("p50", "p99", "max"))
        cells = (where["bus"], where["scheduler"], where["frames_sent"], *counts, where["slots_missed"])
        lines.append(f"| {' | '.join(map(str, cells))} | {off} % | {where['load_1min']} |")
    return lines
