"""Locks of the packages: for each target and architecture the wheels that pip would take now, each with its hash.

    lock.py [TARGET...]     writes locks/TARGET-ARCH.txt (what the package carries), .build.txt (what builds it)

pip itself reads them (`--require-hashes`). numpy is left out where the distribution's is used.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).resolve().parent
LOCKS = HERE / "locks"
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
BUILD = ("scikit-build-core>=0.11", "nanobind>=2.4", "cmake>=3.22,<4", "ninja>=1.11")
_GLIBC = (17, 24, 26, 27, 28, 31, 34)


def main(names: list[str]) -> int:
    """Exit status 2 for an unknown target, 1 where pip finds no wheels."""
    targets = tomli.loads((HERE / "targets.toml").read_text())
    if unknown := [name for name in names if name not in targets]:
        print(f"tools/lock: {unknown[0]}: unknown target; known are {', '.join(targets)}", file=sys.stderr)
        return 2
    LOCKS.mkdir(exist_ok=True)
    for target in names or targets:
        python, own_numpy = targets[target]["python"], targets[target]["numpy"] != "system"
        needed = _field(target, "dependencies")
        for arch, machine in ARCHITECTURES.items():
            for ending, wanted in (("", needed), (".build", list(BUILD))):
                got = resolve(wanted, python, machine)
                lines = [line for name, line in sorted(got.items()) if own_numpy or name != "numpy"]
                head = f"# Made by tools/lock for {target}, {arch}, Python {python}; do not edit.\n"
                (LOCKS / f"{target}-{arch}{ending}.txt").write_text(head + "".join(f"{line}\n" for line in lines))
                print(f"{target} {arch}{ending}: {len(lines)} files")
    return 0


def resolve(wanted: list[str], python: str, machine: str) -> dict[str, str]:
    """Normalised name -> `name==version --hash=sha256:...`, of wheels alone. Raises SystemExit with pip's words.

    pip takes wheels for another Python, but reads the markers of what they need as its own Python's: what only the
    other one needs is asked for by name, until nothing is missing, and what it does not need is left out.
    """
    asked = list(wanted)
    while True:
        found = _pip(asked, python, machine)
        needed = _closure(wanted, found, {"python_version": python, "python_full_version": f"{python}.0",
                                          "platform_machine": machine, "extra": ""})  # fmt: skip
        missing = [str(requirement) for name, requirement in needed.items() if name not in found]
        if not missing:
            return {name: _line(found[name]) for name in needed}
        asked += missing


def _closure(
    wanted: list[str], found: dict[str, dict[str, Any]], environment: dict[str, str]
) -> dict[str, Requirement]:
    """All that `wanted` needs there, by name, as far as what was found says."""
    needed: dict[str, Requirement] = {}
    waiting = [Requirement(text) for text in wanted]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in needed or (requirement.marker is not None and not requirement.marker.evaluate(environment)):
            continue
        needed[name] = Requirement(f"{requirement.name}{requirement.specifier}")
        if name in found:
            waiting += [Requirement(text) for text in found[name]["metadata"].get("requires_dist", [])]
    return needed


def _line(item: dict[str, Any]) -> str:
    name, version = canonicalize_name(item["metadata"]["name"]), item["metadata"]["version"]
    return f"{name}=={version} --hash=sha256:{item['download_info']['archive_info']['hashes']['sha256']}"


def _pip(wanted: list[str], python: str, machine: str) -> dict[str, dict[str, Any]]:
    """What pip would install, by name."""
    tags = [*(f"manylinux_2_{glibc}" for glibc in _GLIBC), "manylinux2010", "manylinux2014"]
    platforms = [f"{tag}_{machine}" for tag in tags]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(
            [
                sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-cache-dir",
                "--only-binary=:all:", "--implementation", "cp", "--python-version", python, "--target", folder,
                "--report", str(report), *(word for name in platforms for word in ("--platform", name)), *wanted,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise SystemExit(f"tools/lock: pip: {done.stderr.strip()}")
        found: list[dict[str, Any]] = json.loads(report.read_text())["install"]
    return {canonicalize_name(item["metadata"]["name"]): item for item in found}


def _field(target: str, field: str) -> list[str]:
    command = [sys.executable, str(HERE / "target_field.py"), target, field]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
