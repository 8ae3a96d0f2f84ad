"""Labelled pictures of eyes: a CSV of files and labels, with any other columns to cut the result by."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from watchkeeper.errors import BadInputError

Grey = NDArray[np.uint8]
_LABELS = {"open": False, "closed": True}


@dataclass(frozen=True, slots=True)
class LabelledEye:
    """A picture's path, whether the eye in it is closed, and the row's other columns."""

    path: Path
    closed: bool
    columns: dict[str, str]


def read_labels(path: Path) -> list[LabelledEye]:
    """Rows of LABELS.csv: at least `file` (relative to it) and `label`, open or closed.

    Raises BadInputError naming line and field, also for a picture that is not there.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInputError.at(path, "expected UTF-8 text") from None
    reader = csv.DictReader(text.splitlines())
    for column in ("file", "label"):
        if column not in (reader.fieldnames or ()):
            raise BadInputError.at(path, "expected columns file and label", field=column, line=1)
    rows = []
    for row in reader:
        label = (row["label"] or "").strip().lower()
        if label not in _LABELS:
            raise BadInputError.at(path, f"expected open or closed, got {label!r}", field="label", line=reader.line_num)
        picture = path.parent / (row["file"] or "")
        if not picture.is_file():
            raise BadInputError.at(path, f"no such picture: {picture}", field="file", line=reader.line_num)
        others = {k: v or "" for k, v in row.items() if k is not None and k not in ("file", "label")}
        rows.append(LabelledEye(picture, _LABELS[label], others))
    if not rows:
        raise BadInputError.at(path, "expected at least one row below the head", line=1)
    return rows


def read_grey(path: Path) -> Grey:
    """A picture file as grey levels (height, width). Raises BadInputError."""
    try:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            grey = frame.to_ndarray(format="gray")
    except (av.error.FFmpegError, StopIteration, IndexError, ValueError) as error:
        raise BadInputError.at(path, f"expected a picture: {error or 'nothing in it'}") from None
    return np.ascontiguousarray(grey, np.uint8)
