"""Histogram of fixed memory and bounded relative error (after HdrHistogram), corrected for what was left out.

    histogram = Hdr()
    histogram.add(took_ns, expected_interval_ns=33_000_000)
    histogram.percentile(0.999)

Coordinated omission: while one frame takes 100 ms at a period of 33 ms, two more should have been answered, after
67 and 34 ms; a measurement that skips them sees one bad value where a user sees three. `add` puts them in.
"""

from __future__ import annotations

from array import array

_SUB = 128  # linear parts of each power of two: values are off by less than 1/128
_HALF = _SUB // 2


class Hdr:
    """Values from 0 to 2^62, kept to better than 1.6 %; `count` of them, corrections included."""

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * (_SUB + 56 * _HALF)))
        self.count = 0
        self.largest = 0

    def add(self, value: int, expected_interval_ns: int = 0) -> None:
        """Take a value in, with those that it kept from being measured (none for an interval of 0)."""
        self._put(value)
        if expected_interval_ns > 0:
            value -= expected_interval_ns
            while value >= expected_interval_ns:
                self._put(value)
                value -= expected_interval_ns

    def percentile(self, share: float) -> int:
        """The upper end of the part that holds the value of this rank (share 0..1); 0 when empty."""
        rank = max(1, -int(-share * self.count // 1))
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if seen >= rank and self.count:
                return min(_highest(index), self.largest)
        return 0

    def _put(self, value: int) -> None:
        self._counts[_index(value)] += 1
        self.count += 1
        self.largest = max(self.largest, value)


def _index(value: int) -> int:
    shift = max(0, value.bit_length() - _SUB.bit_length() + 1)
    return value if shift == 0 else shift * _HALF + (value >> shift)


def _highest(index: int) -> int:
    if index < _SUB:
        return index
    shift = index // _HALF - 1
    return ((index - shift * _HALF + 1) << shift) - 1
