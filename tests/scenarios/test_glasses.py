"""Glasses that raise what closed eyes read sixfold (0.018 to 0.113 of the EAR, 0.06 to 0.36 of the open eye)."""

from __future__ import annotations

import pytest

from watchkeeper.board import load_board
from watchkeeper.scenarios import CameraModel, failures, judge, parse_scenario
from watchkeeper.scenarios.named import limit_times
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile

# Three minutes of blinks teach each state; then closures of 1.5 s are to be caught in it.
ORDER = """
readings bare 0.06 glasses 0.36
noise lids 0.01
at start: glasses {first}
every 4 s from 3 s to 170 s: blink
at 180 s: lids closed for 1.5 s
expect Microsleep onset at 180 s + NCAP26_MICROSLEEP
at 200 s: glasses {then}
every 4 s from 203 s to 370 s: blink
at 380 s: lids closed for 1.5 s
expect Microsleep onset at 380 s + NCAP26_MICROSLEEP
at 400 s: lids closed for 1.5 s
expect Microsleep onset at 400 s + NCAP26_MICROSLEEP
expect no Sleep onset
end at 410 s
"""


@pytest.mark.xfail(
    strict=True,
    reason="closed lids behind glasses read 0.36, above LID_CLOSED; needs the two-state baseline in state/",
)
@pytest.mark.parametrize("fps", [15, 30])
@pytest.mark.parametrize(("first", "then"), [("off", "on"), ("on", "off")], ids=["put on", "taken off"])
def test_closures_are_caught_with_and_without_glasses(first: str, then: str, fps: int) -> None:
    scenario = parse_scenario(ORDER.format(first=first, then=then), "glasses", limit_times())
    machine = DriverStateMachine(get_profile("euroncap-2026"), load_board("host").cabin)
    assert failures(scenario, judge(scenario, machine, CameraModel(fps=fps)).seen) == []
