"""What the bus says, from what vision and the supervisor know: a pure mapping to signals of every DMS_* message."""

from __future__ import annotations

from dataclasses import dataclass, replace

from watchkeeper import __version__
from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.spec import PROFILE_CODES, dbc_hash
from watchkeeper.types import Cause, DriverState, SystemState, VisionHealth, VisionReport
from watchkeeper.types import Warning as DriverWarning

Values = dict[str, float | None]

# Measurements are only shown while vision is trusted; elsewhere every one of them is "not available".
_MEASURING = (SystemState.STANDBY, SystemState.ACTIVE, SystemState.DEGRADED)
_WARNING = (SystemState.ACTIVE, SystemState.DEGRADED)
_LOST = (SystemState.UNAVAILABLE, SystemState.FAULT)


@dataclass(frozen=True, slots=True)
class BoxCondition:
    """The box itself, as far as this machine tells (see box_health.py). temperature_c: None where it does not."""

    temperature_c: float | None = None
    throttled: bool = False
    under_voltage: bool = False


def signals(
    driver: DriverState | None,
    state: SystemState,
    cause: Cause,
    vision: VisionReport | None,
    *,
    t_ns: int,
    profile: str | None,
    board_id: int,
    restarts: int = 0,
    bus_off_count: int = 0,
    warning_count: int | None = None,
    box: BoxCondition | None = None,
) -> dict[str, Values]:
    """Physical values of all DMS_* messages for frames leaving at `t_ns`.

    driver: the newest judgement, normally `vision.driver` (`replay` has it without a vision process).
    warning_count: total over restarts of vision (see WarningTally); default: what `driver` says.
    profile: None while nobody is judged.
    Unavailable and Fault assert nothing about the driver: measurements are SNA, ActiveWarning is SystemUnavailable at
    level 1 (tell-tale), no request is set. Standby measures but does not warn. Init says nothing yet.
    """
    health = vision.health if vision else None
    if warning_count is None:
        warning_count = driver.warning_count if driver else 0
    seen = driver if state in _MEASURING else None
    return {
        "DMS_Status": _status(driver, seen, state, cause, vision, t_ns, profile),
        "DMS_Warning": _warning(driver if state in _WARNING else None, state, warning_count, t_ns),
        "DMS_Driver": _driver(seen),
        "DMS_Geometry": _geometry(seen),
        "DMS_Health": _health(health, state in _MEASURING, restarts, bus_off_count, box or BoxCondition()),
        "DMS_Identity": _identity(board_id),
    }


def _status(
    driver: DriverState | None,
    seen: DriverState | None,
    state: SystemState,
    cause: Cause,
    vision: VisionReport | None,
    t_ns: int,
    profile: str | None,
) -> Values:
    exposure_ns = vision.exposure_ns if vision else (driver.t_ns if driver else 0)
    # a clip's own time may begin at 0, so 0 alone does not say that nothing was judged yet
    known = state is not SystemState.INIT and (exposure_ns > 0 or driver is not None)
    trusted = vision is not None and state in _MEASURING
    return {
        "SystemState": state,
        "Cause": cause,
        "FrameAge": (t_ns - exposure_ns) / NS_PER_MS if known else None,
        "Calibration": seen.calibration_pct if seen else None,
        "FrameRate": vision.health.frame_rate_hz if vision and trusted else None,
        "Profile": None if profile is None else PROFILE_CODES.get(profile),
    }


def _warning(driver: DriverState | None, state: SystemState, count: int, t_ns: int) -> Values:
    values: Values = {"WarningCount": count}
    if driver is None:
        lost = state in _LOST
        values["ActiveWarning"] = DriverWarning.SYSTEM_UNAVAILABLE if lost else DriverWarning.NONE
        values["Level"] = 1 if lost else 0
        return values
    onset_ns = driver.onset_ns if driver.warning is not DriverWarning.NONE else None
    return {
        **values,
        "ActiveWarning": driver.warning,
        "Level": driver.level,
        "DistractionLevel": driver.distraction_level,
        "DrowsinessLevel": driver.drowsiness_level,
        "VisualRequest": driver.visual,
        "AcousticRequest": driver.acoustic,
        "HapticRequest": driver.haptic,
        "Age": None if onset_ns is None else (t_ns - onset_ns) / NS_PER_S,
        "Acknowledged": driver.acknowledged,
    }


def unjudged(driver: DriverState) -> DriverState:
    """Commissioning: what is measured stays, nothing is warned of and nothing counts as learnt."""
    return replace(
        driver, calibration_pct=0.0, warning=DriverWarning.NONE, level=0, distraction_level=0, drowsiness_level=0,
        visual=False, acoustic=0, haptic=False, warning_count=0, onset_ns=None, acknowledged=False,
    )  # fmt: skip


def show_lamp_test(values: Values, lamp: int) -> None:
    """Change DMS_Warning's values for a lamp test (routine 0x0212): 1 tell-tale, 2 visual warning; a real one stays."""
    if values["ActiveWarning"] != DriverWarning.NONE:
        return
    if lamp == 1:
        values.update(ActiveWarning=DriverWarning.SYSTEM_UNAVAILABLE, Level=1)
    elif lamp == 2:
        values.update(ActiveWarning=DriverWarning.LONG_DISTRACTION, Level=1, VisualRequest=True)


def _driver(seen: DriverState | None) -> Values:
    if seen is None:
        return {}  # start values: SNA, Unknown, no confidence
    return {
        "DriverPresent": seen.driver_present,
        "EyeLeft": seen.left_eye,
        "EyeRight": seen.right_eye,
        "GazeZone": seen.gaze_zone,
        "AwayTime": seen.away_s,
        "ClosedTime": seen.closed_s,
        "Perclos": seen.perclos_pct,
        "Drowsiness": seen.sleepiness_kss,
        "Confidence": seen.confidence,
    }


def _geometry(seen: DriverState | None) -> Values:
    head, gaze = (seen.head, seen.gaze) if seen else (None, None)
    return {
        "HeadYaw": head.yaw_deg if head else None,
        "HeadPitch": head.pitch_deg if head else None,
        "HeadRoll": head.roll_deg if head else None,
        "GazeYaw": gaze.yaw_deg if gaze else None,
        "GazePitch": gaze.pitch_deg if gaze else None,
    }


def _health(health: VisionHealth | None, trusted: bool, restarts: int, bus_off_count: int, box: BoxCondition) -> Values:
    return {
        "FramesDropped": health.frames_dropped if health else 0,
        "DeadlineMisses": health.deadline_misses if health else 0,
        "Temperature": box.temperature_c,
        "Throttled": box.throttled,
        "UnderVoltage": box.under_voltage,
        "Restarts": restarts,
        "BusOffCount": bus_off_count,
        "Load": health.load_pct if health and trusted else None,
    }


def _identity(board_id: int) -> Values:
    major, minor, patch = (int(part) for part in __version__.split(".")[:3])
    return {
        "VersionMajor": major,
        "VersionMinor": minor,
        "VersionPatch": patch,
        "DbcHash": dbc_hash(),
        "BoardId": board_id,
    }


class WarningTally:
    """Warnings since the supervisor started. A restarted vision counts from 0 again; the bus must not step for that."""

    def __init__(self) -> None:
        self._pid = 0
        self._seen = 0
        self.total = 0

    def step(self, vision: VisionReport | None) -> int:
        """Take in the newest report; returns the total."""
        if vision is None or vision.driver is None:
            return self.total
        if vision.pid != self._pid:
            self._pid, self._seen = vision.pid, 0
        count = vision.driver.warning_count
        self.total += max(0, count - self._seen)
        self._seen = count
        return self.total
