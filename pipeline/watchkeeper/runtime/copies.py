"""Bytes the CPU copied on a frame's way from the source's buffers to the engines' inputs, by place."""

from __future__ import annotations

from watchkeeper.memory.ledger import DECODE, PLACES, CopyLedger


def bytes_per_frame(source_bytes: int, preprocessing: CopyLedger, frames: int) -> dict[str, float]:
    """Every place (memory.ledger.PLACES) with its bytes a frame over `frames` frames, those with none too.

    source_bytes: `Source.copied_bytes`. ValueError for fewer than one frame.
    """
    if frames < 1:
        raise ValueError(f"frames: expected at least 1, got {frames}")
    copied = dict.fromkeys(PLACES, 0) | preprocessing.by_place()
    copied[DECODE] += source_bytes
    return {place: count / frames for place, count in copied.items()}
