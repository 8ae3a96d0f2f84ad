"""The results of mutation runs on disk: build/mutation/PART.jsonl, first what they are of, then a mutant a line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from mutants import Mutant

Row = dict[str, object]
Key = tuple[str, str, str, int]


def key(row: Row) -> Key:
    """What a mutant is known by while the source around it changes."""
    return str(row["module"]), str(row["text"]), str(row["change"]), int(str(row.get("nth", 0)))


def mutant_key(mutant: Mutant) -> Key:
    """The same."""
    return (*mutant.key, mutant.nth)


def read(path: Path) -> list[Row]:
    """The mutants; none where there is no such file."""
    if not path.exists():
        return []
    return [row for row in map(json.loads, path.read_text().splitlines()) if "module" in row]


def write(path: Path, about: Row, rows: Iterable[Row]) -> None:
    """All of it anew."""
    path.write_text("".join(json.dumps(row) + "\n" for row in [about, *rows]))


def with_modules(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """`old`, but of the modules that `new` has rows of, those of `new`."""
    renewed = {row["module"] for row in new}
    rows = [row for row in old if row["module"] not in renewed] + list(new)
    return sorted(rows, key=lambda row: str(row["module"]))


def with_mutants(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """`old` with what `new` says of the same mutants."""
    by_key = {key(row): row for row in new}
    return [by_key.get(key(row), row) for row in old]


def merge(into: Path, others: Sequence[Path], part: str, every: Sequence[Mutant]) -> list[str]:
    """Join results of runs of different modules, later ones before earlier; says what is missing of which module."""
    rows = read(into)
    for other in others:
        rows = with_modules(rows, read(other))
    held, wanted = Counter(str(row["module"]) for row in rows), Counter(mutant.module for mutant in every)
    run = "all mutants" if held == wanted else "modules of several runs"
    write(into, {"part": part, "all": len(every), "run": run}, rows)
    return [f"{module}: {held[module]} of {count}" for module, count in wanted.items() if held[module] != count]
