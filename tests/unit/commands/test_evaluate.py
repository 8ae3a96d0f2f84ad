"""`evaluate`: scores against hand-made truth, spans seen by eye, one clear line for every mistake."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from watchkeeper.cli import main
from watchkeeper.commands.evaluation import frame_scores, scores
from watchkeeper.commands.evaluation.events import closures, looks_away, spans, yawns
from watchkeeper.commands.evaluation.frames import join, pair
from watchkeeper.commands.evaluation.judged import simply_closed
from watchkeeper.commands.evaluation.stock import to_measurement
from watchkeeper.commands.evaluation.truth import read_spans
from watchkeeper.errors import BadInputError
from watchkeeper.measure import rotations
from watchkeeper.measurement_trace import format_line
from watchkeeper.types import Eye, Face, Gaze, Head, Measurement, Mouth, VehicleSignals

FRAME_NS = 33_333_333


def _frame(k: int, yaw: float = 0.0, opening: float | None = 1.0, gaze_yaw: float | None = None) -> Measurement:
    return Measurement(
        k * FRAME_NS, k, Face(1.0, (0.0, 0.0, 10.0, 10.0)), Head(yaw, 0.0, 0.0),
        Gaze(yaw if gaze_yaw is None else gaze_yaw, 0.0), Eye(opening), Eye(opening), Mouth(0.0),
    )  # fmt: skip


def _drive(frames: list[Measurement], path: Path) -> Path:
    path.write_text("".join(format_line(m, VehicleSignals(speed_kph=80.0)) for m in frames))
    return path


def _sleepy(closed: range, count: int = 300) -> list[Measurement]:
    return [_frame(k, opening=0.0 if k in closed else 1.0) for k in range(count)]


def _evaluate(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["evaluate", "trace", *arguments, "--json"]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_a_trace_that_is_the_truth_has_no_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = _drive(_sleepy(range(60, 120)), tmp_path / "truth.jsonl")
    result = _evaluate(capsys, str(truth), "--truth", str(truth))
    assert result["frames"] == 300
    assert result["face_rate"] == 1.0
    assert result["eyes"]["auc"] == 1.0
    assert result["eyes"]["balanced_accuracy"] == 1.0
    assert [result["head"][f"{a}_mae_deg"] for a in ("yaw", "pitch", "roll")] == [0.0, 0.0, 0.0]
    assert [result["gaze"][f"{a}_mae_deg"] for a in ("yaw", "pitch")] == [0.0, 0.0]
    events = result["events"]
    assert (events["expected"], events["found"], events["invented"]) == (1, 1, 0)
    assert events["rows"][0]["kind"] == "closure"
    assert "Microsleep" in {row["warning"] for row in result["warnings"]}


def test_errors_are_those_that_were_put_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = _drive([_frame(k) for k in range(90)], tmp_path / "truth.jsonl")
    seen = _drive([_frame(k, yaw=3.0 if k % 2 else -5.0, gaze_yaw=7.0) for k in range(90)], tmp_path / "seen.jsonl")
    result = _evaluate(capsys, str(seen), "--truth", str(truth))
    assert result["head"]["yaw_mae_deg"] == 4.0
    low, high = result["head"]["yaw_ci95_deg"]
    assert 3.9 < low <= 4.0 <= high < 4.1  # every second has nearly the same mean
    assert result["gaze"]["yaw_mae_deg"] == 7.0
    assert result["gaze"]["angle_mae_deg"] == pytest.approx(7.0, abs=1e-3)
    assert result["eyes"]["balanced_accuracy"] is None  # no closed eye in it


def test_a_missed_closure_is_missed_and_one_that_never_was_is_invented(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = _drive(_sleepy(range(60, 120)), tmp_path / "truth.jsonl")
    seen = _drive(_sleepy(range(200, 240)), tmp_path / "seen.jsonl")
    events = _evaluate(capsys, str(seen), "--truth", str(truth))["events"]
    assert (events["expected"], events["found"], events["invented"]) == (1, 0, 1)
    assert [row["invented"] for row in events["rows"]] == [False, True]
    assert events["blinks_warned_as_sleep"] == 1
    assert events["false_alarms_per_hour"] == pytest.approx(3600 / (299 * FRAME_NS / 1e9), rel=0.01)


def test_unknown_eyes_are_counted_and_not_judged() -> None:
    truth = [_frame(k, opening=0.0 if k < 10 else 1.0) for k in range(20)]
    hidden = [_frame(k, opening=None) for k in range(20)]
    eyes = frame_scores.eyes(pair(hidden, truth))
    assert eyes["auc"] is None
    assert eyes["unknown_share"] == 1.0
    assert len(join([pair(hidden, truth, 0), pair(hidden, truth, 1)])) == 40


def test_frames_of_other_times_have_no_truth() -> None:
    assert len(pair([_frame(k) for k in range(5)], [_frame(k + 100) for k in range(5)])) == 0


def test_auc_counts_ties_half() -> None:
    assert scores.auc(np.array([1.0, 1.0]), np.array([1.0, 0.0])) == 0.75
    assert scores.auc(np.array([]), np.array([1.0])) is None


def test_wilson_interval_agrees_with_the_published_example() -> None:
    # Brown, Cai, DasGupta 2001 (Statistical Science 16(2)): n 10, all hits: 0.722 to 1
    low, high = scores.wilson(10, 10) or (0.0, 0.0)
    assert low == pytest.approx(0.7225, abs=1e-3)
    assert high == pytest.approx(1.0)
    assert scores.wilson(0, 0) is None


def test_blocks_widen_the_interval_of_frames_that_are_alike() -> None:
    values = np.repeat(np.random.default_rng(1).normal(size=20), 30)
    alone, block = scores.mean(values, np.arange(600)), scores.mean(values, np.repeat(np.arange(20), 30))
    assert alone is not None
    assert block is not None
    assert block.high - block.low > 3 * (alone.high - alone.low)


def test_runs_survive_unknown_frames_and_end_at_a_no() -> None:
    times = [k * 100_000_000 for k in range(12)]
    holds = [True, None, True, True, True, True, False, True, False, None, True, True]
    assert spans(times, holds, 500_000_000) == [(0, 500_000_000)]


def test_a_blink_is_no_closure_and_a_look_away_needs_a_second() -> None:
    truth = [_frame(k, opening=0.0 if 10 <= k < 16 else 1.0, yaw=40.0 if 60 <= k < 100 else 0.0) for k in range(120)]
    assert closures([simply_closed(m, 0.2) for m in truth], truth) == []
    away = looks_away(truth, truth)
    assert [(e.kind, e.found) for e in away] == [("away", True)]
    blind = [Measurement(m.t_ns, m.seq) for m in truth]
    assert [(e.kind, e.found) for e in looks_away(blind, truth)] == [("away", False)]


def test_a_yawn_is_wide_and_long_singing_is_not() -> None:
    def mouth(k: int, yawn: float) -> Measurement:
        return dataclasses.replace(_frame(k), mouth=Mouth(yawn))

    truth = [mouth(k, 0.8 if 10 <= k < 90 or 120 <= k < 160 else 0.0) for k in range(200)]  # 2.7 s and 1.3 s
    assert [(e.kind, e.found) for e in yawns(truth, truth)] == [("yawn", True)]
    hidden = [dataclasses.replace(m, mouth=None) for m in truth]
    assert [(e.kind, e.found) for e in yawns(hidden, truth)] == [("yawn", False)]
    shut = [mouth(k, 0.0) for k in range(200)]
    assert [(e.kind, e.found) for e in yawns(truth, shut)] == [("yawn", None)]


def test_spans_seen_by_eye(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = [_frame(k, yaw=-30.0 if 30 <= k < 60 else 0.0, opening=0.0 if 80 <= k < 100 else 1.0) for k in range(120)]
    trace = _drive(frames, tmp_path / "clip.mp4.jsonl")
    labels = tmp_path / "events.csv"
    labels.write_text(
        "file,first_frame,last_frame,event,edge_tolerance_frames\n"
        "clip.mp4,0,20,head_forward,2\nclip.mp4,30,59,head_turned_to_image_left,2\n"
        "clip.mp4,62,75,head_turned_to_image_right,2\nclip.mp4,80,99,eyes_closed(~0.7 s),2\n"
        "clip.mp4,104,119,eyes_open,2\nother.mp4,0,1,head_up,0\n"
    )
    events = _evaluate(capsys, str(trace), "--truth", str(labels))["events"]
    assert (events["expected"], events["found"], events["invented"]) == (3, 2, 0)
    assert [row["found"] for row in events["rows"]] == [False, True, False, True, False]
    assert main(["evaluate", "trace", str(trace), "--truth", str(labels)]) == 0
    assert "2 of 3 found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,first_frame,last_frame\n", "event: expected columns"),
        ("file,first_frame,last_frame,event\nc,5,2,x\n", "last_frame: expected 5 or more"),
        ("file,first_frame,last_frame,event\nc,-1,2,x\n", "first_frame: expected a number of frames"),
        ("file,first_frame,last_frame,event\nd,1,2,x\n", "expected spans of 'c'"),
    ],
)
def test_bad_labels_name_line_and_field(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "events.csv"
    path.write_text(text)
    with pytest.raises(BadInputError, match=said):
        read_spans(path, "c")


def test_bad_use_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = _drive([_frame(k) for k in range(10)], tmp_path / "truth.jsonl")
    late = _drive([_frame(k + 1000) for k in range(10)], tmp_path / "late.jsonl")
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{}\n")
    for arguments, said in (
        ((str(tmp_path / "none.jsonl"), "--truth", str(truth)), "no such file"),
        ((str(truth), "--truth", str(tmp_path)), "it is a folder"),
        ((str(broken), "--truth", str(truth)), "t_ns"),
        ((str(truth), "--truth", str(broken)), "t_ns"),
        ((str(late), "--truth", str(truth)), "no frame is within 25 ms"),
    ):
        assert main(["evaluate", "trace", *arguments]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        assert said in err


def test_stock_matrix_is_put_into_the_vehicle() -> None:
    # a camera straight ahead; its x is the driver's left, its y up and its z backwards, as the face's own
    facing = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]]).T
    matrix = np.eye(4)
    matrix[:3, :3] = 1.7 * rotations.from_angles(20.0, -10.0, 5.0)
    line = json.dumps({"blink_left": 0.9, "blink_right": 0.1, "jaw_open": 0.2, "matrix": matrix.reshape(-1).tolist()})
    m = to_measurement(line.encode(), 7, 1, facing)
    assert m.head is not None
    assert (m.head.yaw_deg, m.head.pitch_deg, m.head.roll_deg) == pytest.approx((20.0, -10.0, 5.0), abs=1e-9)
    assert m.left_eye is not None
    assert m.left_eye.open == pytest.approx(0.1)
    assert to_measurement(b"null\n", 7, 1, facing).face is None
