"""The commissioning report: whole, numbers only, and its [mounting] is what a geometry file takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from readings import GOOD, session, spoilt

from watchkeeper.board import read_board
from watchkeeper.commands.aim.report import About, check_report_path, markdown, passed, report, write_report
from watchkeeper.data import data_path
from watchkeeper.errors import BadInputError

ABOUT = About("host", "v4l2:/dev/video0", "socketcan:can0", "litert", "2026-11-25T18:00:00Z", 12.5, "its time was over")


def test_json_has_the_verdicts_and_the_measures(tmp_path: Path) -> None:
    made = report(session(spoilt(face={"right_deg": 8.0})), ABOUT)
    path = tmp_path / "report.json"
    write_report(path, made)
    found = json.loads(path.read_text())
    assert found["verdict"] == "warn"
    assert found["action"] == "turn the camera 8 deg to its right, towards the door"
    assert found["measured"]["face_right_deg"] == {"median": 8.0, "low": 8.0, "high": 8.0, "n": 30}
    assert (found["drive"], found["ended"], found["picture"]) == ("left", "its time was over", [640, 480])
    assert passed(found)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_mounting_is_no_pass() -> None:
    assert not passed(report(session(spoilt(mean=5.0)), ABOUT))
    assert not passed(report(session(None), ABOUT))


def test_markdown_reads_the_same(tmp_path: Path) -> None:
    made = report(session(spoilt(face={"right_deg": 8.0})), ABOUT)
    write_report(tmp_path / "report.md", made)
    text = (tmp_path / "report.md").read_text()
    assert text == markdown(made)
    assert "# Commissioning report: warn" in text
    assert "| across | warn | 8.0 deg right of the middle | turn the camera 8 deg to its right" in text
    assert markdown(report(session(None), ABOUT)).count("No face was measured.") == 1


def test_its_mounting_is_taken_by_a_geometry_file(tmp_path: Path) -> None:
    text = markdown(report(session(GOOD), ABOUT))
    lines = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert lines is not None
    geometry = tmp_path / "mine.toml"
    typical = data_path("vehicles", "geometry", "passenger-car-left.toml").read_text()
    geometry.write_text(typical + "\n" + lines[1])
    camera = read_board(data_path("boards", "host", "board.toml"), geometry).camera
    assert camera.mounting_known
    assert camera.translation_mm == pytest.approx((0.0, 0.0, 650.0), abs=0.1)


@pytest.mark.parametrize("name", ["report", "report.txt", "none/report.md"])
def test_a_name_that_cannot_be_is_refused_before_anything_begins(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="--report"):
        check_report_path(tmp_path / name)


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.mkdir()
    with pytest.raises(BadInputError, match=r"report\.md"):
        write_report(path, report(session(GOOD), ABOUT))
    assert [p.name for p in tmp_path.iterdir()] == ["report.md"]
