"""The wheel: one package, its data, and a command line that works from it alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from watchkeeper.inference.manifest import load_manifests

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # A build folder of its own: the developer's editable install keeps its own.
    command = [
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index",
        "--config-settings", f"build-dir={folder / 'build'}", "--wheel-dir", str(folder), str(ROOT),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("watchkeeper-*.whl")
    return path


def test_only_the_package_is_installed_and_it_carries_its_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"watchkeeper"}
    assert "watchkeeper/_data/boards/host/board.toml" in names
    assert "watchkeeper/_data/demo/demo_drive.mp4" in names
    assert "watchkeeper/_data/vehicles/volkswagen_mqb.toml" in names
    assert "watchkeeper/_data/boards/common/system/25-watchkeeper-can.network" in names
    assert any(name.startswith("watchkeeper/_data/models/") and name.endswith(".toml") for name in names)
    for module in ("_kernels", "_geometry", "_mailbox"):
        assert any(name.startswith(f"watchkeeper/{module}.") and name.endswith(".so") for name in names), module
    assert any(name.startswith("watchkeeper/_mailbox.") and name.endswith(".so") for name in names)
    own = {f"watchkeeper/_data/models/{model.member}" for model in load_manifests() if model.packaged}
    assert own <= set(names)
    assert not {name for name in names if name.endswith((".tflite", ".task", ".cc")) or "tests/" in name} - own


def test_it_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in type(f).__module__];"
        "from watchkeeper.cli import main; sys.exit(main(['boards', 'list', '--json']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "host" in [board["name"] for board in json.loads(done.stdout)]
