"""The bill of materials: valid by the standard's own schema, complete, the same bytes from the same input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from watchkeeper.inference.manifest import load_manifests

ROOT = Path(__file__).resolve().parents[3]
TARGETS = [(target, arch) for target in ("bookworm", "trixie", "jetpack6", "jetpack7") for arch in ("amd64", "arm64")]


def _tool(*arguments: str, epoch: str = "1700000000") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools/packaging/sbom.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"SOURCE_DATE_EPOCH": epoch})


def _bill(*arguments: str) -> dict[str, Any]:
    done = _tool(*arguments)
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    return made


@pytest.mark.parametrize(("target", "arch"), TARGETS)
def test_it_is_valid_and_whole(target: str, arch: str) -> None:
    text = _tool(target, arch).stdout
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    kinds = {part["bom-ref"].partition(":")[0] for part in bill["components"]}
    assert kinds == {"pkg", "model", "deb"}
    locked = (ROOT / f"tools/packaging/locks/{target}-{arch}.txt").read_text().splitlines()[1:]
    by_name = {part["name"]: part for part in bill["components"]}
    for line in locked:
        name, _, rest = line.partition("==")
        assert by_name[name]["hashes"] == [{"alg": "SHA-256", "content": rest.rpartition(":")[2]}]
    assert "nanobind" in by_name, "it is linked into the native modules"
    assert "cmake" not in by_name
    assert ("purl" in by_name["python3-numpy"]) if "numpy" not in by_name else "python3-numpy" not in by_name
    for model in load_manifests():
        assert by_name[model.name]["hashes"][0]["content"] == model.sha256
    refs = {part["bom-ref"] for part in bill["components"]}
    assert set(bill["dependencies"][0]["dependsOn"]) == refs
    assert len(refs) == len(bill["components"])


def test_what_is_no_bill_is_refused_by_the_validator() -> None:
    """So that the test above can fail."""
    bill = _bill("bookworm", "arm64")
    bill["components"][0]["hashes"][0]["content"] = "not a hash"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is not None


def test_the_same_input_gives_the_same_bytes_and_another_gives_another_number() -> None:
    first, second = _tool("bookworm", "arm64").stdout, _tool("bookworm", "arm64").stdout
    assert first == second
    later = _tool("bookworm", "arm64", epoch="1700000001").stdout
    assert json.loads(later)["serialNumber"] != json.loads(first)["serialNumber"]


def test_versions_come_from_a_boards_own_status(tmp_path: Path) -> None:
    names = [part["name"] for part in _bill("bookworm", "arm64")["components"] if part["bom-ref"].startswith("deb:")]
    assert {"python3", "python3-numpy", "libc6", "systemd"} <= set(names)
    blocks = [f"Package: {name}\nStatus: install ok installed\nVersion: 1.{n}\n" for n, name in enumerate(names)]
    status = tmp_path / "status"
    status.write_text("\n".join([*blocks, "Package: gone\nStatus: deinstall ok config-files\nVersion: 9\n"]))
    found = {part["name"]: part for part in _bill("bookworm", "arm64", "--installed", str(status))["components"]}
    assert [found[name]["version"] for name in names] == [f"1.{n}" for n in range(len(names))]
    assert found["python3"]["purl"].startswith("pkg:deb/python3@1.")
    status.write_text("\n".join(blocks[1:]))
    done = _tool("bookworm", "arm64", "--installed", str(status))
    assert (done.returncode, f"expected {names[0]} to be installed there" in done.stderr) == (2, True)


def test_a_target_without_a_lock_is_told() -> None:
    done = _tool("slink", "arm64")
    assert done.returncode == 2
    assert "slink-arm64.txt" in done.stderr
    assert "made by tools/lock" in done.stderr
