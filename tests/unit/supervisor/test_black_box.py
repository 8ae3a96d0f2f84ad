"""The memory of vision's recorder in the supervisor's hands: what is in it reaches the disk without vision."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchkeeper.supervisor import black_box
from watchkeeper.supervisor.black_box import BlackBox


@pytest.fixture
def box(tmp_path: Path) -> Iterator[BlackBox]:
    made = BlackBox(tmp_path / "drive.ring")
    yield made
    made.close()


def _done(box: BlackBox) -> None:
    assert box._copying is not None
    assert box._copying.wait(30) == 0


def test_what_was_written_is_saved_whole_under_numbered_names(box: BlackBox, tmp_path: Path) -> None:
    box.save()  # nothing was written yet
    os.write(box.fd, b"one" * 1000)
    box.save()
    _done(box)
    os.pwrite(box.fd, b"two", 0)
    box.save()
    _done(box)
    assert (tmp_path / "drive.failed-1.ring").read_bytes() == b"one" * 1000
    assert (tmp_path / "drive.failed-2.ring").read_bytes() == b"two" + b"one" * 999
    assert len(list(tmp_path.iterdir())) == 2


def test_there_are_at_most_eight(box: BlackBox, tmp_path: Path) -> None:
    os.write(box.fd, b"x")
    for _ in range(black_box.MOST + 3):
        box.save()
        _done(box)
    assert len(list(tmp_path.iterdir())) == black_box.MOST


def test_a_folder_that_is_gone_costs_the_copy_and_nothing_else(tmp_path: Path) -> None:
    box = BlackBox(tmp_path / "gone" / "drive.ring")
    os.write(box.fd, b"x")
    box.save()
    box.close()
    assert list(tmp_path.iterdir()) == []
