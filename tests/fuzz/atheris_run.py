"""One Python target under atheris (libFuzzer's loop over Python's own branches). Started by tools/fuzz.

atheris_run.py TARGET LIBFUZZER'S OPTIONS AND FOLDERS...
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from types import FunctionType

import atheris
from fuzz_table import TARGETS


def main() -> None:
    """Does not come back: libFuzzer ends the process, with a status other than 0 for a finding."""
    function = TARGETS[sys.argv[1]].call()
    # Not atheris.instrument_imports, whose finder does not know an editable installation's.
    for name, module in list(sys.modules.items()):
        if name.startswith("watchkeeper."):
            for found in _functions(module, name):
                atheris.instrument_func(found)
    atheris.Setup([sys.argv[0], *sys.argv[2:]], function)
    atheris.Fuzz()


def _functions(of: object, module: str) -> Iterator[FunctionType]:
    """Those of a module and of its classes, whatever they are wrapped in."""
    for value in list(vars(of).values()):
        if isinstance(value, property):
            yield from (part for part in (value.fget, value.fset) if isinstance(part, FunctionType))
            continue
        inner = inspect.unwrap(value) if callable(value) else getattr(value, "__func__", value)
        if isinstance(inner, FunctionType) and inner.__module__ == module:
            yield inner
        elif isinstance(value, type) and value.__module__ == module:
            yield from _functions(value, module)


if __name__ == "__main__":
    main()
