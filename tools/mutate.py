#!/usr/bin/env python3
"""Small wrong changes to the code, one at a time: which of them do the tests notice?

usage: mutate.py state|supervisor [--sample N] [--seed N] [--out FILE.jsonl]

Each mutant is one changed operator, comparison, constant, condition or default. It never touches the disk: a finder
puts the changed source in place of the module in a forked child, which runs the tests of that part (`-x`) and is gone.
mutmut and cosmic-ray rewrite files of a copied tree, which this package's editable install with native modules
does not follow. Prints the rate and every survivor; survivors are listed with a reason in docs/mutation.md.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import random
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, ModuleType

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "pipeline" / "watchkeeper"
_TIMEOUT_S = 900  # of a whole run; a single test that hangs is ended by pytest's own time-out
_NAMED = "tests/scenarios/test_named_scenarios.py"
# part: modules, tests that are to notice
PARTS: dict[str, tuple[list[str], list[str]]] = {
    "state": (
        [f"state.{path.stem}" for path in sorted((PACKAGE / "state").glob("*.py")) if path.stem != "__init__"],
        ["tests/scenarios/test_closures.py", "tests/scenarios/test_distraction.py",
         "tests/scenarios/test_vehicle_and_sight.py", "tests/scenarios/test_profiles_and_drowsiness.py", _NAMED,
         "tests/unit/state", "-k", "not named_scenarios or 30-clean or timing"],
    ),
    "supervisor": (
        [f"supervisor.{name}" for name in (
            "core", "liveness", "safe_state", "restart", "cycle", "e2e", "frames", "vehicle_input",
        )],
        ["tests/unit/supervisor/test_core.py", "tests/unit/supervisor/test_liveness.py",
         "tests/unit/supervisor/test_safe_state.py", "tests/unit/supervisor/test_restart.py",
         "tests/unit/supervisor/test_cycle.py", "tests/unit/supervisor_can/test_can_layout.py",
         "tests/unit/supervisor_can/test_can_e2e.py", "tests/unit/supervisor_can/test_can_vehicle.py",
         "tests/unit/supervisor_can/test_can_outputs.py",
         "tests/golden", "tests/unit/commands/test_replay_command.py"],
    ),
}  # fmt: skip

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.Mod: ast.Mult,
    ast.BitXor: ast.BitOr,
}  # fmt: skip


def changes(tree: ast.Module) -> Iterator[tuple[int, str, ast.Module]]:
    """Line, description and tree of every mutant. Annotations, docstrings and `__slots__` are left alone."""
    for number, node in enumerate(_nodes(tree)):
        for variant, text in enumerate(_variants(node)):
            changed = copy.deepcopy(tree)
            target = _nodes(changed)[number]
            _apply(target, variant)
            yield getattr(node, "lineno", 0), text, ast.fix_missing_locations(changed)


def _nodes(tree: ast.Module) -> list[ast.AST]:
    found: list[ast.AST] = []

    def walk(node: ast.AST) -> None:
        found.append(node)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not _left_alone(child):
                    walk(child)

    walk(tree)
    return found


def _left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id == "__slots__"
    return isinstance(node, (ast.Import, ast.ImportFrom)) or (
        isinstance(node, ast.ClassDef) and any("Protocol" in ast.dump(base) for base in node.bases)
    )


def _variants(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARE:
        return [f"{type(node.ops[0]).__name__} -> {_COMPARE[type(node.ops[0])].__name__}"]
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in _BINARY:
        return [f"{type(node.op).__name__} -> {_BINARY[type(node.op)].__name__}"]
    if isinstance(node, ast.BoolOp):
        return ["and <-> or"]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        return ["operator taken away"]
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        return ["flipped" if isinstance(node.value, bool) else f"{node.value} -> {_other(node.value)}"]
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        return ["condition negated"]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("min", "max"):
        return ["min <-> max"]
    return []


def _other(value: float) -> float:
    return value + 1 if isinstance(value, int) else value * 1.5 + (1.0 if value == 0 else 0.0)


def _apply(node: ast.AST, _variant: int) -> None:
    if isinstance(node, ast.Compare):
        node.ops[0] = _COMPARE[type(node.ops[0])]()
    elif isinstance(node, (ast.BinOp, ast.AugAssign)):
        node.op = _BINARY[type(node.op)]()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd() if isinstance(node.op, ast.USub) else ast.Not()
        if isinstance(node.op, ast.Not):
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant):
        assert isinstance(node.value, (bool, int, float))
        node.value = (not node.value) if isinstance(node.value, bool) else _other(node.value)
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        node.func.id = "max" if node.func.id == "min" else "min"


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Puts one module's changed code in place of its file."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self._name, self._path, self._code = name, path, code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=_Loader(self._code, self._path))


class _Loader(importlib.abc.Loader):
    def __init__(self, code: CodeType, path: Path) -> None:
        self._code, self.path = code, str(path)

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


def killed(module: str, tree: ast.Module, tests: list[str]) -> bool:
    """Does some test fail with this mutant? (A mutant that hangs is noticed too.)"""
    source = PACKAGE / (module.replace(".", "/") + ".py")
    code = compile(tree, str(source), "exec")
    pid = os.fork()
    if pid == 0:
        signal.alarm(_TIMEOUT_S)
        log = os.environ.get("MUTATE_LOG")  # where the newest child's output is to be read
        null, path = tempfile.mkstemp() if log is None else (os.open(log, os.O_RDWR | os.O_CREAT | os.O_TRUNC), log)
        if log is None:
            Path(path).unlink()
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        sys.meta_path.insert(0, _Finder(f"watchkeeper.{module}", source, code))
        import pytest

        status = 1
        try:
            status = int(
                pytest.main(
                    ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning", *tests]
                )
            )
        finally:
            os._exit(status)
    _, wait_status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(wait_status) != 0


def main() -> int:
    """See the module text."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--sample", type=int, default=0, help="mutants to try, drawn by chance (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--skip", type=int, default=0, help="leave the first so many of the drawn ones out")
    parser.add_argument("--seconds", type=float, default=0, help="stop after so many seconds (default: never)")
    parser.add_argument("--out", type=Path, help="write one JSON line a mutant")
    args = parser.parse_args()
    os.chdir(ROOT)
    modules, tests = PARTS[args.part]
    mutants = []
    for module in modules:
        tree = ast.parse((PACKAGE / (module.replace(".", "/") + ".py")).read_text())
        mutants += [(module, line, text, changed) for line, text, changed in changes(tree)]
    total = len(mutants)
    random.Random(args.seed).shuffle(mutants)
    mutants = mutants[args.skip : args.skip + args.sample] if args.sample else mutants[args.skip :]
    import time

    import hypothesis
    import pytest

    print(f"{total} mutants of {args.part}, trying {len(mutants)} (pytest {pytest.__version__}, {hypothesis.__name__})")
    if killed(modules[0], ast.parse((PACKAGE / (modules[0].replace(".", "/") + ".py")).read_text()), tests):
        print("the tests fail without a mutant", file=sys.stderr)
        return 2
    tried = noticed = 0
    end_s = time.monotonic() + args.seconds if args.seconds else float("inf")
    out = args.out.open("w") if args.out else None
    for module, line, text, changed in mutants:
        if time.monotonic() > end_s:
            break
        hit = killed(module, changed, tests)
        tried, noticed = tried + 1, noticed + hit
        if not hit:
            print(f"survived: {module}:{line}: {text}", flush=True)
        if out:
            out.write(json.dumps({"module": module, "line": line, "change": text, "killed": hit}) + "\n")
            out.flush()
    print(f"{args.part}: {noticed} of {tried} noticed ({100 * noticed / max(1, tried):.1f} %), {total} mutants in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
