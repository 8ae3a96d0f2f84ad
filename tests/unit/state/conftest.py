"""Timers that stand where a test sets them."""

from __future__ import annotations

import pytest
from set_timers import SetClosures, SetGlances


@pytest.fixture
def glances() -> SetGlances:
    return SetGlances()


@pytest.fixture
def closures() -> SetClosures:
    return SetClosures()
