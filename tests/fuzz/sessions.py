"""tools/fuzz: run targets, add up what was done, keep the inputs that reach more. See docs/fuzzing.md."""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import fuzz_results as results
import native_build
from coverage_of import reached
from fuzz_table import CORPUS, LONGEST_BYTES, TARGETS, Target

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "fuzz"
KEPT_MOST = 40
"""Inputs a target in the repository: the smallest of those that reach all that is reached."""
_UNIT_S = 60  # wall clock, which runs on a busy machine too
_UNIT_CPU_S = 5.0  # an input that takes more is a finding
_RSS_MB = 1500
_THE_SAME_AGAIN = ("-seed=1", "-runs=200")  # a test must not find something at one time and nothing at another


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 nothing found, 1 something was, 2 bad use or a target that cannot run here."""
    parser = argparse.ArgumentParser(prog="tools/fuzz", description="Coverage-guided fuzzing of every way in.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="see --list")
    parser.add_argument("--all", action="store_true", help="every target, one after the other")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--seconds", type=int, default=60, metavar="N", help="of each target (default: 60)")
    parser.add_argument("--keep", action="store_true", help="write inputs that reach more to tests/fuzz/corpus")
    parser.add_argument("--smoke", action="store_true", help="a short run, the same at each time, that is not added up")
    parser.add_argument("--page", action="store_true", help="print docs/fuzzing.md")
    args = parser.parse_args(argv)
    if args.page:
        print(results.page(results.read()), end="")
        return 0
    if args.list:
        for target in TARGETS.values():
            print(f"{target.name:18} {target.about}")
        return 0
    names = list(TARGETS) if args.all else args.targets
    if not names or any(name not in TARGETS for name in names):
        parser.error(f"expected --all or targets of: {', '.join(TARGETS)}")
    if args.seconds < 1:
        parser.error(f"--seconds {args.seconds}: expected at least 1")
    return max(_session(TARGETS[name], args) for name in names)


def _session(target: Target, args: argparse.Namespace) -> int:
    folder = WORK / target.name
    found, corpus = folder / "found", folder / "corpus"
    for path in (found, corpus):
        path.mkdir(parents=True, exist_ok=True)
    command = _command(target, folder)
    if command is None:
        print(f"{target.name}: needs clang with libFuzzer (apt-get install clang)", file=sys.stderr)
        return 2
    before = {path.name for path in found.iterdir()}
    kept = [str(path) for path in (CORPUS / target.name,) if path.is_dir()]
    place = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(prefix="fuzz-seeds-") as seeds,
        tempfile.TemporaryDirectory(prefix="fuzz-scratch-", dir=place) as scratch,
    ):
        _write_seeds(target, Path(seeds))
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [
                *command, f"-max_total_time={args.seconds}", f"-max_len={LONGEST_BYTES}", f"-timeout={_UNIT_S}",
                f"-rss_limit_mb={_RSS_MB}", f"-artifact_prefix={found}/", "-print_final_stats=1", "-verbosity=1",
                *(_THE_SAME_AGAIN if args.smoke else ()),
                str(corpus), *kept, seeds,
            ],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
            env={**os.environ, "WATCHKEEPER_FUZZ_SCRATCH": scratch},
        )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    count = re.search(r"number_of_executed_units: (\d+)", done.stdout) or re.search(r"Done (\d+) runs", done.stdout)
    new = sorted(path for path in found.iterdir() if path.name not in before and _is_one(path, command))
    if done.returncode != 0 and not new and "libFuzzer: timeout" not in done.stdout:
        print(done.stdout[-3000:], file=sys.stderr)
        print(f"{target.name}: ended with status {done.returncode} (above)", file=sys.stderr)
        return 2
    executions = int(count[1]) if count else 0
    print(f"{target.name}: {executions} executions in {cpu_s:.0f} s of processor time, {len(new)} findings", flush=True)
    if not args.smoke:
        sums = results.read()
        sums[target.name] = sums[target.name].more(cpu_s, executions, _coverage(target, corpus, done.stdout), len(new))
        results.write(sums)
    if args.keep:
        _keep(target, command, corpus)
    if new:
        print(done.stdout[-2500:], file=sys.stderr)
        print("\n".join(f"finding: {path}" for path in new), file=sys.stderr)
    return 1 if new else 0


def _is_one(path: Path, command: list[str]) -> bool:
    """Whether it is a finding; a time-out of a machine that had other things to do is none, and is removed."""
    if not path.name.startswith("timeout-"):
        return True
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*command, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if after.ru_utime - used.ru_utime > _UNIT_CPU_S:
        return True
    path.unlink()
    return False


def _command(target: Target, folder: Path) -> list[str] | None:
    if target.function is not None:
        return [sys.executable, str(Path(__file__).with_name("atheris_run.py")), target.name]
    compiler = native_build.fuzzing_compiler()
    return None if compiler is None else [str(native_build.build(target.name, folder, compiler, fuzzing=True))]


def _write_seeds(target: Target, folder: Path) -> None:
    if target.function is not None:
        for number, data in enumerate(target.seeds()):
            (folder / f"seed-{number}").write_bytes(data)


def _coverage(target: Target, corpus: Path, said: str) -> float:
    if target.function is not None:
        return reached(target, corpus).share
    found = re.findall(r"\bcov: (\d+)", said)
    edges = re.search(r"Loaded 1 modules\s+\((\d+) inline 8-bit counters\)", said)
    return int(found[-1]) / int(edges[1]) if found and edges else 0.0


def _keep(target: Target, command: list[str], corpus: Path) -> None:
    """The fewest inputs that reach the same, and of those the smallest."""
    kept = CORPUS / target.name
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="watchkeeper-merge-") as merged:
        if target.function is not None:
            smallest = list(reached(target, corpus).needed)
        else:
            subprocess.run(
                [*command, "-merge=1", f"-max_len={LONGEST_BYTES}", f"-timeout={_UNIT_S}", merged, str(kept),
                 str(corpus)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            smallest = sorted(Path(merged).iterdir(), key=lambda path: (path.stat().st_size, path.name))
        for path in smallest[:KEPT_MOST]:
            shutil.copy(path, Path(merged) / f"keep-{path.name}")
        for old in kept.iterdir():
            if re.fullmatch(r"[0-9a-f]{40}", old.name):  # what a finding left has a name of its own, and stays
                old.unlink()
        for path in Path(merged).glob("keep-*"):
            shutil.move(path, kept / path.name.removeprefix("keep-"))


if __name__ == "__main__":
    sys.exit(main())
