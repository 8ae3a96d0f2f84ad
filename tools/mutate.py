#!/usr/bin/env python3
"""Small wrong changes to the code, one at a time: which of them do the tests notice?

usage: mutate.py state|supervisor [--sample N] [--seed N] [--only WORD ...] [--again] [--tests PATH ...]
       mutate.py page > docs/mutation.md
       mutate.py state|supervisor --merge FILE ...

Each mutant is one changed operator, comparison, constant, condition or default. One run of the part's tests under
coverage says which test passes which line; a mutant is tried against those alone, in a forked child, until one fails.
Results are kept in build/mutation/PART.jsonl; a run with `--only` renews those of its modules, and `--merge` takes over
modules from results of runs made elsewhere. `page` makes docs/mutation.md of them and of mutation_survivors.toml.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import hypothesis
from mutants import Mutant, Source
from mutation_fresh import killer_afresh
from mutation_page import page_text, wilson
from mutation_results import Row, key, merge, mutant_key, read, with_modules, with_mutants, write
from mutation_runs import watch_and_run

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
        "tests/unit/state", "tests/unit/commands/test_warnings_page.py", "tests/scenarios",
        "--deselect=tests/scenarios/test_attentive.py",
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
    kept = RESULTS / f"{part}.jsonl"
    sources = [Source(PACKAGE, name) for name in modules(part)]
    every = [mutant for source in sources for mutant in source.mutants()]
    drawn = _drawn(every, sample, seed)
    if only:
        drawn = [mutant for mutant in drawn if any(word in mutant.module for word in only)]
    if again:
        survived = {key(row) for row in read(kept) if not row["killed"]}
        drawn = [mutant for mutant in (drawn if only else every) if mutant_key(mutant) in survived]
    print(f"{len(every)} mutants of {part}, trying {len(drawn)}", flush=True)
    start_s = time.monotonic()
    out = RESULTS / f"{part}.{os.getpid()}.tmp"
    said = watch_and_run(sources, drawn, tests or TESTS[part], OPTIONS, out)
    out.unlink(missing_ok=True)
    if not said or "error" in said[0]:
        print(said[0]["error"] if said else "the tests did not run", file=sys.stderr)
        return 2
    by_place = {(mutant.module, mutant.number): mutant for mutant in drawn}
    by_module = {source.module: source for source in sources}
    rows: list[Row] = []
    print(f"in place: {len(said)} after {time.monotonic() - start_s:.0f} s", flush=True)
    for line in said:
        number, chosen = line.get("fresh", line.get("number")), line["tests"]
        mutant: Mutant = by_place[str(line["module"]), int(str(number))]
        by = line.get("by")
        if isinstance(chosen, list):
            by = killer_afresh(by_module[mutant.module], mutant, chosen, OPTIONS) if chosen else None
        count = len(chosen) if isinstance(chosen, list) else chosen
        rows.append({
            "module": mutant.module, "line": mutant.line, "change": mutant.change, "text": mutant.text,
            "nth": mutant.nth, "killed": by is not None, "by": by, "tests": count,
        })  # fmt: skip
        if by is None:
            print(
                f"survived ({count} tests): {mutant.module}:{mutant.line}: {mutant.change}: {mutant.text}", flush=True
            )
    about: Row = {
        "part": part,
        "all": len(every),
        "run": f"--sample {sample} --seed {seed}" if sample else "all mutants",
    }
    old = read(kept)
    if again:
        write(kept, about, with_mutants(old, rows))
    else:
        write(kept, about, with_modules(old, rows) if only else rows)
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


def join(part: str, others: list[Path]) -> int:
    """Take over modules from results made elsewhere."""
    every = [mutant for name in modules(part) for mutant in Source(PACKAGE, name).mutants()]
    for line in merge(RESULTS / f"{part}.jsonl", others, part, every):
        print(line)
    return 0


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
    parser.add_argument("--merge", nargs="+", type=Path, help="results (.jsonl) to take modules over from")
    args = parser.parse_args()
    others = [path.resolve() for path in args.merge or ()]
    os.chdir(ROOT)
    RESULTS.mkdir(parents=True, exist_ok=True)
    if args.part == "page":
        return page()
    if others:
        return join(args.part, others)
    return run(args.part, args.sample, args.seed, args.only, args.again, args.tests)


if __name__ == "__main__":
    sys.exit(main())
