"""Runs the tests that pass a changed line against the change, each mutant in a forked child; nothing touches the disk.

Two ways. A mutant inside a function, or of a module's plain value, is put into a process that has collected the tests
and run them once under coverage: a fork and some tests, no import. A limit is put there too, against tests that take
none over when they are collected. A mutant of anything else (defaults, class bodies), and a limit that survived, needs
the modules anew: mutation_fresh.py tries it.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import signal
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType
from typing import TextIO

import coverage
import pytest
from mutants import Mutant, Source, lines_of_defaulted, names_of_top_level, places_of
from mutation_fresh import silence
from mutation_values import changed_values, put_values

_SLOWEST_S = 4.0  # a test that takes longer is left out
_BUDGET_S = 25.0  # of tests' own time for one mutant, quickest first
_FRESH_MOST = 150  # tests for a mutant that needs a fresh process
_BROKEN = 77  # a child's exit status when it did not come as far as the tests
_HANG_S = 30.0  # a test that takes so much longer than it did, and twenty times, hangs


@dataclass
class Runs:
    """Pytest plugin: in place of the loop over the tests. `fresh` and `results` are written to `out`, a JSON a line."""

    sources: list[Source]
    mutants: list[Mutant]
    out: TextIO
    cover: coverage.Coverage
    took_s: dict[str, float] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """See the class."""
        if session.testsfailed:
            self._say({"error": "the tests do not collect"})
            return True
        items = {item.nodeid: item for item in session.items}
        self._watch(list(items.values()))
        if self.bad:
            self._say({"error": f"the tests fail without a mutant: {', '.join(self.bad)}"})
            return True
        data = self.cover.get_data()
        by_line = {s.module: data.contexts_by_lineno(str(s.path)) for s in self.sources}
        functions = _functions({str(s.path) for s in self.sources})
        gc.collect()
        gc.freeze()
        lately: dict[str, list[str]] = defaultdict(list)  # of a module: tests that noticed something
        for mutant in self.mutants:
            self._try(mutant, by_line, functions, items, lately[mutant.module])
        return True

    def _try(
        self,
        mutant: Mutant,
        by_line: dict[str, dict[int, list[str]]],
        functions: dict[tuple[str, str, int], list[FunctionType]],
        items: dict[str, pytest.Item],
        lately: list[str],
    ) -> None:
        """Say which test notices it, or which are to be tried in a fresh process. lately: tests that noticed something
        in its module, newest first."""
        source, lines = next(s for s in self.sources if s.module == mutant.module), by_line[mutant.module]
        own = range(mutant.line, mutant.last + 1)
        seen = {test for line in own for test in lines.get(line, ())}
        changed = _changed_functions(source, mutant, functions)
        on_import = any("" in lines.get(line, ()) for line in own)
        values: dict[str, dict[str, object]] = {}
        if on_import or not changed:
            names = names_of_top_level(self.sources, mutant)
            places = places_of(self.sources, names)
            places += [(mutant.module, line) for line in lines_of_defaulted(source, mutant)]
            seen |= {test for module, line in places for test in by_line[module].get(line, ())}
            words = {name for _, name in names}
            seen |= {test for test, item in items.items() if words & _words_of(item)}
            if not seen - {""}:
                seen = {test for tests in lines.values() for test in tests}
            values = changed_values(self.sources, source, mutant)
        tests = self._order(seen, lately, mutant)
        fresh: dict[str, object] = {
            "fresh": mutant.number, "module": mutant.module, "tests": tests[:_FRESH_MOST] + self._pages(),
        }  # fmt: skip
        if (on_import or not changed) and not values and not (changed and not on_import):
            self._say(fresh)
            return
        pages = [test for test in self._pages() if test in seen]
        is_limit = mutant.module.endswith(".limits")
        if is_limit:
            tests, pages = [test for test in tests if not _takes_limits(items[test])], self._pages()
        killer = self._killer(changed, values, [items[test] for test in [*tests, *pages]])
        if killer is None and is_limit:
            self._say(fresh)
            return
        if killer is not None:
            lately[:] = [killer, *(test for test in lately if test != killer)][:5]
        self._say({"module": mutant.module, "number": mutant.number, "by": killer, "tests": len(tests) + len(pages)})

    def _say(self, what: dict[str, object]) -> None:
        self.out.write(json.dumps(what) + "\n")
        self.out.flush()

    def _watch(self, items: list[pytest.Item]) -> None:
        """Run all once: which lines each passes, and how long it takes."""
        for item, following in zip(items, [*items[1:], None], strict=True):
            self.cover.switch_context(item.nodeid)
            start_s = _cpu_s()
            if _fails(item, following):
                self.bad.append(item.nodeid)
            self.took_s[item.nodeid] = _cpu_s() - start_s
        self.cover.stop()

    def _order(self, seen: Iterable[str], first: Sequence[str], mutant: Mutant) -> list[str]:
        """Quickest first, before them those that noticed other mutants here and those named after what is changed."""
        named = mutant.text.partition(" ")[0].lower()
        known = [t for t in seen if t in self.took_s and self.took_s[t] <= _SLOWEST_S and not is_page(t)]
        known.sort(key=lambda test: (test not in first, named not in test, self.took_s[test]))
        chosen, sum_s = [], 0.0
        for test in known:
            sum_s += self.took_s[test]
            if sum_s > _BUDGET_S:
                break
            chosen.append(test)
        return chosen

    def _pages(self) -> list[str]:
        """The tests of generated pages: last, for a number that only a page shows is not one whose effect is tested."""
        return [test for test in self.took_s if is_page(test)]

    def _killer(
        self,
        changed: list[tuple[FunctionType, CodeType]],
        values: dict[str, dict[str, object]],
        items: list[pytest.Item],
    ) -> str | None:
        """The test that notices, None when none does."""
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = _BROKEN
            try:
                silence()
                for function, code in changed:
                    function.__code__ = code
                put_values(values)
                status = 0
                for number, item in enumerate(items):
                    os.write(write, b"%d\n" % number)
                    signal.setitimer(signal.ITIMER_REAL, _HANG_S + 20 * self.took_s[item.nodeid])
                    if _fails(item, None):
                        status = 1
                        break
            finally:
                os._exit(status)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            begun = pipe.read().split()
        _, status = os.waitpid(pid, 0)
        if os.waitstatus_to_exitcode(status) == _BROKEN:
            raise RuntimeError("a mutant could not be put in place")
        return items[int(begun[-1])].nodeid if status != 0 and begun else None


def is_page(test: str) -> bool:
    """Is it a test of a generated page?"""
    return "_page.py::" in test


def _cpu_s() -> float:
    """Of this process and its children: on a machine that others use too, quick tests stay quick."""
    return sum(os.times()[:4])


def _takes_limits(item: pytest.Item) -> bool:
    """May it keep a limit as it was when the tests were collected, so that it would fail of a change in place alone?"""
    module = getattr(item, "module", None)
    return any(
        getattr(value, "__name__", "") == "watchkeeper.state.limits"
        or getattr(value, "__module__", "") == "watchkeeper.scenarios.named"
        for value in vars(module).values()
    )


@functools.cache
def _words_of(item: pytest.Item) -> frozenset[str]:
    """Names in the code of a test: it may read a module's values without passing a line of the module."""
    code = getattr(getattr(item, "function", None), "__code__", None)
    return frozenset(code.co_names) if code is not None else frozenset()


def _fails(item: pytest.Item, following: pytest.Item | None) -> bool:
    from _pytest.runner import runtestprotocol

    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def _functions(paths: set[str]) -> dict[tuple[str, str, int], list[FunctionType]]:
    found: dict[tuple[str, str, int], list[FunctionType]] = defaultdict(list)
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename in paths:
            code = thing.__code__
            found[code.co_filename, code.co_name, code.co_firstlineno].append(thing)
    return found


def _changed_functions(
    source: Source, mutant: Mutant, functions: dict[tuple[str, str, int], list[FunctionType]]
) -> list[tuple[FunctionType, CodeType]]:
    """The live functions whose code the mutant changes; empty when it changes anything that is no function's code."""
    old, new = _codes(source.code()), _codes(source.code(mutant))
    top = "", 0
    if old.keys() != new.keys() or not _same(old[top], new[top]):
        return []
    changed = []
    for key, code in new.items():
        if key == top or _same(code, old[key]):
            continue
        live = functions.get((str(source.path), *key), [])
        if any(f.__code__.co_freevars != code.co_freevars for f in live):
            return []
        changed += [(function, code) for function in live]
    return changed


def _codes(code: CodeType, top: bool = True) -> dict[tuple[str, int], CodeType]:
    """The module's own code under ("", 0), with that of class bodies, and that of every function by name and line."""
    found: dict[tuple[str, int], CodeType] = {("", 0): code} if top else {}
    for const in code.co_consts:
        if isinstance(const, CodeType):
            found[const.co_name, const.co_firstlineno] = const
            found |= _codes(const, top=False)
    return found


def _same(a: CodeType, b: CodeType) -> bool:
    """Alike but for the functions inside, which are compared by themselves unless they are made anew at each call."""
    consts_a = [c for c in a.co_consts if not isinstance(c, CodeType)]
    consts_b = [c for c in b.co_consts if not isinstance(c, CodeType)]
    inner_a = [c for c in a.co_consts if isinstance(c, CodeType)]
    inner_b = [c for c in b.co_consts if isinstance(c, CodeType)]
    is_body = not a.co_flags & 0x2  # CO_NEWLOCALS is off in modules and class bodies
    return (
        a.co_code == b.co_code
        and a.co_names == b.co_names
        and [(type(c), c) for c in consts_a] == [(type(c), c) for c in consts_b]
        and (is_body or all(map(_same, inner_a, inner_b)))
    )


def watch_and_run(
    sources: list[Source], mutants: list[Mutant], tests: list[str], options: list[str], out: Path
) -> list[dict[str, object]]:
    """What `Runs` says of the mutants, after a child has done it."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            cover = coverage.Coverage(data_file=None, config_file=False, include=[str(s.path) for s in sources])
            cover.start()
            with out.open("w") as lines:
                pytest.main([*options, *tests], plugins=[Runs(sources, mutants, lines, cover)])
            status = 0
        finally:
            os._exit(status)
    os.waitpid(pid, 0)
    return [json.loads(line) for line in out.read_text().splitlines()]
