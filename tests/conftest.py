"""What the tests need beyond the interpreter, and what a test that cannot have it says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _shared_data() -> Path:
    return Path(os.environ.get("WATCHKEEPER_DATA", ROOT.parent / "shared" / "data"))


def _weights_missing() -> str | None:
    """Why the weights cannot be used, or None."""
    from watchkeeper.errors import BadInputError
    from watchkeeper.inference.manifest import load_manifest, manifest_names, model_file

    try:
        for name in manifest_names():
            model_file(load_manifest(name))
    except BadInputError as error:
        return str(error)
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("needs_models")]
    if marked and (reason := _weights_missing()):
        if os.environ.get("CI"):
            raise pytest.UsageError(f"in CI the weights must be there: {reason}")
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))
    if not _shared_data().is_dir():
        for item in items:
            if item.get_closest_marker("needs_shared_data"):
                item.add_marker(
                    pytest.mark.skip(reason="the labelled data is not part of the project (set WATCHKEEPER_DATA)")
                )


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the labelled data (rendered/, clips/); use with the marker needs_shared_data."""
    return _shared_data()


@pytest.fixture(scope="session")
def demo_clip() -> Path:
    """The packaged demo drive."""
    return ROOT / "demo" / "demo_drive.mp4"


@pytest.fixture(scope="session")
def demo_truth() -> Path:
    """Its exact truth as a measurement trace."""
    return ROOT / "tests" / "data" / "demo_drive_truth.jsonl"
