"""What a person sees of a run: the live table, the collected events, the summary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchkeeper.commands.live_table import render
from watchkeeper.commands.run_summary import EventLog, summary_json, summary_lines
from watchkeeper.errors import BadInputError
from watchkeeper.types import (
    Cause,
    DriverState,
    EyeState,
    Gaze,
    GazeZone,
    Phase,
    SupervisorReport,
    SystemState,
    VisionHealth,
    VisionReport,
    WarningEvent,
)
from watchkeeper.types import Warning as DriverWarning

S = 1_000_000_000
HEALTH = VisionHealth(100, 98, 2, 1, 30.0, 9.5, 12.25, 30.0)


def _event(t_s: float, phase: Phase) -> WarningEvent:
    return WarningEvent(round(t_s * S), DriverWarning.SLEEP, phase, 3)


def _report(pid: int, events: tuple[WarningEvent, ...], count: int) -> VisionReport:
    driver = DriverState(
        20 * S, active=True, warning=DriverWarning.SLEEP, level=3, visual=True, acoustic=2, onset_ns=18 * S,
        left_eye=EyeState.CLOSED, right_eye=EyeState.UNKNOWN, gaze=Gaze(-3.0, -40.5),
        gaze_zone=GazeZone.LAP, closed_s=5.0,
    )  # fmt: skip
    return VisionReport(20 * S, pid, 20 * S, Cause.NONE, False, driver, HEALTH, count, events, first_exposure_ns=10 * S)


SUPERVISOR = SupervisorReport(20 * S, 2, 3, SystemState.DEGRADED, Cause.SPEED_MISSING, 500, 1, 2, 0, 0.25)


def test_table_says_state_warning_lids_gaze_latency_and_bus() -> None:
    vision = _report(3, (), 0)
    text = "\n".join(render(SUPERVISOR, vision, started_ns=10 * S, now_ns=20 * S, bus="virtual:x", source="demo:"))
    assert "Degraded / SpeedMissing" in text
    assert "Sleep (URGENT) for 2.0 s  [lamp, sound]" in text
    assert "left CLOSED, right unknown" in text
    assert "pitch  -40.5 deg" in text
    assert "lap, away" in text
    assert "head       not known" in text
    assert "p50 9.5 ms, p99 12.2 ms" in text
    assert "dropped 2 of 100" in text
    assert "500 frames sent, 1 not taken" in text


def test_table_before_anything_is_known() -> None:
    assert render(None, None, started_ns=0, now_ns=S, bus="b", source="s")[-1] == "supervisor starting"
    lines = render(SupervisorReport(0, 1), None, started_ns=0, now_ns=S, bus="b", source="s")
    assert "system     Init / Starting" in lines
    assert "vision     starting" in lines


def test_events_are_taken_once_and_over_a_restart_of_vision(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    first, second, third = (_event(t, Phase.ONSET) for t in (11.0, 12.0, 13.0))
    log.take(_report(3, (first,), 1))
    log.take(_report(3, (first,), 1))
    log.take(_report(3, (first, second), 2))
    log.take(_report(4, (), 0))  # a new vision process begins at 0
    log.take(_report(4, (third,), 1))
    log.close()
    assert [at_s for at_s, _ in log.rows] == [1.0, 2.0, 3.0]
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert rows[0] == {"t_ns": 11 * S, "warning": "Sleep", "phase": "onset", "level": 3}
    assert len(rows) == 3


def test_an_events_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"nowhere.*cannot be written"):
        EventLog(tmp_path / "nowhere" / "events.jsonl")


def test_summary_in_text_and_as_json() -> None:
    vision = _report(3, (_event(11.5, Phase.ONSET), _event(14.0, Phase.END)), 2)
    log = EventLog(None)
    log.take(vision)
    text = "\n".join(summary_lines(SUPERVISOR, vision, log, 10.0))
    assert "   1.50  Sleep                begins" in text
    assert "   4.00  Sleep                ends" in text
    assert "100 captured, 98 judged, 2 dropped; 1 after" in text
    value = summary_json(SUPERVISOR, vision, log, 10.0, 0)
    assert value["events"][0] == {"at_s": 1.5, "t_ns": 11_500_000_000, "warning": "Sleep", "phase": "onset", "level": 3}
    assert value["frames"]["captured"] == 100
    assert value["bus"]["slots_missed"] == 2


def test_summary_without_events_says_so() -> None:
    assert "    none" in summary_lines(SUPERVISOR, _report(3, (), 0), EventLog(None), 1.0)
