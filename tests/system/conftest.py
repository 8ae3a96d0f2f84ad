"""What tests in the virtual machine need."""

from __future__ import annotations

from pathlib import Path

import pytest
from machine import results, skip_without


@pytest.fixture(scope="session")
def _machine() -> None:
    skip_without()


@pytest.fixture
def keep(_machine: None, tmp_path: Path) -> Path:
    """There is a virtual machine, and this is where the guest writes its results."""
    return results(tmp_path)
