"""The scenarios that come with the package, and the times of the rules that scenarios may use by name."""

from __future__ import annotations

from pathlib import Path

from watchkeeper.errors import BadInputError
from watchkeeper.state import limits
from watchkeeper.state.limits import Limit

_FOLDER = Path(__file__).resolve().parent / "named"
SUFFIX = ".scenario"


def scenario_names() -> list[str]:
    """Names of the scenarios that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob(f"*{SUFFIX}"))


def scenario_path(name: str) -> Path:
    """The file `name`, or the scenario of the package called so. Raises BadInputError listing the known ones."""
    path = Path(name)
    if path.is_file():
        return path
    if name in scenario_names():
        return _FOLDER / f"{name}{SUFFIX}"
    raise BadInputError(f"{name}: no such file, and no scenario of that name; known are {', '.join(scenario_names())}")


def limit_times() -> dict[str, int]:
    """Every threshold of the rules that is a time, in ns, by its name in `state/limits.py`."""
    return {
        name: limit.ns for name, limit in vars(limits).items() if isinstance(limit, Limit) and limit.unit in ("s", "ms")
    }
