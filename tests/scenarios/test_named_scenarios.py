"""Every timing of the rules, on each side of it, as cameras deliver it."""

from __future__ import annotations

import bisect
import os

import pytest

from watchkeeper.board import load_board
from watchkeeper.scenarios import CameraModel, failures, judge, read_scenario
from watchkeeper.scenarios.model import Track
from watchkeeper.scenarios.named import limit_times, scenario_names, scenario_path
from watchkeeper.scenarios.sampling import sample
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile

NS_PER_S = 1_000_000_000
TOLERANCE_NS = 200_000_000  # Euro NCAP
JITTER_NS = 10_000_000
ACTS_MANY = 24  # of so many, no single one decides
# name: share of frames lost, jitter each way
DELIVERIES = {"clean": (0.0, 0), "lost": (0.2, 0), "jitter": (0.0, JITTER_NS), "lost-jitter": (0.2, JITTER_NS)}
SEEDS = int(os.environ.get("WATCHKEEPER_SCENARIO_SEEDS", "1"))  # more for a longer run
LIMITS = limit_times()
NO_TIMING = {
    "FILE_TIME_MIN", "FILE_TIME_MAX",  # what user files may say; nothing happens at these times
    "BASELINE_REFRESH",  # how often a median is made anew: nothing is told then
}  # fmt: skip


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("fps", [10, 15, 30, 60])
@pytest.mark.parametrize("name", scenario_names())
def test_on_each_side_of_its_limit(name: str, fps: int, delivery: str) -> None:
    lost, jitter_ns = DELIVERIES[delivery]
    problems = []
    for seed in range(1, 1 + (SEEDS if lost or jitter_ns else 1)):
        camera = CameraModel(fps, jitter_ns, lost, 0, seed)
        within_ns = TOLERANCE_NS + (_unseen_ns(name, camera) if lost else 0)
        for sign in (-1, 0, 1):
            scenario = read_scenario(scenario_path(name), LIMITS, sign * within_ns, within_ns)
            for profile in scenario.profiles:
                machine = DriverStateMachine(get_profile(profile), load_board("host").cabin)
                judged = judge(scenario, machine, camera)
                problems += [f"{profile}, seed {seed}: {text}" for text in failures(scenario, judged.seen)]
    assert problems == []


def _unseen_ns(name: str, camera: CameraModel) -> int:
    """By how much the tolerance is exceeded with right: 0 unless two or more frames in a row are lost just where the
    driver does something else or a limit lies. What no frame shows, no rule can tell; one lost frame is no excuse."""
    scenario = read_scenario(scenario_path(name), LIMITS, 0)
    frames = [measurement.t_ns for measurement, _ in sample(scenario, camera)]
    acts = [action for action in scenario.actions if action.track is not Track.FRAMES]
    if len(acts) > ACTS_MANY:
        acts = []
    points = {e.at_ns for e in scenario.expectations} | {t for a in acts for t in (a.start_ns, a.end_ns)}
    longest_ns = 0
    for point_ns in points - {None, 0}:
        assert point_ns is not None
        after = bisect.bisect_left(frames, point_ns)
        if 0 < after < len(frames):
            longest_ns = max(longest_ns, frames[after] - frames[after - 1])
    return max(0, longest_ns - 2 * round(NS_PER_S / camera.fps) - 2 * camera.jitter_ns)


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
