"""0x31: camera self-test, baseline reset, lamp test."""

from __future__ import annotations

from garage import Garage

from watchkeeper.supervisor import outputs
from watchkeeper.supervisor.core import Inputs, SupervisorCore
from watchkeeper.supervisor.frames import decode
from watchkeeper.types import Cause, DriverState, SystemState, VisionReport
from watchkeeper.types import Warning as DriverWarning


def _film(garage: Garage, seconds: float, per_slot: int, *, pid: int = 7) -> None:
    seq = garage.view.report.health.frames_processed if garage.view.report else 0
    for _ in range(round(seconds / 0.05)):
        seq += per_slot
        garage.picture(seq, pid=pid)
        garage.wait(0.05)


def test_camera_test_passes_with_pictures() -> None:
    garage = Garage().unlocked()
    garage.show(SystemState.ACTIVE)
    garage.picture(100)
    assert garage.ask("31 01 02 10") == "71 01 02 10 00 00 00 00 00 00 00 00"
    assert garage.ask("31 01 02 10") == "7F 31 24", "it runs already"
    _film(garage, 1, 2)
    assert (garage.ask("31 03 02 10") or "")[:14] == "71 03 02 10 00"
    _film(garage, 1.1, 2)
    # 40 slots with 2 pictures each, none dropped, at most 20 ms + one slot old
    assert garage.ask("31 03 02 10") == "71 03 02 10 01 00 50 00 00 00 46 00"


def test_camera_test_fails_without_pictures_with_a_cause_and_over_a_restart() -> None:
    garage = Garage().unlocked()
    garage.ask("31 01 02 10")
    garage.wait(2.1)
    assert garage.ask("31 03 02 10") == "71 03 02 10 02 00 00 00 00 00 00 00"
    garage.picture(10)
    garage.ask("31 01 02 10")
    garage.show(SystemState.UNAVAILABLE, Cause.CAMERA_COVERED)
    _film(garage, 2.1, 2)
    assert (garage.ask("31 03 02 10") or "").startswith("71 03 02 10 02")
    assert (garage.ask("31 03 02 10") or "").endswith("06")
    garage.show(SystemState.ACTIVE)
    garage.ask("31 01 02 10")
    _film(garage, 2.1, 2, pid=8)
    assert (garage.ask("31 03 02 10") or "").startswith("71 03 02 10 02")
    assert (garage.ask("31 03 02 10") or "").endswith("0C"), "VisionRestarting"


def test_a_stopped_test_stays_stopped() -> None:
    garage = Garage().unlocked()
    garage.ask("31 01 02 10")
    assert (garage.ask("31 02 02 10") or "").startswith("71 02 02 10 03")
    garage.wait(3)
    assert (garage.ask("31 03 02 10") or "").startswith("71 03 02 10 03")
    assert garage.ask("31 02 02 10") == "7F 31 24"


def test_baseline_reset_is_done_when_vision_says_so() -> None:
    garage = Garage().unlocked()
    garage.picture(5)
    assert garage.ask("31 01 02 11") == "71 01 02 11 00"
    assert garage.diagnostics.baseline_resets == 1
    garage.wait(0.1)
    assert garage.ask("31 03 02 11") == "71 03 02 11 00"
    assert garage.ask("31 02 02 11") == "7F 31 12"
    garage.picture(6, resets=1)
    garage.wait(0.1)
    assert garage.ask("31 03 02 11") == "71 03 02 11 01"
    garage.ask("31 01 02 11")
    garage.wait(2.1)
    assert garage.ask("31 03 02 11") == "71 03 02 11 02", "vision never said so"


def test_lamp_test_ends_by_time_by_stop_by_session_and_by_moving() -> None:
    garage = Garage().unlocked()
    garage.view.speed_kph = 0.0
    for end in ("time", "stop", "session", "moving"):
        assert garage.ask("31 01 02 12 02 03") == "71 01 02 12 00"
        assert garage.diagnostics.lamp_test == 2
        garage.wait(2.9)
        assert garage.diagnostics.lamp_test == 2
        if end == "time":
            garage.wait(0.2)
        elif end == "stop":
            assert garage.ask("31 02 02 12") == "71 02 02 12 03"
        elif end == "session":
            garage.ask("10 01")
        else:
            garage.view.speed_kph = 30.0
            garage.wait(0.1)
        assert garage.diagnostics.lamp_test == 0
        if end == "session":
            garage.unlocked()
    assert garage.ask("31 03 02 12") == "71 03 02 12 02"
    assert garage.ask("31 01 02 12 01 01") == "7F 31 88"


def test_lamps_are_on_the_bus_but_never_over_a_warning() -> None:
    def warning(lamp: int, active: DriverWarning) -> dict[str, float | None]:
        core = SupervisorCore(profile="euroncap-2026", board_id=1)
        driver = DriverState(10**9, 1, active=True, warning=active, level=3)
        report = VisionReport(10**9, 7, 10**9, Cause.NONE, driver=driver)
        frames = [decode(out.frame) for out in core.step(Inputs(report, lamp_test=lamp), 0, 10**9)]
        return next(f.values for f in frames if f is not None and f.name == "DMS_Warning")

    shown = [
        (v["ActiveWarning"], v["Level"], v["VisualRequest"]) for v in (warning(n, DriverWarning.NONE) for n in range(3))
    ]
    assert shown == [(0, 3, 0), (8, 1, 0), (1, 1, 1)]
    assert warning(2, DriverWarning.SLEEP)["ActiveWarning"] == DriverWarning.SLEEP
    values: outputs.Values = {"ActiveWarning": DriverWarning.SYSTEM_UNAVAILABLE, "Level": 1}
    outputs.show_lamp_test(values, 2)
    assert values == {"ActiveWarning": 8, "Level": 1}
