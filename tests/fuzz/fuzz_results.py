"""What has been fuzzed so far, added up over all sessions in docs/fuzzing.json, and the page made of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from fuzz_table import TARGETS

from watchkeeper.commands.markdown import table
from watchkeeper.files import write_atomically

ROOT = Path(__file__).resolve().parents[2]
FILE, PAGE = ROOT / "docs" / "fuzzing.json", ROOT / "docs" / "fuzzing.md"
WANTED_S = 2 * 3600.0
"""CPU time of each target before a release."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Of one target. cpu_s: processor time of the fuzzing processes. coverage: share of its modules' lines (Python) or
    of its program's edges (native) that the inputs of the newest session reach. findings: inputs that broke something,
    over all sessions; open: of those, not mended yet."""

    cpu_s: float = 0.0
    executions: int = 0
    coverage: float = 0.0
    findings: int = 0
    open: int = 0

    def more(self, cpu_s: float, executions: int, coverage: float, findings: int) -> Sum:
        """With one more session. A coverage of 0 was not measured."""
        return Sum(
            self.cpu_s + cpu_s, self.executions + executions, coverage or self.coverage, self.findings + findings,
            self.open + findings,
        )  # fmt: skip


def read(path: Path = FILE) -> dict[str, Sum]:
    """By target, zero where it was never run."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    return {name: Sum(**kept.get(name, {})) for name in TARGETS}


def write(sums: dict[str, Sum], path: Path = FILE) -> None:
    """Whole or not at all."""
    rows = {name: {key: round(value, 4) for key, value in asdict(one).items()} for name, one in sums.items()}
    write_atomically(path, json.dumps(rows, indent=1) + "\n")


def page(sums: dict[str, Sum]) -> str:
    """docs/fuzzing.md."""
    rows = [
        [
            name, TARGETS[name].about, _time(one.cpu_s), f"{one.executions:,}".replace(",", " "),
            f"{100 * one.coverage:.0f} %" if one.coverage else "not measured", str(one.findings), str(one.open),
        ]
        for name, one in sums.items()
    ]  # fmt: skip
    least = min(one.cpu_s for one in sums.values())
    short = [name for name, one in sums.items() if one.cpu_s < WANTED_S]
    verdict = (
        f"Not there yet: {len(short)} of {len(sums)} targets have less than {WANTED_S / 3600:g} CPU hours behind them, "
        f"the least {_time(least)}."
        if short
        else f"Every target has at least {WANTED_S / 3600:g} CPU hours behind it."
    )
    return "\n".join([
        _HEAD, verdict, "",
        table(["target", "what", "CPU time", "executions", "coverage", "findings", "open"], rows), _TAIL,
    ])  # fmt: skip


def _time(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 360 else f"{seconds:.0f} s"


_HEAD = """# Fuzzing

Made by `tools/fuzz --page` from docs/fuzzing.json, to which every session of `tools/fuzz` adds; do not edit.

```
./tools/fuzz --list
./tools/fuzz uds --seconds 600            # exit status 1 with the input's path where something broke
./tools/fuzz --all --seconds 600 --keep   # and keep what was found to reach more in tests/fuzz/corpus
```

Inputs are made by libFuzzer, guided by which branches they reach: of Python by atheris, of the native code by clang
with AddressSanitizer and UndefinedBehaviorSanitizer. What may come out of a Python target is our own error or none at
all. Kept inputs are run through the targets by the ordinary tests, native ones under the sanitizers too.

A finding is mended, and its input stays in tests/fuzz/corpus/TARGET under a name that says what it broke (only names
that are a hash are exchanged by --keep); then `open` of that target goes down by one in docs/fuzzing.json.
"""
_TAIL = """
Coverage: of the lines of the target's own modules (Python, with branches not counted apart), or of all the program's
edges (native), by the inputs of the newest session. CPU hours are processor time of the fuzzing processes alone, summed
over all sessions. FFmpeg and cantools, which stand behind `video` and `dbc`, are not instrumented: there the guide sees
our own lines only.
"""
