"""How much of a target's own modules its inputs reach, and which of them it takes for that: run once more, in a process
of its own, under coverage.

    coverage_of.py TARGET FOLDER     of kept inputs, first inputs and those in FOLDER
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import coverage
from fuzz_table import TARGETS, Target

_INPUTS_MOST = 3000


@dataclass(frozen=True, slots=True)
class Reached:
    """share: of the lines of the target's modules, 0 to 1. needed: files that each reach a line which none before it in
    the order of size does."""

    share: float
    needed: tuple[Path, ...]


def reached(target: Target, corpus: Path) -> Reached:
    """Of a Python target. Raises CalledProcessError where the target itself breaks."""
    command = [sys.executable, str(Path(__file__)), target.name, str(corpus)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    share, needed = json.loads(done.stdout)
    return Reached(share, tuple(map(Path, needed)))


def _sources(target: Target) -> list[str]:
    """Files of the target's modules; a package stands for all that is in it."""
    found: list[str] = []
    for name in target.modules:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        found += [str(path) for path in origin.parent.glob("*.py")] if origin.name == "__init__.py" else [str(origin)]
    return found


def main() -> None:
    """Print share and files."""
    target = TARGETS[sys.argv[1]]
    measured = coverage.Coverage(data_file=None, include=_sources(target), config_file=False)
    measured.start()
    call = target.call()
    for data in target.seeds():
        _tried(call, data)
    measured.stop()
    found = [*target.corpus(), *sorted(Path(sys.argv[2]).iterdir())[:_INPUTS_MOST]]
    needed, lines = [], _lines(measured)
    for path in sorted(found, key=lambda path: (path.stat().st_size, path.name)):
        measured.start()
        _tried(call, path.read_bytes())
        measured.stop()
        if (more := _lines(measured)) > lines:
            needed.append(str(path))
            lines = more
    statements = missing = 0
    for name in measured.get_data().measured_files():
        _, there, _, absent, _ = measured.analysis2(name)
        statements, missing = statements + len(there), missing + len(absent)
    print(json.dumps([(statements - missing) / max(1, statements), needed]))


def _tried(call: Callable[[bytes], object], data: bytes) -> None:
    with contextlib.suppress(Exception):  # a finding is told elsewhere
        call(data)


def _lines(measured: coverage.Coverage) -> int:
    """Lines that were executed so far."""
    data = measured.get_data()
    return sum(len(data.lines(name) or ()) for name in data.measured_files())


if __name__ == "__main__":
    main()
