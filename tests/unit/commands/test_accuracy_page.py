"""The accuracy page: made from results alone, with every number that they have and none that they lack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from watchkeeper.board import load_board
from watchkeeper.cli import main
from watchkeeper.commands.evaluation.by_eye import judge_spans
from watchkeeper.commands.evaluation.clips import Clip, find_clips
from watchkeeper.commands.evaluation.page import page
from watchkeeper.commands.evaluation.tables import Scored, away_table, closure_table, frame_table, labelled_table
from watchkeeper.commands.evaluation.trace import evaluate_rendered
from watchkeeper.commands.evaluation.truth import Span
from watchkeeper.errors import BadInputError
from watchkeeper.types import Eye, Face, Gaze, Head, Measurement, Mouth

FRAME_NS = 33_333_333


def _frame(k: int, yaw: float, opening: float) -> Measurement:
    return Measurement(
        k * FRAME_NS, k, Face(1.0, (0.0, 0.0, 10.0, 10.0)), Head(yaw, 0.0, 0.0), Gaze(yaw, 0.0),
        Eye(opening), Eye(opening), Mouth(0.0),
    )  # fmt: skip


def _result(folder: Path) -> dict[str, Any]:
    """A clip with a closure at yaw 0 that is found and one behind glasses that is not, and a clip labelled by eye."""
    about = folder / "drive.json"
    about.write_text(json.dumps({"color": False, "occluder": [[0, "none"], [5, "glasses"]]}))
    clip = Clip("drive", folder / "drive.mp4", about, None, None)
    truth = [_frame(k, 0.0, 0.0 if 60 <= k < 90 or 210 <= k < 240 else 1.0) for k in range(300)]
    seen = [_frame(k, 2.0, 0.0 if 60 <= k < 90 else 1.0) for k in range(300)]
    result = evaluate_rendered(seen, [(t, None) for t in truth], load_board("host").cabin)
    people = Clip("person", folder / "person.mp4", None, None, folder / "events.csv")
    verdicts = judge_spans(seen, [60 <= k < 90 for k in range(300)], [Span("eyes_closed", 62, 88, 2)])
    scored = Scored("ours", [(clip, result)], [(people, verdicts)])
    subject = {
        "label": "ours", "about": "Ours.", "frames": frame_table(scored),
        "closures": closure_table(scored, {"drive": truth}), "away": away_table(scored),
        "labelled": labelled_table(scored),
    }  # fmt: skip
    clips = [
        {"name": "drive", "frames": 300, "labelled_by_eye": False},
        {"name": "person", "frames": 300, "labelled_by_eye": True},
    ]
    return {"version": "0", "clips": clips, "subjects": [subject]}


def test_tables_cut_by_condition(tmp_path: Path) -> None:
    subject = _result(tmp_path)["subjects"][0]
    by = {row["condition"]: row for row in subject["frames"]}
    assert by["clear glasses"]["frames"] in (149, 150, 151)
    assert by["nothing before the face"]["frames"] in (149, 150, 151)
    assert by["all"]["head"]["yaw_mae_deg"] == 2.0
    assert "colour" not in by
    closures = {row["condition"]: (row["expected"], row["found"]) for row in subject["closures"]["rows"]}
    assert closures == {"all": (2, 1), "head yaw 0 deg, nothing worn": (1, 1), "clear glasses": (1, 0)}
    assert subject["labelled"][0]["found"] == 1


def test_the_page_shows_them_and_joins_runs(tmp_path: Path) -> None:
    result = _result(tmp_path)
    other = json.loads(json.dumps(result))
    other["subjects"][0]["label"] = "theirs"
    other["clips"] = other["clips"][:1]
    for name, made in (("a", result), ("b", other)):
        (tmp_path / f"{name}.json").write_text(json.dumps(made))
    out = tmp_path / "ACCURACY.md"
    assert main(["evaluate", "page", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--out", str(out)]) == 0
    text = out.read_text()
    assert "| closures of 0.5 s or more: clear glasses | 1 | 0 | 0.00 (0.00 to 0.79) |" in text
    assert "| all | 1 | 300 | 100.0 % | 2.0 (2.0 to 2.0) |" in text
    assert "## On 2 clips, 600 frames" in text
    assert "## On 1 clips, 300 frames" in text
    assert text.index("### ours") < text.index("### theirs")
    assert page(result).startswith("# Accuracy")


def test_a_result_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("[]")
    assert main(["evaluate", "page", str(bad), "--out", str(tmp_path / "out.md")]) == 2
    assert "expected what `evaluate clips --json` prints" in capsys.readouterr().err
    assert not (tmp_path / "out.md").exists()


def test_clips_are_found_with_their_truth_or_their_labels(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.json", "a.jsonl", "b.mp4", "person.mp4"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "events.csv").write_text("file,first_frame,last_frame,event\nperson.mp4,0,1,eyes_open\n")
    assert [(c.name, c.labels is not None) for c in find_clips([tmp_path])] == [("a", False), ("person.mp4", True)]
    with pytest.raises(BadInputError, match="expected a folder"):
        find_clips([tmp_path / "none"])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BadInputError, match=r"expected NAME\.mp4"):
        find_clips([empty])


def test_what_is_worn_follows_the_clock(tmp_path: Path) -> None:
    about = tmp_path / "c.json"
    about.write_text(json.dumps({"occluder": [[0, "none"], [3, "sunglasses"]]}))
    clip = Clip("c", tmp_path / "c.mp4", about, None, None)
    assert [clip.worn_at(t) for t in (0, 2_999_000_000, 3_000_000_000)] == ["none", "none", "sunglasses"]
    assert np.unique([clip.worn_at(0)]).tolist() == ["none"]
