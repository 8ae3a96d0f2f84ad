"""How much of a target's own modules its inputs reach: run once more, in a process of its own, under coverage."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import coverage
from fuzz_table import TARGETS, Target

_INPUTS_MOST = 3000


def lines_reached(target: Target, corpus: Path) -> float:
    """Share of the lines, 0 to 1, that kept inputs, first inputs and those in `corpus` reach."""
    command = [sys.executable, str(Path(__file__)), target.name, str(corpus)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(json.loads(done.stdout)) if done.returncode == 0 else 0.0


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
    """Print the share."""
    target = TARGETS[sys.argv[1]]
    measured = coverage.Coverage(data_file=None, include=_sources(target), config_file=False)
    measured.start()
    call = target.call()
    files = [*target.corpus(), *sorted(Path(sys.argv[2]).iterdir())[:_INPUTS_MOST]]
    for data in [*target.seeds(), *(path.read_bytes() for path in files)]:
        with contextlib.suppress(Exception):  # a finding is told elsewhere
            call(data)
    measured.stop()
    statements = missing = 0
    for name in measured.get_data().measured_files():
        _, lines, _, absent, _ = measured.analysis2(name)
        statements, missing = statements + len(lines), missing + len(absent)
    print(json.dumps((statements - missing) / max(1, statements)))


if __name__ == "__main__":
    main()
