"""What the packages are made of: every file pinned by its hash, and all that the project needs is there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ROOT / "tools" / "packaging" / "locks"
TARGETS = tomllib.loads((ROOT / "tools" / "packaging" / "targets.toml").read_text())
LINE = re.compile(r"([a-z0-9-]+)==([^ ]+) --hash=sha256:[0-9a-f]{64}")


def _pinned(name: str) -> dict[str, str]:
    found = {}
    for line in (LOCKS / name).read_text().splitlines():
        if not line.startswith("#"):
            match = LINE.fullmatch(line)
            assert match, f"{name}: {line}"
            found[match[1]] = match[2]
    return found


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_targets_lock_holds_what_the_project_needs_there(target: str, arch: str) -> None:
    pinned, settings = _pinned(f"{target}-{arch}.txt"), TARGETS[target]
    environment = {"python_version": settings["python"], "extra": ""}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in project["dependencies"]:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        wanted = requirement.marker is None or requirement.marker.evaluate(environment)
        if name == "numpy" and settings["numpy"] == "system":
            wanted = False
        assert (name in pinned) == wanted, name
        assert not wanted or pinned[name] in requirement.specifier, (name, pinned[name])
    if settings["numpy"] != "system":
        assert pinned["numpy"] in Requirement(settings["numpy"]).specifier


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_targets_build_lock_holds_the_build_system(target: str, arch: str) -> None:
    pinned = _pinned(f"{target}-{arch}.build.txt")
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    for requirement in map(Requirement, [*required, "cmake", "ninja"]):
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier


def test_there_is_no_lock_of_a_target_that_is_gone() -> None:
    kinds = ("amd64.txt", "arm64.txt", "amd64.build.txt", "arm64.build.txt")
    names = {f"{target}-{kind}" for target in TARGETS for kind in kinds}
    assert {path.name for path in LOCKS.iterdir()} == names
