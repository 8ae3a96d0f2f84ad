"""From causes to the one state and the one cause on the bus (CAN contract, "each cause has its state")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchkeeper.types import Cause, SystemState

STATE_OF: Mapping[Cause, SystemState] = {
    Cause.STARTING: SystemState.INIT,
    Cause.ENGINE_BUILD: SystemState.INIT,
    Cause.CALIBRATING: SystemState.DEGRADED,
    Cause.CAMERA_LOST: SystemState.UNAVAILABLE,
    Cause.CAMERA_FROZEN: SystemState.UNAVAILABLE,
    Cause.CAMERA_COVERED: SystemState.UNAVAILABLE,
    Cause.TOO_DARK: SystemState.DEGRADED,
    Cause.TOO_BRIGHT: SystemState.DEGRADED,
    Cause.NO_FACE: SystemState.DEGRADED,
    Cause.EYES_HIDDEN: SystemState.DEGRADED,
    Cause.STALE_VISION: SystemState.UNAVAILABLE,
    Cause.VISION_RESTARTING: SystemState.UNAVAILABLE,
    Cause.OVERRUN: SystemState.DEGRADED,
    Cause.OVER_TEMPERATURE: SystemState.DEGRADED,
    Cause.UNDER_VOLTAGE: SystemState.DEGRADED,
    Cause.SPEED_MISSING: SystemState.DEGRADED,
    Cause.MODEL_INVALID: SystemState.FAULT,
    Cause.CONFIG_INVALID: SystemState.FAULT,
    Cause.BUS_RECOVERED: SystemState.DEGRADED,
    Cause.INTERNAL_ERROR: SystemState.FAULT,
}

_RANK = {SystemState.INIT: 0, SystemState.DEGRADED: 1, SystemState.UNAVAILABLE: 2, SystemState.FAULT: 3}


class SafeState:
    """Picks the primary cause: Fault over Unavailable over Degraded over Init, the older first."""

    def __init__(self) -> None:
        self._since_ns: dict[Cause, int] = {}
        self.present: frozenset[Cause] = frozenset()

    def step(self, causes: Iterable[Cause], used_up: Cause, active: bool, t_ns: int) -> tuple[SystemState, Cause]:
        """State and primary cause at `t_ns`.

        causes: all that hold now (NONE is skipped). used_up: the one that the restart ladder gave up on, which is a
        Fault whatever its usual state (NONE: none). active: what it is without any cause, Active or Standby.
        """
        present = {cause for cause in (*causes, used_up) if cause is not Cause.NONE}
        self._since_ns = {cause: self._since_ns.get(cause, t_ns) for cause in present}
        self.present = frozenset(present)
        if not present:
            return (SystemState.ACTIVE if active else SystemState.STANDBY), Cause.NONE
        states = {cause: SystemState.FAULT if cause is used_up else STATE_OF[cause] for cause in present}
        # The number decides between causes of the same slot, so that the same input always gives the same frame.
        primary = min(present, key=lambda cause: (-_RANK[states[cause]], self._since_ns[cause], cause))
        return states[primary], primary
