"""Drives written as timelines: a small language, the traces a camera would make of them, their judging and plots.

`parse_scenario` reads the language (docs/scenarios.md), `sample` makes measurements of it, `judge` runs the state
machine over them and `failures` holds the result against what the scenario expects. Named scenarios, one or more for
each timing of the rules, lie in `named/`.
"""

from watchkeeper.scenarios.expectations import failures
from watchkeeper.scenarios.judge import Judged, judge
from watchkeeper.scenarios.model import CameraModel, Scenario
from watchkeeper.scenarios.parser import parse_scenario, read_scenario
from watchkeeper.scenarios.sampling import sample

__all__ = ["CameraModel", "Judged", "Scenario", "failures", "judge", "parse_scenario", "read_scenario", "sample"]
