"""`watchkeeper replay`: virtual time, both files or neither, one line for every mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cantools.database
import pytest
from cantools.database.can import Database

from watchkeeper.cli import main
from watchkeeper.supervisor.candump import LoggedFrame, read_log
from watchkeeper.supervisor.dbc import dbc_text

SLOT_NS = 50_000_000


@pytest.fixture(scope="module")
def dbc() -> Database:
    database = cantools.database.load_string(dbc_text(), database_format="dbc")
    assert isinstance(database, Database)
    return database


def _replay(trace: Path, folder: Path, *more: str) -> tuple[int, Path, Path]:
    log, events = folder / "out.log", folder / "out.jsonl"
    return main(["replay", str(trace), "--can-log", str(log), "--events", str(events), *more]), log, events


def _trace(folder: Path, times_ns: list[int], extra: str = "") -> Path:
    path = folder / "trace.jsonl"
    eyes = '"eyes":{"left":{"open":1.0},"right":{"open":1.0}}'
    car = '"vehicle":{"speed_kph":80.0}'
    rows = [f'{{"t_ns":{t},"seq":{k + 1},"gaze":{{"yaw_deg":{k},"pitch_deg":0.0}},{eyes},{car}}}\n'
            for k, t in enumerate(times_ns)]  # fmt: skip
    path.write_text("".join(rows) + extra)
    return path


def _decoded(database: Database, frame: LoggedFrame) -> dict[str, object]:
    decoded = database.decode_message(frame.frame.id, frame.frame.data, decode_choices=False)
    assert isinstance(decoded, dict)
    return dict(decoded)


def test_slots_stand_at_their_times_from_the_first_measurement_on(tmp_path: Path) -> None:
    t0 = 7_000_000_123
    status, log, _ = _replay(_trace(tmp_path, [t0 + k * 33_333_333 for k in range(40)]), tmp_path)
    assert status == 0
    last = t0 + 39 * 33_333_333
    expected = [(t0 + k * SLOT_NS, k) for k in range((last - t0) // SLOT_NS + 1)]
    frames = list(read_log(log))
    assert {frame.channel for frame in frames} == {"can0"}
    for message_id, slots in ((0x3A0, 1), (0x3A1, 1), (0x3A2, 1), (0x3A3, 2), (0x3A4, 20), (0x3A5, 20)):
        times = [frame.t_ns for frame in frames if frame.frame.id == message_id]
        assert times == [t // 1000 * 1000 for t, k in expected if k % slots == 0]


def test_the_newest_measurement_up_to_the_slot_counts(tmp_path: Path, dbc: Database) -> None:
    # exactly at the slot counts, a nanosecond later does not
    trace = _trace(tmp_path, [0, 60_000_000, 100_000_000, 150_000_001, 200_000_000])
    _, log, _ = _replay(trace, tmp_path)
    yaws = {f.t_ns: _decoded(dbc, f)["GazeYaw"] for f in read_log(log) if f.frame.id == 0x3A3}
    assert yaws == {0: 0, 100_000_000: 2, 200_000_000: 4}
    ages = [_decoded(dbc, f)["FrameAge"] for f in read_log(log) if f.frame.id == 0x3A0]
    assert ages == [0, 50, 0, 50, 0]


def test_a_gap_is_unavailable_on_the_bus(tmp_path: Path, dbc: Database) -> None:
    _, log, _ = _replay(_trace(tmp_path, [0, 50_000_000, 1_050_000_000, 1_100_000_000]), tmp_path)
    states = {f.t_ns // 1_000_000: _decoded(dbc, f) for f in read_log(log) if f.frame.id == 0x3A0}
    assert [t for t, values in states.items() if (values["SystemState"], values["Cause"]) == (4, 11)] == list(
        range(300, 1050, 50)
    )


def test_what_the_log_says_is_what_the_events_say(tmp_path: Path, dbc: Database, demo_truth: Path) -> None:
    status, log, events = _replay(demo_truth, tmp_path)
    assert status == 0
    expected: list[int] = []
    numbers = {"LongDistraction": 1, "Microsleep": 5, "Sleep": 6}
    rows = [json.loads(line) for line in events.read_text().splitlines()]
    for frame in (shown := [f for f in read_log(log) if f.frame.id == 0x3A1]):
        active = 0
        for row in rows:
            if row["t_ns"] <= frame.t_ns:
                active = numbers[row["warning"]] if row["phase"] != "end" else 0
        expected.append(active)
    assert [_decoded(dbc, f)["ActiveWarning"] for f in shown] == expected
    assert set(expected) == {0, 1, 5, 6}
    assert _decoded(dbc, shown[-1])["WarningCount"] == sum(row["phase"] == "onset" for row in rows)


def test_the_same_bytes_in_every_process(tmp_path: Path, demo_truth: Path) -> None:
    outputs = []
    for seed in ("1", "2"):
        log, events = tmp_path / f"{seed}.log", tmp_path / f"{seed}.jsonl"
        command = [sys.executable, "-m", "watchkeeper", "replay", str(demo_truth), "--can-log", str(log)]
        done = subprocess.run(
            [*command, "--events", str(events), "--json"], check=True, capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": f"UTC+{seed}"},
        )  # fmt: skip
        outputs.append((log.read_bytes(), events.read_bytes(), done.stdout))
    assert outputs[0] == outputs[1]


def test_the_summary(tmp_path: Path, demo_truth: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _replay(demo_truth, tmp_path, "--json")[0] == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["measurements"], result["duration_s"]) == (1350, 44.967)
    assert result["warnings"] == {"LongDistraction": 1, "Microsleep": 2, "Sleep": 1}
    assert _replay(demo_truth, tmp_path)[0] == 0
    assert "LongDistraction  onset" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ("nonsense\n", "trace.jsonl:6: expected one JSON object"),
        ('{"t_ns":0}\n', "trace.jsonl:6: t_ns: time goes backwards"),
        ('{"t_ns":9000000000,"mouth":{"open":NaN}}\n', "trace.jsonl:6: mouth.open: expected 0 to 2, got NaN"),
        ('{"t_ns":90000000000000}\n', "trace.jsonl:6: t_ns: expected at most 3600 s between two frames"),
    ],
)
def test_a_bad_line_leaves_no_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: str, problem: str
) -> None:
    trace = _trace(tmp_path, [k * SLOT_NS for k in range(5)], extra)
    assert _replay(trace, tmp_path)[0] == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert problem in captured.err
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [trace]


def test_a_bad_line_leaves_earlier_outputs_as_they_were(tmp_path: Path) -> None:
    trace = _trace(tmp_path, [0, SLOT_NS])
    _, log, events = _replay(trace, tmp_path)
    before = log.read_bytes(), events.read_bytes()
    trace.write_text(trace.read_text() + "nonsense\n")
    assert _replay(trace, tmp_path)[0] == 2
    assert (log.read_bytes(), events.read_bytes()) == before
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["none.jsonl", "--can-log", "out.log"], "none.jsonl: no such file"),
        ([".", "--can-log", "out.log"], "expected a file, it is a folder"),
        (["trace.jsonl", "--can-log", "none/out.log"], "none/out.log: cannot be written"),
        (["trace.jsonl", "--can-log", "out.log", "--events", "none/e.jsonl"], "none/e.jsonl: cannot be written"),
        (["trace.jsonl", "--can-log", "."], "cannot be written: it is a folder"),
        (["trace.jsonl", "--can-log", "trace.jsonl"], "--can-log: expected a file of its own, it is TRACE too"),
        (["trace.jsonl", "--can-log", "a", "--events", "./a"], "--events: expected a file of its own"),
        (["trace.jsonl", "--can-log", "out.log", "--profile", "x"], "--profile x: unknown profile; known are"),
        (["trace.jsonl", "--can-log", "out.log", "--board", "x"], "--board x: unknown board; known are"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_use(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    problem: str,
) -> None:
    trace = _trace(tmp_path, [0, SLOT_NS])
    content = trace.read_bytes()
    monkeypatch.chdir(tmp_path)
    assert main(["replay", *arguments]) == 2
    assert problem in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [trace]
    assert trace.read_bytes() == content


def test_a_device_as_log(tmp_path: Path) -> None:
    trace = _trace(tmp_path, [0, SLOT_NS])
    assert main(["replay", str(trace), "--can-log", os.devnull]) == 0
    assert Path(os.devnull).is_char_device()
