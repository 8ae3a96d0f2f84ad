#!/usr/bin/env python3
"""Small wrong changes to the code, one at a time: which of them do the tests notice?

usage: mutate.py state|supervisor [--sample N] [--seed N] [--only WORD ...] [--again] [--tests PATH ...]
       mutate.py page > docs/mutation.md

Each mutant is one changed operator, comparison, constant, condition or default. One run of the part's tests under
coverage says which test passes which line; a mutant is tried against those alone, in a forked child, until one fails.
Results are kept in build/mutation/PART.jsonl; `page` makes docs/mutation.md of them and of mutation_survivors.toml.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import hypothesis
from mutants import Mutant, Source
from mutation_page import page_text, wilson
from mutation_runs import killed_afresh, watch_and_run

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "pipeline" / "watchkeeper"
RESULTS = ROOT / "build" / "mutation"
REASONS = ROOT / "tools" / "mutation_survivors.toml"
OPTIONS = [
    "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-o", "timeout=0",
    "-W", "ignore::pytest.PytestAssertRewriteWarning", "-W", "ignore::pytest.PytestConfigWarning",
]  # fmt: skip
# Frame rates and deliveries beside 30 frames/s, random inputs, drives of minutes: slow under coverage.
_SLOW = (
    "10-", "15-", "60-", "-lost", "-jitter", "10fps", "15fps", "60fps", "noise", "properties", "glasses", "sleepy_",
    "drowsy-", "short_window", "task_glances", "calibrated", "baseline_awake",
)  # fmt: skip
# Test folders and what of them is left out: sweeps over more cameras, and what needs a process of its own.
TESTS: dict[str, list[str]] = {
    "state": [
        "tests/unit/state", "tests/scenarios", "--deselect=tests/scenarios/test_attentive.py",
        "--deselect=tests/scenarios/test_frame_rate.py", "--deselect=tests/scenarios/test_scenario_language.py",
        "-k", f"not ({' or '.join(_SLOW)})",
    ],
    "supervisor": [
        "tests/unit/supervisor", "tests/unit/supervisor_can", "tests/unit/diagnostics",
        "tests/conformance/test_bus_conformance.py",
    ],
}  # fmt: skip
# Modules that only do what a test process must not: own a bus of the machine, its clock, its processes.
EDGES = ("main", "realtime", "bus_socketcan", "bus_slcan", "vision_process")


def modules(part: str) -> list[str]:
    """Dotted names below watchkeeper."""
    paths = sorted((PACKAGE / part).rglob("*.py"))
    names = [".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in paths if path.stem != "__init__"]
    return [name for name in names if name.rpartition(".")[2] not in EDGES]


def run(part: str, sample: int, seed: int, only: Sequence[str], again: bool, tests: list[str] | None = None) -> int:
    """Try a sample and write the results."""
    sys.path.insert(0, str(ROOT / "tests" / "fakes"))
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for name in ("numpy", "can", "cantools.database", "udsoncan"):
        importlib.import_module(name)  # so that no child has to
    hypothesis.settings.register_profile(
        "mutation", derandomize=True, database=None, phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate]
    )
    hypothesis.settings.load_profile("mutation")
    RESULTS.mkdir(parents=True, exist_ok=True)
    kept = RESULTS / f"{part}.jsonl"
    sources = [Source(PACKAGE, name) for name in modules(part)]
    every = [mutant for source in sources for mutant in source.mutants()]
    drawn = _drawn(every, sample, seed)
    if only:
        drawn = [mutant for mutant in drawn if any(word in mutant.module for word in only)]
    if again:
        survived = {_key(row) for row in _read(kept) if not row["killed"]}
        drawn = [mutant for mutant in every if mutant.key in survived]
    print(f"{len(every)} mutants of {part}, trying {len(drawn)}", flush=True)
    start_s = time.monotonic()
    said = watch_and_run(sources, drawn, tests or TESTS[part], OPTIONS, RESULTS / f"{part}.tmp")
    if not said or "error" in said[0]:
        print(said[0]["error"] if said else "the tests did not run", file=sys.stderr)
        return 2
    by_place = {(mutant.module, mutant.number): mutant for mutant in drawn}
    by_module = {source.module: source for source in sources}
    rows = []
    print(f"in place: {len(said)} after {time.monotonic() - start_s:.0f} s", flush=True)
    for line in said:
        number, tests = line.get("fresh", line.get("number")), line["tests"]
        mutant: Mutant = by_place[str(line["module"]), int(str(number))]
        if "fresh" in line:
            assert isinstance(tests, list)
            killed = bool(tests) and killed_afresh(by_module[mutant.module], mutant, tests, OPTIONS)
        else:
            killed = bool(line["killed"])
        count = len(tests) if isinstance(tests, list) else tests
        rows.append({
            "module": mutant.module, "line": mutant.line, "change": mutant.change, "text": mutant.text,
            "killed": killed, "tests": count,
        })  # fmt: skip
        if not killed:
            print(
                f"survived ({count} tests): {mutant.module}:{mutant.line}: {mutant.change}: {mutant.text}", flush=True
            )
    _keep(
        kept,
        rows,
        {"part": part, "all": len(every), "run": f"--sample {sample} --seed {seed}"},
        merge=again or bool(only),
    )
    hits = sum(bool(row["killed"]) for row in rows)
    low, high = wilson(hits, len(rows))
    print(
        f"{part}: {hits} of {len(rows)} noticed ({100 * hits / max(1, len(rows)):.1f} %, 95 % interval "
        f"{100 * low:.0f} to {100 * high:.0f} %), {len(every)} in all, {time.monotonic() - start_s:.0f} s"
    )
    return 0


def _drawn(every: Sequence[Mutant], sample: int, seed: int) -> list[Mutant]:
    """Every file gives its share, at least three."""
    if not sample:
        return list(every)
    by_module: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in every:
        by_module[mutant.module].append(mutant)
    drawn: list[Mutant] = []
    for name, own in sorted(by_module.items()):
        share = min(len(own), max(3, round(sample * len(own) / len(every))))
        drawn += random.Random(f"{seed} {name}").sample(own, share)
    return drawn


def _key(row: dict[str, object]) -> tuple[str, str, str]:
    return str(row["module"]), str(row["text"]), str(row["change"])


def _read(path: Path) -> list[dict[str, object]]:
    if not path.exists():
        return []
    return [row for row in map(json.loads, path.read_text().splitlines()) if "module" in row]


def _keep(path: Path, rows: list[dict[str, object]], about: dict[str, object], merge: bool) -> None:
    """Write the results; `merge`: only of mutants that were drawn before or now."""
    old = path.read_text().splitlines() if merge and path.exists() else []
    if old:
        new: dict[tuple[object, ...], dict[str, object]] = {(_key(row), row["line"]): row for row in rows}
        same = {_key(row): row for row in rows}
        about = json.loads(old[0])
        kept = [new.pop((_key(row), row["line"]), same.get(_key(row), row)) for row in map(json.loads, old[1:])]
        rows = kept
    path.write_text("".join(json.dumps(row) + "\n" for row in [about, *rows]))


def page() -> int:
    """docs/mutation.md on stdout."""
    print(page_text(RESULTS, REASONS, EDGES), end="")
    return 0


def main() -> int:
    """See the module text."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=[*TESTS, "page"])
    parser.add_argument("--sample", type=int, default=0, help="mutants to try, drawn by chance (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=(), help="of the sample, those of modules with this in their name")
    parser.add_argument("--again", action="store_true", help="try the survivors of the kept results again")
    parser.add_argument("--tests", nargs="+", help="these instead of all: for tests being written against survivors")
    args = parser.parse_args()
    os.chdir(ROOT)
    if args.part == "page":
        return page()
    return run(args.part, args.sample, args.seed, args.only, args.again, args.tests)


if __name__ == "__main__":
    sys.exit(main())
