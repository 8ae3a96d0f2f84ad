"""Reading what a clip truly shows: exact truth frame by frame (JSON Lines), or spans seen by eye (CSV)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.errors import BadInputError

_COLUMNS = ("file", "first_frame", "last_frame", "event")
_TOLERANCE = "edge_tolerance_frames"


@dataclass(frozen=True, slots=True)
class Span:
    """Frames first..last (counted from 0) of a clip that show `event`; as many at each edge may be a transition."""

    event: str
    first: int
    last: int
    tolerance: int

    @property
    def core(self) -> range:
        """Frames that show it for sure: without the edges, at least the middle one."""
        first, last = self.first + self.tolerance, self.last - self.tolerance
        if first > last:
            first = last = (self.first + self.last) // 2
        return range(first, last + 1)


def read_spans(path: Path, clip: str) -> list[Span]:
    """Spans of `clip`, a name in the column `file` with or without its ending.

    Raises BadInputError naming file, line and field; also when the file has none of this clip.
    """
    rows = [(line, row) for line, row in _rows(path) if row["file"] == clip or Path(row["file"]).stem == clip]
    if not rows:
        raise BadInputError.at(path, f"expected spans of {clip!r}, there are none", field="file")
    return [_span(path, line, row) for line, row in rows]


def clips_of(path: Path) -> list[str]:
    """Names in the column `file`, each once, in order. Raises BadInputError."""
    return list(dict.fromkeys(row["file"] for _, row in _rows(path)))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInputError.at(path, "expected UTF-8 text") from None
    reader = csv.DictReader(text.splitlines())
    for column in _COLUMNS:
        if column not in (reader.fieldnames or ()):
            raise BadInputError.at(path, f"expected columns {', '.join(_COLUMNS)}", field=column, line=1)
    for row in reader:
        yield reader.line_num, {key: value or "" for key, value in row.items() if key is not None}


def _span(path: Path, line: int, row: dict[str, str]) -> Span:
    def number(field: str, default: str | None = None) -> int:
        text = row.get(field, "") or default or ""
        if not text.isdecimal():
            raise BadInputError.at(path, f"expected a number of frames, got {text!r}", field=field, line=line)
        return int(text)

    first, last = number("first_frame"), number("last_frame")
    if last < first:
        raise BadInputError.at(path, f"expected {first} or more, got {last}", field="last_frame", line=line)
    return Span(row["event"], first, last, number(_TOLERANCE, "0"))
