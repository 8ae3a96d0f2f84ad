"""Picture quality from a luma histogram: is there a picture of anything at all?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from watchkeeper.types import ImageQuality

_SATURATED_FROM = 250
# A covered lens shows one blurred tone. Any lit cabin spans far more; a night without infrared light spans little too,
# and is as blind.
_TAIL = 0.02
_FLAT_LEVELS, _RICH_LEVELS = 8.0, 28.0
_LEVELS = np.arange(256, dtype=np.float64)


def image_quality(histogram: NDArray[np.uint32]) -> ImageQuality | None:
    """Quality from (256,) counts of full-range grey levels; None when nothing was counted.

    covered: 0 to 1 as the span between the 2nd and the 98th percentile falls from 28 grey levels to 8.
    """
    total = int(histogram.sum())
    if total == 0:
        return None
    summed = np.cumsum(histogram, dtype=np.float64) / total
    low, high = np.searchsorted(summed, (_TAIL, 1.0 - _TAIL))
    covered = (_RICH_LEVELS - float(high - low)) / (_RICH_LEVELS - _FLAT_LEVELS)
    return ImageQuality(
        mean=float(histogram @ _LEVELS) / total,
        saturated=float(histogram[_SATURATED_FROM:].sum()) / total,
        covered=max(0.0, min(1.0, covered)),
    )
