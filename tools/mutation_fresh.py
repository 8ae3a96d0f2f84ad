"""Tests against a mutant that needs the modules anew: a child forks before they were imported, and a finder puts the
changed code in place of the file."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

import pytest
from mutants import Mutant, Source

_LONGEST_S = 310.0  # for a mutant: then it hangs


def silence() -> None:
    """A child's own: nothing on its standard streams, and an alarm ends it."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


class _Finder(importlib.abc.MetaPathFinder):
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


class _Failed:
    """Pytest plugin: writes the name of each test that fails."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os.write(self._fd, f"{report.nodeid}\n".encode())


def killer_afresh(source: Source, mutant: Mutant, tests: list[str], options: list[str]) -> str | None:
    """Which of these tests fails in a process that imports everything with the change, None when none does. A hang, and
    a module that cannot be imported, are noticed too."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        silence()
        signal.setitimer(signal.ITIMER_REAL, _LONGEST_S)
        sys.meta_path.insert(0, _Finder(f"watchkeeper.{mutant.module}", source.path, source.code(mutant)))
        status = 1
        try:
            status = int(pytest.main(["-x", *options, *tests], plugins=[_Failed(write)]))
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        failed = pipe.read().decode().split("\n")[0]
    _, wait_status = os.waitpid(pid, 0)
    return (failed or "import") if os.waitstatus_to_exitcode(wait_status) != 0 else None
