"""The packaged demo drive through the product: right warnings at the right times, from pictures, twice the same.

Times are the profile's (state/limits.py) after the labelled events; the tolerance is the 0.3 s that the issue tracker's
acceptance asks for. A ShortDistraction between 14 and 26 s is right by some readings of the rule and not judged here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cantools.database
import pytest
from e2e import p02

from watchkeeper.cli import main
from watchkeeper.data import data_path
from watchkeeper.state.profiles import get_profile
from watchkeeper.supervisor.candump import read_log
from watchkeeper.supervisor.dbc import dbc_text
from watchkeeper.supervisor.spec import TRANSMITTED

pytestmark = [pytest.mark.needs_models, pytest.mark.timeout(300)]

S = 1_000_000_000
TOLERANCE_S = 0.3


def expected_warnings() -> list[tuple[str, float, float]]:
    """(warning, onset s, latest end s) from the clip's labels and the profile's limits."""
    profile = get_profile("euroncap-2026")
    labels = json.loads(data_path("demo", "demo_drive.json").read_text())["events"]
    rows: list[tuple[str, float, float]] = []
    for label in labels:
        start_s, end_s = label["start_ns"] / S, label["end_ns"] / S
        if label["kind"] == "phone_lap":
            rows.append(
                ("LongDistraction", start_s + profile.long_distraction.value, end_s + profile.clear_distraction.value)
            )
        if label["kind"] in ("microsleep", "sleep"):
            sleeping = label["kind"] == "sleep"
            # lids that stay down pass through Microsleep on their way to Sleep
            end = start_s + profile.sleep.value if sleeping else end_s + profile.clear_sleep.value
            rows.append(("Microsleep", start_s + profile.microsleep.value, end))
        if label["kind"] == "sleep":
            rows.append(("Sleep", start_s + profile.sleep.value, end_s + profile.clear_sleep.value))
    return sorted(rows, key=lambda row: row[1])


def check_events(events: list[dict[str, Any]], origin_ns: int) -> None:
    """Every expected warning comes and goes in time and nothing else does."""
    found: list[tuple[str, float, float]] = []
    open_since: dict[str, float] = {}
    for event in events:
        at_s = (event["t_ns"] - origin_ns) / S
        if event["warning"] == "ShortDistraction":
            assert 14 <= at_s <= 27
        elif event["phase"] == "onset":
            open_since[event["warning"]] = at_s
        elif event["phase"] == "end":
            found.append((event["warning"], open_since.pop(event["warning"]), at_s))
    assert not open_since
    found.sort(key=lambda row: row[1])
    expected = expected_warnings()
    assert [row[0] for row in found] == [row[0] for row in expected]
    for (name, onset_s, end_s), (_, due_s, over_s) in zip(found, expected, strict=True):
        assert abs(onset_s - due_s) <= TOLERANCE_S, f"{name} at {onset_s:.2f} s, due at {due_s:.2f} s"
        # lids and gaze need their own time to come back (up to 0.25 s in the clip)
        assert -TOLERANCE_S <= end_s - over_s <= TOLERANCE_S + 0.25, (
            f"{name} ended at {end_s:.2f} s, due at {over_s:.2f} s"
        )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_measure_and_replay_give_the_warnings_twice_byte_identical(tmp_path: Path) -> None:
    outputs = []
    for run in ("first", "second"):
        trace, log, events = (tmp_path / f"{run}.{kind}" for kind in ("jsonl", "log", "events"))
        camera = str(data_path("demo", "demo_drive.json"))
        assert main(["measure", str(data_path("demo", "demo_drive.mp4")), "--out", str(trace), "--camera", camera]) == 0
        assert main(["replay", str(trace), "--can-log", str(log), "--events", str(events)]) == 0
        outputs.append((trace.read_bytes(), log.read_bytes(), events.read_bytes()))
    assert outputs[0] == outputs[1]
    check_events(_lines(tmp_path / "first.events"), 0)
    check_log(tmp_path / "first.log", whole_cycles=True)


def check_log(path: Path, *, whole_cycles: bool) -> None:
    """Every frame decodes in cantools, every CRC and counter holds in autosar-e2e, cycles are kept."""
    database = cantools.database.can.Database()
    database.add_dbc_string(dbc_text())
    messages = {message.name: message for message in TRANSMITTED}
    last: dict[str, tuple[int, int]] = {}
    count = 0
    for logged in read_log(path):
        t_ns, frame = logged.t_ns, logged.frame
        definition = database.get_message_by_frame_id(frame.id)
        definition.decode(frame.data)
        message = messages[definition.name]
        assert p02.e2e_p02_check(frame.data, bytes(message.data_ids), length=len(frame.data))
        counter = frame.data[1] & 0x0F
        if message.name in last:
            before_ns, before = last[message.name]
            assert counter == (before + 1) % 16
            if whole_cycles:
                assert t_ns - before_ns == message.cycle_ms * 1_000_000
        last[message.name] = (t_ns, counter)
        count += 1
    assert last.keys() == messages.keys()
    assert count > 1000


def _play(log: Path, events: Path) -> dict[str, Any]:
    """The whole drive in real time; the summary that `run --json` prints."""
    command = [
        sys.executable, "-m", "watchkeeper", "run", "--board", "host", "--can", f"virtual:demo-drive-{os.getpid()}",
        "--can-log", str(log), "--events", str(events), "--json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


@pytest.mark.faults
def test_run_plays_the_drive_through_both_processes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, events = tmp_path / "can.log", tmp_path / "events.jsonl"
    summary = _play(log, events)
    if summary["restarts"]:  # a shared machine may take the processor away for a second, and vision is restarted then
        with capsys.disabled():
            print("\n  vision was restarted on this busy machine; the drive is played once more")
        summary = _play(log, events)
    frames = summary["frames"]
    assert frames["captured"] == frames["judged"] + frames["dropped"] == 1350
    assert summary["restarts"] == 0
    rows = summary["events"]
    origin_ns = rows[0]["t_ns"] - round(rows[0]["at_s"] * S)
    check_events(rows, origin_ns)
    assert [row["t_ns"] for row in _lines(events)] == [row["t_ns"] for row in rows]
    check_log(log, whole_cycles=False)
