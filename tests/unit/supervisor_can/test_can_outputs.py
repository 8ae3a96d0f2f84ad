"""What is said in which state."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from watchkeeper import __version__
from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor import layout
from watchkeeper.supervisor.box_health import BoxHealthReader
from watchkeeper.supervisor.outputs import BoxCondition, WarningTally, signals
from watchkeeper.supervisor.spec import MESSAGES, TRANSMITTED, dbc_hash
from watchkeeper.types import (
    Cause,
    DriverState,
    EyeState,
    Gaze,
    GazeZone,
    Head,
    Presence,
    SystemState,
    VisionHealth,
    VisionReport,
)
from watchkeeper.types import Warning as DriverWarning

_T = 100 * NS_PER_S
_DRIVER = DriverState(
    t_ns=_T - 40 * NS_PER_MS, active=True, calibration_pct=80.0, warning=DriverWarning.MICROSLEEP, level=3,
    distraction_level=1, drowsiness_level=3, visual=True, acoustic=2, haptic=True, warning_count=7,
    onset_ns=_T - 1500 * NS_PER_MS, acknowledged=True, driver_present=Presence.PRESENT, left_eye=EyeState.CLOSED,
    right_eye=EyeState.UNKNOWN, gaze_zone=GazeZone.LAP, away_s=2.5, closed_s=1.5, perclos_pct=12.5, sleepiness_kss=8,
    confidence=3, head=Head(-10.0, 5.0, 2.25), gaze=Gaze(-12.0, -40.0),
)  # fmt: skip
_VISION = VisionReport(
    published_ns=_T - 10 * NS_PER_MS, pid=42, exposure_ns=_T - 40 * NS_PER_MS, condition=Cause.NONE, driver=_DRIVER,
    health=VisionHealth(100, 90, 10, 3, 30.0, 20.0, 30.0, 44.0),
)  # fmt: skip


def _said(state: SystemState, cause: Cause = Cause.NONE, **changes: Any) -> dict[str, dict[str, float | None]]:
    """The signals as a receiver reads them, through the bits."""
    driver, vision = changes.pop("driver", _DRIVER), changes.pop("vision", _VISION)
    values = signals(driver, state, cause, vision, t_ns=_T, profile="euroncap-2026", board_id=9, **changes)
    return {name: layout.unpack(MESSAGES[name], layout.pack(MESSAGES[name], v)) for name, v in values.items()}


def test_active_says_everything() -> None:
    said = _said(SystemState.ACTIVE, box=BoxCondition(55.0, True, False), restarts=2, bus_off_count=1)
    major, minor, patch = (int(part) for part in __version__.split("."))
    assert said == {
        "DMS_Status": {"SystemState": 2, "Cause": 0, "FrameAge": 40, "Calibration": 80, "FrameRate": 30.0,
                       "Profile": 0},
        "DMS_Warning": {"ActiveWarning": 5, "Level": 3, "DistractionLevel": 1, "DrowsinessLevel": 3,
                        "VisualRequest": 1, "AcousticRequest": 2, "HapticRequest": 1, "WarningCount": 7, "Age": 1.5,
                        "Acknowledged": 1},
        "DMS_Driver": {"DriverPresent": 1, "EyeLeft": 1, "EyeRight": 2, "GazeZone": 7, "AwayTime": 2.5,
                       "ClosedTime": 1.5, "Perclos": 12.5, "Drowsiness": 8, "Confidence": 3},
        "DMS_Geometry": {"HeadYaw": -10.0, "HeadPitch": 5.0, "HeadRoll": 2.25, "GazeYaw": -12.0, "GazePitch": -40.0},
        "DMS_Health": {"FramesDropped": 10, "DeadlineMisses": 3, "Temperature": 55.0, "Throttled": 1,
                       "UnderVoltage": 0, "Restarts": 2, "BusOffCount": 1, "Load": 44.0},
        "DMS_Identity": {"VersionMajor": major, "VersionMinor": minor, "VersionPatch": patch, "DbcHash": dbc_hash(),
                         "BoardId": 9},
    }  # fmt: skip


@pytest.mark.parametrize("state", [SystemState.UNAVAILABLE, SystemState.FAULT])
def test_lost_vision_asserts_nothing_but_that(state: SystemState) -> None:
    said = _said(state, Cause.STALE_VISION)
    warning = said["DMS_Warning"]
    assert (warning.pop("ActiveWarning"), warning.pop("Level"), warning.pop("WarningCount")) == (8, 1, 7)
    assert warning.pop("Age") is None
    assert set(warning.values()) == {0}
    _assert_nothing_measured(said)
    assert said["DMS_Status"]["FrameAge"] == 40  # how old the newest picture is stays known


def _assert_nothing_measured(said: dict[str, dict[str, float | None]]) -> None:
    driver = said["DMS_Driver"]
    assert (driver.pop("GazeZone"), driver.pop("Confidence")) == (GazeZone.UNKNOWN, 0)
    assert set(driver.values()) == {None}
    assert set(said["DMS_Geometry"].values()) == {None}
    assert said["DMS_Status"]["FrameRate"] is None
    assert said["DMS_Status"]["Calibration"] is None
    assert said["DMS_Health"]["Load"] is None


def test_init_says_nothing_yet() -> None:
    said = _said(SystemState.INIT, Cause.STARTING, driver=None, vision=None)
    assert said["DMS_Status"] == {
        "SystemState": 0, "Cause": 1, "FrameAge": None, "Calibration": None, "FrameRate": None, "Profile": 0,
    }  # fmt: skip
    assert said["DMS_Warning"]["ActiveWarning"] == 0
    assert said["DMS_Warning"]["Level"] == 0
    _assert_nothing_measured(said)


def test_standby_measures_and_does_not_warn() -> None:
    said = _said(SystemState.STANDBY)
    warning = said["DMS_Warning"]
    assert warning.pop("WarningCount") == 7
    assert warning.pop("Age") is None
    assert set(warning.values()) == {0}
    assert said["DMS_Driver"]["EyeLeft"] == EyeState.CLOSED
    assert said["DMS_Geometry"]["HeadYaw"] == -10.0


def test_degraded_still_warns() -> None:
    assert _said(SystemState.DEGRADED, Cause.TOO_DARK)["DMS_Warning"]["ActiveWarning"] == DriverWarning.MICROSLEEP


def test_no_warning_has_no_age() -> None:
    calm = replace(_DRIVER, warning=DriverWarning.NONE, level=0)
    assert _said(SystemState.ACTIVE, driver=calm)["DMS_Warning"]["Age"] is None


def test_unknown_measurements_are_not_zero() -> None:
    blind = replace(_DRIVER, head=None, gaze=None, perclos_pct=None, sleepiness_kss=None)
    said = _said(SystemState.ACTIVE, driver=blind)
    assert set(said["DMS_Geometry"].values()) == {None}
    assert said["DMS_Driver"]["Perclos"] is None
    assert said["DMS_Driver"]["Drowsiness"] is None


def test_frame_age_saturates_and_never_turns_negative() -> None:
    old = replace(_VISION, exposure_ns=_T - 60 * NS_PER_S)
    ahead = replace(_VISION, exposure_ns=_T + NS_PER_MS)
    assert _said(SystemState.UNAVAILABLE, vision=old)["DMS_Status"]["FrameAge"] == 1022
    assert _said(SystemState.ACTIVE, vision=ahead)["DMS_Status"]["FrameAge"] == 0


def test_frame_age_is_unknown_before_the_first_picture() -> None:
    fresh = VisionReport(published_ns=_T, pid=1)
    said = _said(SystemState.UNAVAILABLE, Cause.CAMERA_LOST, driver=None, vision=fresh)
    assert said["DMS_Status"]["FrameAge"] is None


def test_driver_without_a_vision_process_as_in_replay() -> None:
    said = _said(SystemState.ACTIVE, vision=None)
    assert said["DMS_Status"]["FrameAge"] == 40
    assert said["DMS_Status"]["FrameRate"] is None


def test_every_state_and_cause_can_be_packed() -> None:
    for state, cause, driver in itertools.product(SystemState, Cause, (None, _DRIVER)):
        said = _said(state, cause, driver=driver)
        assert set(said) == {message.name for message in TRANSMITTED}
        assert (said["DMS_Status"]["SystemState"], said["DMS_Status"]["Cause"]) == (state, cause)


def test_tally_goes_on_over_a_restart_of_vision() -> None:
    tally = WarningTally()

    def report(pid: int, count: int) -> VisionReport:
        return replace(_VISION, pid=pid, driver=replace(_DRIVER, warning_count=count))

    assert tally.step(None) == 0
    assert [tally.step(report(1, n)) for n in (0, 1, 1, 3)] == [0, 1, 1, 3]
    assert tally.step(replace(_VISION, pid=2, driver=None)) == 3
    assert [tally.step(report(2, n)) for n in (0, 0, 1)] == [3, 3, 4]


def _sys(root: Path, temperatures: list[str], throttled: str | None = None) -> Path:
    for number, text in enumerate(temperatures):
        zone = root / f"class/thermal/thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(text)
    if throttled is not None:
        firmware = root / "devices/platform/soc/soc:firmware"
        firmware.mkdir(parents=True)
        (firmware / "get_throttled").write_text(throttled)
    return root


def test_box_health_takes_the_hottest_believable_sensor(tmp_path: Path) -> None:
    root = _sys(tmp_path, ["45000\n", "61500\n", "-273000\n", "rubbish", "999000"])
    assert BoxHealthReader(root).read() == BoxCondition(temperature_c=61.5)


def test_box_health_without_sensors_is_unknown(tmp_path: Path) -> None:
    assert BoxHealthReader(tmp_path).read() == BoxCondition()


@pytest.mark.parametrize(
    ("flags", "throttled", "under_voltage"),
    [("0", False, False), ("1", False, True), ("4", True, False), ("50005", True, True), ("50000", False, False)],
)
def test_box_health_reads_the_firmwares_present_flags(
    tmp_path: Path, flags: str, throttled: bool, under_voltage: bool
) -> None:
    condition = BoxHealthReader(_sys(tmp_path, [], flags + "\n")).read()
    assert (condition.throttled, condition.under_voltage) == (throttled, under_voltage)
