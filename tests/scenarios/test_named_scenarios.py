"""Every timing of the rules, on each side of it, as cameras deliver it."""

from __future__ import annotations

import os

import pytest

from watchkeeper.board import load_board
from watchkeeper.scenarios import CameraModel, failures, judge, read_scenario
from watchkeeper.scenarios.named import limit_times, scenario_names, scenario_path
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile

NS_PER_S = 1_000_000_000
TOLERANCE_NS = 200_000_000  # Euro NCAP
JITTER_NS = 10_000_000
# name: share of frames lost, jitter each way
DELIVERIES = {"clean": (0.0, 0), "lost": (0.2, 0), "jitter": (0.0, JITTER_NS), "lost-jitter": (0.2, JITTER_NS)}
SEEDS = int(os.environ.get("WATCHKEEPER_SCENARIO_SEEDS", "1"))  # more for a longer run
LIMITS = limit_times()
NO_TIMING = {
    "FILE_TIME_MIN", "FILE_TIME_MAX",  # what user files may say; nothing happens at these times
    # when the driver's baseline is learned, and a closure with a falling head: test_baseline.py
    "BASELINE_AWAKE", "BASELINE_FIRST", "BASELINE_REFRESH", "GLANCE_DOWN_LONGEST", "GLANCE_DOWN_LOOK",
}  # fmt: skip


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("fps", [10, 15, 30, 60])
@pytest.mark.parametrize("name", scenario_names())
def test_on_each_side_of_its_limit(name: str, fps: int, delivery: str) -> None:
    lost, jitter_ns = DELIVERIES[delivery]
    # Where one frame in five is lost, the frames at the limit may be among them: then the next one tells. Two in a row
    # are lost at one limit in twenty-five.
    slack_ns = 2 * NS_PER_S // fps if lost else 0
    problems = []
    for sign in (-1, 0, 1):
        scenario = read_scenario(scenario_path(name), LIMITS, sign * (TOLERANCE_NS + slack_ns), TOLERANCE_NS + slack_ns)
        for seed in range(1, 1 + (SEEDS if lost or jitter_ns else 1)):
            for profile in scenario.profiles:
                machine = DriverStateMachine(get_profile(profile), load_board("host").cabin)
                judged = judge(scenario, machine, CameraModel(fps, jitter_ns, lost, 0, seed))
                problems += [f"{profile}, seed {seed}: {text}" for text in failures(scenario, judged.seen)]
    assert problems == []


def test_every_timing_of_the_rules_has_a_scenario() -> None:
    shown = {limit for name in scenario_names() for limit in read_scenario(scenario_path(name), LIMITS).limits}
    missing = sorted(set(LIMITS) - shown - NO_TIMING)
    assert missing == [], "write a scenario (docs/scenarios.md) whose `limits` line names them"


def test_every_scenario_says_what_it_shows() -> None:
    for name in scenario_names():
        scenario = read_scenario(scenario_path(name), LIMITS)
        assert scenario.clause, name
        assert scenario.limits, name
        assert scenario.profiles, name
        assert scenario.expectations, name
