"""An attentive driver is left alone: for minutes here, for ten hours when asked (WATCHKEEPER_ATTENTIVE_HOURS=10)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.board import load_board
from watchkeeper.scenarios import judge
from watchkeeper.scenarios.attentive import attentive_drive
from watchkeeper.scenarios.model import Noise
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile, profile_names
from watchkeeper.types import Phase
from watchkeeper.types import Warning as DriverWarning

# Made by tools/measure_noise.py from what `measure` gave on seven clips.
MEASURED = Path(__file__).parents[1] / "data" / "perception_noise.jsonl"
REAL = ("incluit_video1_headmoves.jsonl", "incluit_video3_lookaway.jsonl", "knoll_slow_eyelid_closure.jsonl")
DISTRACTIONS = (DriverWarning.LONG_DISTRACTION, DriverWarning.SHORT_DISTRACTION, DriverWarning.PHONE_USE)
SLOW_NS = 1_000_000_000  # half the window over which the slow part was measured


def _noise() -> tuple[Noise, ...]:
    """The worst of the real clips, signal by signal; of the head the second worst, since one clip is head moves."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in MEASURED.read_text().splitlines()]
    rows = [row for row in rows if row["trace"] in REAL]

    def worst(part: str, rank: int, *signals: str) -> float:
        return float(sorted((max(row[s][part] for s in signals) for row in rows), reverse=True)[rank])

    gaze, head = ("gaze_yaw_deg", "gaze_pitch_deg"), ("head_pitch_deg",)
    return (
        Noise("gaze", worst("white", 0, *gaze)),
        Noise("gaze", worst("slow", 0, *gaze), SLOW_NS),
        Noise("head", worst("white", 0, *head)),
        Noise("head", worst("slow", 1, *head), SLOW_NS),
        Noise("lids", worst("white", 0, "lid_open")),
        Noise("lids", worst("slow", 0, "lid_open"), SLOW_NS),
    )


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("profile", profile_names())
def test_an_attentive_driver_is_left_alone(profile: str) -> None:
    hours = float(os.environ.get("WATCHKEEPER_ATTENTIVE_HOURS", "0.25"))
    drive = attentive_drive(hours * 3600, _noise(), seed=4)
    judged = judge(drive, DriverStateMachine(get_profile(profile), load_board("host").cabin))
    onsets = [event for event in judged.events if event.phase is Phase.ONSET]
    print(
        f"{profile}: {judged.frames} frames, {hours:g} h, onsets: {[(e.warning.label, e.t_ns / 1e9) for e in onsets]}"
    )
    assert judged.frames > hours * 3600 * 14
    assert [e for e in onsets if e.warning not in DISTRACTIONS] == []
    assert len(onsets) <= hours
