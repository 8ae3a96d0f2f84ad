"""Are two measurement traces of one clip the same within what another processor's rounding makes?

    same_trace.py OURS.jsonl THEIRS.jsonl

Prints the largest difference of each number; exit status 1 when one is beyond its tolerance: 1 degree of an angle, 0.05
of what is on 0..1, a frame that is missing, or something seen in one and not in the other in more than one frame in 50.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ANGLE_DEG, SHARE = 1.0, 0.05
SEEN_IN_ONE = 0.02  # of the frames
_NOT_COMPARED = ("seq", "mm", "px", "t_ns", "latency")


def numbers(value: Any, name: str = "") -> Iterator[tuple[str, float | None]]:
    """Dotted name and value of every number, None where it is not known."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from numbers(inner, f"{name}.{index}")
    elif value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        yield name, value


def main(ours: Path, theirs: Path) -> int:
    """0: the same within tolerance."""
    pairs = [[json.loads(line) for line in path.read_text().splitlines()] for path in (ours, theirs)]
    if len(pairs[0]) != len(pairs[1]):
        print(f"{len(pairs[0])} lines in {ours}, {len(pairs[1])} in {theirs}")
        return 1
    worst: dict[str, float] = {}
    alone: dict[str, int] = {}
    for a, b in zip(*pairs, strict=True):
        one, other = dict(numbers(a)), dict(numbers(b))
        for name in one.keys() | other.keys():
            if any(part in name for part in _NOT_COMPARED):
                continue
            x, y = one.get(name), other.get(name)
            if x is None or y is None:
                alone[name] = alone.get(name, 0) + (x is not y)
            else:
                worst[name] = max(worst.get(name, 0.0), abs(x - y))
    wrong = [name for name, count in alone.items() if count > SEEN_IN_ONE * len(pairs[0])]
    for name, difference in sorted(worst.items()):
        allowed = ANGLE_DEG if "deg" in name else SHARE
        wrong += [name] if difference > allowed else []
        print(f"{name:32} {difference:.4f}{'   BEYOND ' + str(allowed) if difference > allowed else ''}")
    print(f"{len(pairs[0])} lines, seen in one only: {({n: c for n, c in alone.items() if c}) or 'nothing'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
