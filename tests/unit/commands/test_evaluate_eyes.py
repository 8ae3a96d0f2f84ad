"""`evaluate eyes`: labels in, scores by column out, through the real eye network on drawn eyes."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from watchkeeper.cli import main
from watchkeeper.commands.evaluate_eyes import as_json
from watchkeeper.commands.evaluation.eye_labels import LabelledEye, read_grey, read_labels
from watchkeeper.errors import BadInputError


def _png(path: Path, grey: NDArray[np.uint8]) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = grey.shape
    rows = b"".join(b"\0" + grey[y].tobytes() for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def _rows(*closed_by: tuple[bool, str]) -> list[LabelledEye]:
    return [LabelledEye(Path("x"), closed, {"glasses": glasses}) for closed, glasses in closed_by]


def test_scores_by_column() -> None:
    rows = _rows((True, "yes"), (True, "no"), (False, "yes"), (False, "no"))
    result = as_json(rows, np.array([0.9, 0.4, 0.1, 0.2]))
    assert result["n"] == 4
    assert result["auc"] == 1.0
    assert result["balanced_accuracy"] == 0.75  # the closed eye at 0.4 is on the wrong side of 0.5
    assert result["judged_share"] == 0.75
    assert result["balanced_accuracy_judged"] == 1.0
    assert result["by"]["glasses"]["yes"]["balanced_accuracy"] == 1.0
    assert result["by"]["glasses"]["no"]["balanced_accuracy"] == 0.5
    assert set(result) >= {"n", "auc", "balanced_accuracy", "threshold", "by"}


def test_one_kind_alone_has_no_accuracy() -> None:
    result = as_json(_rows((True, "a"), (True, "a")), np.array([0.9, 0.8]))
    assert result["auc"] is None
    assert result["balanced_accuracy"] is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file\na.png\n", "label: expected columns file and label"),
        ("file,label\na.png,shut\n", "label: expected open or closed, got 'shut'"),
        ("file,label\nnone.png,open\n", "no such picture"),
        ("file,label\n", "expected at least one row"),
    ],
)
def test_bad_labels_name_line_and_field(tmp_path: Path, text: str, said: str) -> None:
    _png(tmp_path / "a.png", np.full((20, 20), 90, np.uint8))
    labels = tmp_path / "labels.csv"
    labels.write_text(text)
    with pytest.raises(BadInputError, match=said):
        read_labels(labels)


def test_pictures_are_read_as_they_are(tmp_path: Path) -> None:
    grey = np.arange(24 * 30, dtype=np.uint32).reshape(24, 30).astype(np.uint8)
    _png(tmp_path / "a.png", grey)
    assert np.abs(read_grey(tmp_path / "a.png").astype(int) - grey).max() <= 1
    (tmp_path / "b.png").write_text("no picture")
    with pytest.raises(BadInputError, match="expected a picture"):
        read_grey(tmp_path / "b.png")


@pytest.mark.needs_models
def test_the_network_judges_each_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    for k in range(4):
        _png(tmp_path / f"{k}.png", rng.integers(0, 255, (40, 40)).astype(np.uint8))
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "file,label,light\n" + "".join(f"{k}.png,{'open' if k % 2 else 'closed'},day\n" for k in range(4))
    )
    assert main(["evaluate", "eyes", str(labels), "--zoom", "1.35", "--json"]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert result["n"] == 4
    assert set(result["by"]) == {"light"}
    assert main(["evaluate", "eyes", str(labels), "--zoom", "0.5"]) == 2
    assert main(["evaluate", "eyes", str(labels), "--weights", "other"]) == 2
    assert capsys.readouterr().err.count("\n") == 2
