"""The plain values that a change to a module's own level gives its names, and the names made of these elsewhere."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from types import FunctionType, ModuleType

from mutants import Mutant, Source

ROOT = str(Path(__file__).resolve().parents[1])
_PASSES = 3  # a name made of a name made of a name


def changed_values(sources: list[Source], source: Source, mutant: Mutant) -> dict[str, dict[str, object]]:
    """Module name to names and their values with the mutant, of those that change; empty when it shows in none.

    The modules run once more beside the live ones, which see each other's changed values while it lasts. Classes and
    functions stay the live ones; a value is the same when it reads the same.
    """
    live = {f"watchkeeper.{s.module}": s for s in sources if f"watchkeeper.{s.module}" in sys.modules}
    before = {name: dict(vars(sys.modules[name])) for name in live}
    found: dict[str, dict[str, object]] = {}
    try:
        for _ in range(_PASSES):
            more = False
            for name, each in live.items():
                if not found and each is not source:
                    continue
                fresh = _run(name, each, mutant if each is source else None)
                for key, value in fresh.items():
                    old = before[name].get(key)
                    if key.startswith("__"):  # __spec__, __loader__: how it was imported, which is not of the source
                        continue
                    if _plain(value) and repr(value) != repr(found.get(name, {}).get(key, old)):
                        found.setdefault(name, {})[key] = value
                        setattr(sys.modules[name], key, value)
                        more = True
            if not more:
                break
    except Exception:  # a mutant that cannot even be imported: a fresh process says so
        found = {}
    finally:
        for name, values in before.items():
            vars(sys.modules[name]).update(values)
    return found


def put_values(values: dict[str, dict[str, object]]) -> None:
    """Give them to the live modules, and to every module of the project that took one of them over by its name."""
    ours = [m for m in list(sys.modules.values()) if str(getattr(m, "__file__", None) or "").startswith(ROOT)]
    for name, changed in values.items():
        for key, value in changed.items():
            old = getattr(sys.modules[name], key, None)
            for module in ours:
                if key in vars(module) and (module.__name__ == name or repr(vars(module)[key]) == repr(old)):
                    setattr(module, key, value)
    for module in ours:
        for thing in list(vars(module).values()):
            if isinstance(thing, functools._lru_cache_wrapper):
                thing.cache_clear()


def _run(name: str, source: Source, mutant: Mutant | None) -> dict[str, object]:
    scratch = ModuleType(name)
    scratch.__dict__.update(__file__=str(source.path), __package__=name.rpartition(".")[0])
    live = sys.modules[name]
    sys.modules[name] = scratch  # dataclasses look their module up
    try:
        exec(source.code(mutant), scratch.__dict__)
    finally:
        sys.modules[name] = live
    return dict(vars(scratch))


def _plain(value: object) -> bool:
    return not isinstance(value, (type, FunctionType, ModuleType)) and " at 0x" not in repr(value)
