"""What goes out in each slot: schedule, counters, state and the driver's values."""

from __future__ import annotations

from collections import Counter
from typing import Any

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.core import SLOT_NS, Inputs, SupervisorCore
from watchkeeper.supervisor.frames import Decoded, decode
from watchkeeper.supervisor.liveness import VisionPhase, VisionStatus
from watchkeeper.supervisor.outputs import BoxCondition
from watchkeeper.types import Cause, DriverState, SystemState, VisionReport, Warning  # noqa: A004  (contract)

_T = 100 * NS_PER_S


def _core() -> SupervisorCore:
    return SupervisorCore(profile="euroncap-2026", board_id=1)


def _report(t_ns: int = _T, active: bool = True, cause: Cause = Cause.NONE, **driver: Any) -> VisionReport:
    state = DriverState(t_ns, t_ns // NS_PER_MS, active=active, cause=cause, **driver)
    return VisionReport(t_ns, 7, t_ns, Cause.NONE, driver=state)


def _send(core: SupervisorCore, inputs: Inputs, slot: int = 0, t_ns: int = _T) -> dict[str, Decoded]:
    decoded = {}
    for out in core.step(inputs, slot, t_ns):
        frame = decode(out.frame)
        assert frame is not None
        assert frame.name == out.name
        assert frame.crc_ok
        core.sent(out.name)
        decoded[out.name] = frame
    return decoded


def test_messages_leave_on_the_multiples_of_their_cycles() -> None:
    core = _core()
    counts: Counter[str] = Counter()
    for slot in range(40):
        frames = _send(core, Inputs(), slot)
        counts.update(list(frames))
        assert ("DMS_Geometry" in frames) == (slot % 2 == 0)
        assert ("DMS_Health" in frames) == ("DMS_Identity" in frames) == (slot % 20 == 0)
    assert counts == {
        "DMS_Status": 40, "DMS_Warning": 40, "DMS_Driver": 40, "DMS_Geometry": 20, "DMS_Health": 2, "DMS_Identity": 2,
    }  # fmt: skip


def test_the_counter_steps_only_for_what_was_sent() -> None:
    core = _core()
    counters = []
    for slot in range(40):
        for out in core.step(Inputs(), slot, _T):
            if out.name == "DMS_Status":
                frame = decode(out.frame)
                assert frame is not None
                counters.append(frame.counter)
                if slot % 2 == 0:
                    core.sent(out.name)
    # in the odd slots the bus took nothing: the next slot carries the same counter again
    assert counters == [(slot + 1) // 2 % 16 for slot in range(40)]


def test_first_frame_is_init_starting_and_asserts_nothing() -> None:
    frames = _send(_core(), Inputs(vision=VisionStatus(VisionPhase.STARTING)))
    assert frames["DMS_Status"].values["SystemState"] == SystemState.INIT
    assert frames["DMS_Status"].values["Cause"] == Cause.STARTING
    assert frames["DMS_Warning"].values["ActiveWarning"] == Warning.NONE
    assert len(frames) == 6


def test_active_standby_and_what_perception_says() -> None:
    for active, cause, expected in (
        (True, Cause.NONE, (SystemState.ACTIVE, Cause.NONE)),
        (False, Cause.NONE, (SystemState.STANDBY, Cause.NONE)),
        (False, Cause.NO_FACE, (SystemState.DEGRADED, Cause.NO_FACE)),
        (True, Cause.CAMERA_COVERED, (SystemState.UNAVAILABLE, Cause.CAMERA_COVERED)),
        (True, Cause.SPEED_MISSING, (SystemState.DEGRADED, Cause.SPEED_MISSING)),
    ):
        core = _core()
        core.step(Inputs(_report(active=active, cause=cause)), 0, _T)
        assert (core.state, core.cause) == expected


def test_a_warning_is_taken_back_when_vision_goes_stale() -> None:
    core = _core()
    report = _report(warning=Warning.SLEEP, level=3, visual=True, acoustic=3, haptic=True, warning_count=1)
    warning = _send(core, Inputs(report))["DMS_Warning"].values
    assert (warning["ActiveWarning"], warning["AcousticRequest"]) == (Warning.SLEEP, 3)
    frames = _send(core, Inputs(report), 5, _T + 5 * SLOT_NS)
    status, warning = frames["DMS_Status"].values, frames["DMS_Warning"].values
    assert (status["SystemState"], status["Cause"]) == (SystemState.UNAVAILABLE, Cause.STALE_VISION)
    assert status["FrameAge"] == 250
    assert warning["ActiveWarning"] == Warning.SYSTEM_UNAVAILABLE
    assert [warning[name] for name in ("VisualRequest", "AcousticRequest", "HapticRequest")] == [0, 0, 0]
    assert frames["DMS_Driver"].values["EyeLeft"] is None


def test_perception_is_not_believed_when_vision_is_not() -> None:
    core = _core()
    report = _report(cause=Cause.CAMERA_COVERED)
    restarting = VisionStatus(VisionPhase.RESTARTING, Cause.VISION_RESTARTING)
    causes = []
    for slot, inputs in ((0, Inputs(report)), (5, Inputs(report)), (6, Inputs(report, restarting))):
        causes.append(_send(core, inputs, slot, _T + slot * SLOT_NS)["DMS_Status"].values["Cause"])
    assert causes == [Cause.CAMERA_COVERED, Cause.STALE_VISION, Cause.VISION_RESTARTING]


def test_a_used_up_ladder_is_a_fault() -> None:
    core = _core()
    core.step(Inputs(None, VisionStatus(VisionPhase.FAULT, Cause.CAMERA_LOST)), 0, _T)
    assert (core.state, core.cause) == (SystemState.FAULT, Cause.CAMERA_LOST)


def test_bus_and_box_degrade() -> None:
    for inputs, cause in (
        (Inputs(_report(), bus_recovered=True), Cause.BUS_RECOVERED),
        (Inputs(_report(), box=BoxCondition(throttled=True)), Cause.OVER_TEMPERATURE),
        (Inputs(_report(), box=BoxCondition(throttled=True, under_voltage=True)), Cause.UNDER_VOLTAGE),
    ):
        core = _core()
        core.step(inputs, 0, _T)
        assert (core.state, core.cause) == (SystemState.DEGRADED, cause)


def test_an_ordered_end_is_standby_and_shows_no_driver() -> None:
    core = _core()
    inputs = Inputs(_report(warning=Warning.SLEEP, level=3, warning_count=4), stopping=True)
    frames = _send(core, inputs)
    assert (core.state, core.cause) == (SystemState.STANDBY, Cause.NONE)
    assert frames["DMS_Status"].values["FrameAge"] is None
    assert frames["DMS_Warning"].values["ActiveWarning"] == Warning.NONE
    assert frames["DMS_Warning"].values["WarningCount"] == 4
    fault = Inputs(None, VisionStatus(VisionPhase.FAULT, Cause.CONFIG_INVALID), stopping=True)
    core.step(fault, 1, _T)
    assert (core.state, core.cause) == (SystemState.FAULT, Cause.CONFIG_INVALID)


def test_the_same_inputs_give_the_same_frames() -> None:
    def frames() -> list[bytes]:
        core = _core()
        data = []
        for slot in range(100):
            t_ns = _T + slot * SLOT_NS
            for out in core.step(Inputs(_report(t_ns - t_ns % (66 * NS_PER_MS))), slot, t_ns):
                core.sent(out.name)
                data.append(out.frame.data)
        return data

    assert frames() == frames()
