"""Commissioning: only while the vehicle is known to stand, for so long, and the bus says what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper import production
from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.commissioning import WAIT_NS, Commissioning, Ended
from watchkeeper.supervisor.core import Inputs, SupervisorCore
from watchkeeper.supervisor.frames import decode
from watchkeeper.supervisor.main import main
from watchkeeper.types import Cause, DriverState, EyeState, SystemState, VisionReport, Warning  # noqa: A004

_S = NS_PER_S


def test_vision_waits_for_a_vehicle_that_stands() -> None:
    made = Commissioning(60 * _S)
    assert made.step(None, 0) is None
    assert not made.standing
    assert made.step(0.0, _S) is None
    assert made.standing


def test_it_ends_at_its_limit_counted_from_standing() -> None:
    made = Commissioning(10 * _S)
    made.step(None, 0)
    made.step(0.0, 2 * _S)
    assert made.step(0.0, 12 * _S - 1) is None
    assert made.step(0.0, 12 * _S) is Ended.LIMIT
    assert (made.standing, made.step(0.0, 13 * _S)) == (False, None)
    assert Ended.LIMIT.exit_status == 0


@pytest.mark.parametrize("speed", [0.01, 5.0, -1.0, 300.0])
def test_it_ends_when_the_vehicle_moves(speed: float) -> None:
    made = Commissioning(60 * _S)
    made.step(0.0, 0)
    assert made.step(speed, 50_000_000) is Ended.MOVES
    assert not made.standing
    refused = Commissioning(60 * _S)
    assert refused.step(speed, 0) is Ended.MOVES
    assert Ended.MOVES.exit_status == 1


def test_it_ends_without_a_speed_at_once_or_after_the_wait() -> None:
    lost = Commissioning(60 * _S)
    lost.step(0.0, 0)
    assert lost.step(None, 50_000_000) is Ended.NOT_KNOWN
    silent = Commissioning(60 * _S)
    assert silent.step(None, 0) is None
    assert silent.step(None, WAIT_NS - 1) is None
    assert silent.step(None, WAIT_NS) is Ended.NOT_KNOWN


def _values(driver: DriverState, commissioning: bool = False) -> dict[str, dict[str, float | None]]:
    core = SupervisorCore(profile="euroncap-2026", board_id=1)
    report = VisionReport(10 * _S, 7, 10 * _S, Cause.NONE, driver=driver)
    frames = [decode(out.frame) for out in core.step(Inputs(report, commissioning=commissioning), 0, 10 * _S)]
    return {frame.name: dict(frame.values) for frame in frames if frame is not None}


def test_the_bus_says_calibrating_and_warns_of_nothing() -> None:
    driver = DriverState(
        10 * _S, 1, active=True, calibration_pct=80.0, warning=Warning.SLEEP, level=3, visual=True, acoustic=2,
        haptic=True, warning_count=4, onset_ns=9 * _S, left_eye=EyeState.OPEN, drowsiness_level=2,
    )  # fmt: skip
    driving = _values(driver)
    assert (driving["DMS_Status"]["Cause"], driving["DMS_Warning"]["ActiveWarning"]) == (Cause.NONE, Warning.SLEEP)
    values = _values(driver, commissioning=True)
    status, warning = values["DMS_Status"], values["DMS_Warning"]
    assert (status["SystemState"], status["Cause"]) == (SystemState.DEGRADED, Cause.CALIBRATING)
    assert (status["Calibration"], status["Profile"]) == (0, None)
    asked = ("ActiveWarning", "Level", "DrowsinessLevel", "VisualRequest", "AcousticRequest", "HapticRequest")
    assert [warning[name] for name in asked] == [0] * 6
    assert warning["WarningCount"] == 0
    assert values["DMS_Driver"]["EyeLeft"] == EyeState.OPEN


@pytest.mark.parametrize("cause", [Cause.NO_FACE, Cause.TOO_DARK, Cause.SPEED_MISSING])
def test_calibrating_is_shown_before_what_else_degrades(cause: Cause) -> None:
    assert _values(DriverState(10 * _S, 1, cause=cause), commissioning=True)["DMS_Status"]["Cause"] == Cause.CALIBRATING


def test_both_options_or_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watchkeeper-supervisor", "--commissioning", "5", "--", "true"]) == 2
    assert "--commissioning and --aim-fd: expected both or none" in capsys.readouterr().err


def test_a_production_unit_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = tmp_path / "production"
    monkeypatch.setattr(production, "UNIT_MARK", mark)
    production.refuse_in_production("aim")
    mark.touch()
    with pytest.raises(BadInputError, match="this is a production unit: expected no such file for aim"):
        production.refuse_in_production("aim")
    assert main(["watchkeeper-supervisor", "--commissioning", "5", "--aim-fd", "9", "--", "true"]) == 2
    assert f"{mark}: this is a production unit" in capsys.readouterr().err
