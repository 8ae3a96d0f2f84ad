"""Bill of materials of a package: CycloneDX 1.6 (ECMA-424), JSON. The same input gives the same bytes.

Python libraries come from the lock that the package is built from, with the hash of the very wheel; networks from
their manifests, with the hash of the weights; what the system has to have from tools/packaging/control.in, with
versions where a dpkg status file is given.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from watchkeeper import __version__
from watchkeeper.errors import BadInputError
from watchkeeper.files import write_atomically
from watchkeeper.inference.manifest import load_manifests

HERE = Path(__file__).resolve().parent
_LINKED_IN = ("nanobind",)  # of what it is built with: these are in the native modules themselves
_LOCKED = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^ ]+) --hash=sha256:(?P<sha256>[0-9a-f]{64})")
_NAMESPACE = uuid.UUID("6b0d2f0e-6f7c-5d0f-9a53-0a4b1d1f7c11")  # of this project's serial numbers


def main(argv: list[str] | None = None) -> int:
    """Print or write it. Exit status 2 for an unknown target."""
    parser = argparse.ArgumentParser(prog="tools/sbom", description="Bill of materials of one target's package.")
    parser.add_argument("target")
    parser.add_argument("arch", choices=["amd64", "arm64"])
    parser.add_argument("--installed", metavar="STATUS", type=Path, help="a dpkg status file, for versions")
    parser.add_argument("--out", metavar="FILE", type=Path)
    args = parser.parse_args(argv)
    try:
        text = json.dumps(bill(args.target, args.arch, args.installed), indent=1, sort_keys=True) + "\n"
        if args.out is not None:
            write_atomically(args.out, text)
        else:
            print(text, end="")
    except BadInputError as error:
        print(f"tools/sbom: {error}", file=sys.stderr)
        return error.exit_status
    return 0


def bill(target: str, arch: str, installed: Path | None = None) -> dict[str, Any]:
    """The document. Raises BadInputError naming the file."""
    python = _locked(f"{target}-{arch}.txt")
    linked = [item for item in _locked(f"{target}-{arch}.build.txt") if item["name"] in _LINKED_IN]
    parts = [*python, *linked, *_networks(), *_debian(python, arch, installed)]
    version = f"{__version__}-1~{target}"
    itself = {
        "type": "application", "bom-ref": f"watchkeeper@{version}", "name": "watchkeeper", "version": version,
        "purl": f"pkg:deb/watchkeeper@{version}?arch={arch}", "licenses": [{"license": {"id": "Apache-2.0"}}],
    }  # fmt: skip
    made: dict[str, Any] = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"timestamp": _date(), "component": itself},
        "components": parts,
        "dependencies": [
            {"ref": itself["bom-ref"], "dependsOn": [part["bom-ref"] for part in parts]},
            *({"ref": part["bom-ref"]} for part in parts),
        ],
    }  # fmt: skip
    made["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMESPACE, json.dumps(made, sort_keys=True))}"
    return made


def _locked(name: str) -> list[dict[str, Any]]:
    path = HERE / "locks" / name
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise BadInputError.at(path, f"{error.strerror}; expected a lock of this target, made by tools/lock") from None
    found = []
    for number, line in enumerate(lines, start=1):
        if line.startswith("#"):
            continue
        match = _LOCKED.fullmatch(line)
        if match is None:
            raise BadInputError.at(path, f"line {number}: expected NAME==VERSION --hash=sha256:HASH")
        purl = f"pkg:pypi/{match['name']}@{match['version']}"
        found.append({
            "type": "library", "bom-ref": purl, "name": match["name"], "version": match["version"], "purl": purl,
            "hashes": [{"alg": "SHA-256", "content": match["sha256"]}], "scope": "required",
        })  # fmt: skip
    return found


def _networks() -> list[dict[str, Any]]:
    return [
        {
            "type": "machine-learning-model", "bom-ref": f"model:{model.name}@{model.version}", "name": model.name,
            "version": model.version, "description": model.description,
            "hashes": [{"alg": "SHA-256", "content": model.sha256}],
            "licenses": [{"license": {"name": model.licence}}],
            "properties": [{"name": "watchkeeper:origin", "value": model.origin}],
        }
        for model in load_manifests()
    ]  # fmt: skip


def _debian(python: list[dict[str, Any]], arch: str, installed: Path | None) -> list[dict[str, Any]]:
    """What Depends: of the package asks the system for. The distribution's numpy is one of them where no wheel is."""
    line = next(text for text in (HERE / "control.in").read_text().splitlines() if text.startswith("Depends:"))
    numpy = "" if any(item["name"] == "numpy" for item in python) else "python3-numpy, "
    names = re.findall(r"(?:^|,)\s*([a-z0-9][a-z0-9+.-]+)", line.partition(":")[2].replace("@NUMPY@", numpy))
    versions = {} if installed is None else _versions(installed)
    found = []
    for name in dict.fromkeys(names):
        item = {"type": "library", "bom-ref": f"deb:{name}", "name": name, "purl": f"pkg:deb/{name}?arch={arch}",
                "scope": "required"}  # fmt: skip
        if installed is not None:
            if name not in versions:
                raise BadInputError.at(installed, f"expected {name} to be installed there")
            item |= {"version": versions[name], "purl": f"pkg:deb/{name}@{versions[name]}?arch={arch}"}
        found.append(item)
    return found


def _versions(status: Path) -> dict[str, str]:
    """Of the packages that a dpkg status file calls installed."""
    try:
        text = status.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BadInputError.at(status, f"{error.strerror}; expected a dpkg status file") from None
    found = {}
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if re.match(r"[A-Z][\w-]*: ", line))
        if fields.get("Status", "").endswith(" installed"):
            found[fields["Package"]] = fields["Version"]
    return found


def _date() -> str:
    """SOURCE_DATE_EPOCH, else the newest commit's: not the clock's, which would make every bill another one."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    if seconds is None:
        command = ["git", "-C", str(HERE), "log", "-1", "--format=%ct"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BadInputError("SOURCE_DATE_EPOCH: expected it to be set where there is no git checkout")
        seconds = done.stdout
    return datetime.fromtimestamp(int(seconds), tz=timezone.utc).isoformat().replace("+00:00", "Z")


if __name__ == "__main__":
    sys.exit(main())
