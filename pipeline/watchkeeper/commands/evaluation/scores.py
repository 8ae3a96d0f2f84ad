"""Numbers that say how good a measurement is, each with how far chance reaches.

Frames of one clip resemble their neighbours: intervals of frame averages come from drawing whole seconds of clip anew
(block bootstrap, Künsch 1989; 1000 draws, fixed seed). Shares of events, which are few, have Wilson's interval (1927).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
_DRAWS, _SEED = 1000, 7
_Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Mean:
    """An average over n values with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


def auc(high: Numbers, low: Numbers) -> float | None:
    """Probability that a value of `high` is above one of `low`, ties counting half; None without both."""
    if len(high) == 0 or len(low) == 0:
        return None
    ordered = np.sort(low)
    below = np.searchsorted(ordered, high, side="left")
    upto = np.searchsorted(ordered, high, side="right")
    return float((below + upto).mean() / 2 / len(low))


def balanced_accuracy(opened: Numbers, closed: Numbers, closed_at: float) -> float | None:
    """Mean of the two shares judged right, with `value <= closed_at` meaning closed; None without both."""
    if len(opened) == 0 or len(closed) == 0:
        return None
    return float(((opened > closed_at).mean() + (closed <= closed_at).mean()) / 2)


def wilson(hits: int, n: int) -> tuple[float, float] | None:
    """95 % interval of a share `hits / n`; None when n is 0."""
    if n == 0:
        return None
    share, square = hits / n, _Z95 * _Z95
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = _Z95 / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def mean(values: Numbers, blocks: NDArray[np.int64]) -> Mean | None:
    """Average of `values` (N,), drawn anew by `blocks` (N,), the block each belongs to. None when empty."""
    if len(values) == 0:
        return None
    _, block = np.unique(blocks, return_inverse=True)
    sums, counts = np.bincount(block, values), np.bincount(block)
    drawn = np.random.default_rng(_SEED).integers(0, len(sums), (_DRAWS, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Mean(float(values.mean()), float(low), float(high), len(values))
