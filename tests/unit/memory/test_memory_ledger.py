"""The ledger of copied bytes."""

from __future__ import annotations

import pytest

from watchkeeper.memory.ledger import DECODE, DOWNLOAD, UPLOAD, CopyLedger
from watchkeeper.runtime.copies import bytes_per_frame


def test_per_frame_is_by_cause_and_largest_first() -> None:
    ledger = CopyLedger()
    for _ in range(4):
        ledger.enter("engine input", 100)
        ledger.frame_done()
    ledger.enter("decoder", 4000)
    assert list(ledger.per_frame().items()) == [("decoder", 1000.0), ("engine input", 100.0)]
    assert ledger.total_bytes() == 4400
    assert ledger.frames == 4


def test_nothing_is_said_before_the_first_frame() -> None:
    ledger = CopyLedger()
    ledger.enter("decoder", 10)
    assert ledger.per_frame() == {}


def test_a_frame_without_copies_counts() -> None:
    ledger = CopyLedger()
    ledger.enter("decoder", 10)
    ledger.frame_done()
    ledger.frame_done()
    assert ledger.per_frame() == {"decoder": 5.0}


def test_negative_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="decoder"):
        CopyLedger().enter("decoder", -1)


def test_every_place_is_told_even_where_nothing_was_copied() -> None:
    preprocessing = CopyLedger()
    preprocessing.enter(UPLOAD, 300)
    assert bytes_per_frame(30, preprocessing, 3) == {DECODE: 10.0, UPLOAD: 100.0, DOWNLOAD: 0.0}
    with pytest.raises(ValueError, match="frames"):
        bytes_per_frame(0, preprocessing, 0)
