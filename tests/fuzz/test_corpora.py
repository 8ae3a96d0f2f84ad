"""Kept inputs through their targets, Python's and, under the sanitizers, the native ones'."""

from __future__ import annotations

import subprocess
from pathlib import Path

import fuzz_results as results
import native_build
import pytest
from fuzz_table import TARGETS

PYTHON = [target for target in TARGETS.values() if target.function is not None]
NATIVE = [target for target in TARGETS.values() if target.function is None]


@pytest.mark.parametrize("name", [target.name for target in PYTHON])
def test_python_targets_take_what_was_kept(name: str) -> None:
    target = TARGETS[name]
    call = target.call()
    for data in [*target.seeds(), b"", *(path.read_bytes() for path in target.corpus())]:
        call(data)


@pytest.mark.parametrize("name", [target.name for target in NATIVE])
def test_native_targets_take_what_was_kept(name: str, tmp_path: Path) -> None:
    if reason := native_build.takes_too_long(name):
        pytest.skip(reason)
    compiler = native_build.replaying_compiler()
    if compiler is None:
        pytest.skip("needs g++ with AddressSanitizer and UndefinedBehaviorSanitizer")
    program = native_build.build(name, tmp_path, compiler, fuzzing=False)
    files = [str(path) for path in TARGETS[name].corpus()]
    done = subprocess.run([str(program), *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{len(files)} inputs\n"), done.stderr[-3000:]


def test_there_is_no_corpus_without_a_target() -> None:
    assert {path.name for path in (Path(__file__).parent / "corpus").iterdir()} <= set(TARGETS)


def test_the_page_is_of_the_results() -> None:
    assert results.PAGE.read_text() == results.page(results.read()), "tools/fuzz --page > docs/fuzzing.md"
