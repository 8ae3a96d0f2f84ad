"""What the state machine makes of a trace: lids closed over time, and the warnings it raises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import Cabin, DriverState, EyeState, Measurement, VehicleSignals, WarningEvent

PROFILE = "euroncap-2026"


@dataclass(frozen=True, slots=True)
class Judged:
    """closed: one a frame, None where no lid is seen. warnings: as `replay` would write them. states: all of it."""

    closed: list[bool | None]
    warnings: list[WarningEvent]
    states: list[DriverState]


def judge(trace: Sequence[Measurement], vehicle: Sequence[VehicleSignals | None], cabin: Cabin) -> Judged:
    """Run the default profile over `trace`; `vehicle`: the signals of each frame, None for none."""
    machine = DriverStateMachine(get_profile(PROFILE), cabin)
    states = [machine.step(m, car, m.t_ns) for m, car in zip(trace, vehicle, strict=True)]
    return Judged([lids_closed(s) for s in states], [event for s in states for event in s.events], states)


def lids_closed(state: DriverState) -> bool | None:
    """Both eyes closed, or the only one that is seen; None when none is."""
    both = (state.left_eye, state.right_eye)
    if EyeState.OPEN in both:
        return False
    return True if EyeState.CLOSED in both else None


def simply_closed(m: Measurement, closed_at: float) -> bool | None:
    """The same by one threshold and nothing else, for measurements that are not ours."""
    openings = [eye.open for eye in (m.left_eye, m.right_eye) if eye is not None and eye.open is not None]
    return None if not openings else all(opening <= closed_at for opening in openings)
