"""The state machine run over a scenario, and what was seen of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from watchkeeper.scenarios.model import CameraModel, Scenario
from watchkeeper.scenarios.observations import Observer
from watchkeeper.scenarios.sampling import Row, sample
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.types import DriverState, WarningEvent


@dataclass(frozen=True, slots=True)
class Judged:
    """events: every warning event. seen: times of what the scenario expects something of, ns from its start.
    states: one a frame, empty unless asked for. frames: how many were judged."""

    events: tuple[WarningEvent, ...]
    seen: dict[str, list[int]]
    states: Sequence[DriverState]
    frames: int


def judge(
    scenario: Scenario,
    machine: DriverStateMachine,
    camera: CameraModel | None = None,
    *,
    rows: Iterable[Row] | None = None,
    keep_states: bool = False,
) -> Judged:
    """Step a fresh machine through the scenario. rows: measurements already made, instead of sampling them here."""
    observer = Observer({expectation.what for expectation in scenario.expectations})
    events: list[WarningEvent] = []
    states: list[DriverState] = []
    frames = 0
    for measurement, vehicle in sample(scenario, camera) if rows is None else rows:
        state = machine.step(measurement, vehicle, measurement.t_ns)
        frames += 1
        observer.step(state)
        events += state.events
        if keep_states:
            states.append(state)
    return Judged(tuple(events), observer.seen, states, frames)
