"""The bus right at its bounds: what a sender's judges, ports, a trip and a vehicle file let pass."""

from __future__ import annotations

import dataclasses
import socket
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.clock import now_ns
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor import outputs
from watchkeeper.supervisor.bus import open_bus, open_listener
from watchkeeper.supervisor.bus_virtual import VirtualPort
from watchkeeper.supervisor.dbc import dbc_text
from watchkeeper.supervisor.frames import CanFrame, Encoder, decode
from watchkeeper.supervisor.kernel_stamp import stamp_ns
from watchkeeper.supervisor.sender_check import SenderCheck, percentile
from watchkeeper.supervisor.simulated_vehicle import SimulatedVehicle
from watchkeeper.supervisor.spec import MESSAGES
from watchkeeper.supervisor.trip import read_trip
from watchkeeper.supervisor.vehicle_file import read_vehicle_file
from watchkeeper.supervisor.watch import Watch, frame_bits, worst_stuff_bits
from watchkeeper.types import Cause, DriverState, SystemState, VisionReport
from watchkeeper.types import Warning as DriverWarning

_MS, _S = 1_000_000, 1_000_000_000
_STATUS = MESSAGES["DMS_Status"]


# --- judges of a sender -----------------------------------------------------------------------------------------------


def _frames(gaps_ms: list[float]) -> list[tuple[int, CanFrame]]:
    encoder, t_ns, frames = Encoder(), 3 * _S, []
    for gap_ms in [0.0, *gaps_ms]:
        t_ns += round(gap_ms * _MS)
        frames.append((t_ns, encoder.encode("DMS_Status", {})))
        encoder.sent("DMS_Status")
    return frames


def _verdict(frames: list[tuple[int, CanFrame]]) -> str:
    watch = Watch()
    for t_ns, frame in frames:
        watch.step(frame, t_ns)
    return watch.summary()["DMS_Status"]["verdict"]


@pytest.mark.parametrize(("gap_ms", "sound"), [(55.0, True), (55.1, False), (45.0, True), (44.9, False)])
def test_a_cycle_may_be_a_tenth_off(gap_ms: float, sound: bool) -> None:
    assert ("cycle" not in _verdict(_frames([gap_ms] * 9))) is sound


def test_a_message_is_missing_after_two_of_its_cycles() -> None:
    def missing(watched_ms: int) -> bool:
        watch = Watch()
        for t_ns, frame in _frames([watched_ms]):
            watch.step(frame, t_ns)
        return "DMS_Warning" in watch.summary()

    cycle_ms = MESSAGES["DMS_Warning"].cycle_ms
    assert (missing(2 * cycle_ms), missing(2 * cycle_ms + 1)) == (False, True)
    assert {"DMS_Status", "DMS_Identity"} <= set(Watch().summary()), "nothing heard at all"
    assert "VEH_Input" not in Watch().summary(), "not ours to miss"


def test_bits_of_a_frame() -> None:
    assert [frame_bits(n) for n in (0, 1, 8)] == [47, 55, 111]
    assert [worst_stuff_bits(n) for n in (0, 1, 8)] == [8, 10, 24]


def test_the_load_is_of_the_time_between_the_first_and_the_last_frame() -> None:
    watch = Watch()
    assert watch.load() == {"bit_rate": 500_000, "frames": 0, "bits": 0, "load_pct": None, "load_worst_pct": None}
    watch.step(CanFrame(0x123, bytes(8)), 2 * _S)
    assert watch.load()["load_pct"] is None
    watch.step(CanFrame(0x123, b""), 2 * _S + 10 * _MS)
    assert (watch.load()["bits"], watch.load()["load_pct"], watch.load()["load_worst_pct"]) == (158, 0.94, 1.1)
    assert (watch.foreign, watch.frames) == (2, 2)


def test_a_bench_counts_everything_about_a_sender() -> None:
    check = SenderCheck()
    frames = _frames([50.0, 75.0, 75.1, 25.0, 24.9, 50.0])
    for t_ns, frame in frames:
        check.step(frame, t_ns)
    verdict = check.verdicts["DMS_Status"]
    assert (verdict.n, verdict.off_cycle, verdict.faults, check.n, check.foreign) == (7, 2, 0, 7, 0)
    assert verdict.deviations_pct == pytest.approx([0, 50, 50.2, 50, 50.2, 0])
    t_ns, frame = frames[-1]
    check.step(frame, t_ns + 50 * _MS)
    assert (verdict.repeats, verdict.skips, verdict.bad_crc) == (1, 0, 0)
    encoder = Encoder()
    for _ in range(8):
        encoder.sent("DMS_Status")
    check.step(encoder.encode("DMS_Status", {}), t_ns + 100 * _MS)
    assert (verdict.repeats, verdict.skips, verdict.bad_crc) == (1, 1, 0)
    check.step(CanFrame(frame.id, frame.data[:7]), t_ns + 150 * _MS)
    check.step(CanFrame(frame.id, frame.data[:7] + b"\x55"), t_ns + 200 * _MS)
    assert (verdict.repeats, verdict.skips, verdict.bad_crc, verdict.faults) == (1, 1, 2, 4)
    check.step(CanFrame(0x123, b""), t_ns)
    assert (check.foreign, check.n) == (1, 11)


def test_percentiles_are_values_that_were_there() -> None:
    assert percentile([], 0.5) == 0.0
    values = [float(n) for n in range(10, 0, -1)]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.89, 0.9, 1.0)] == [1.0, 6.0, 9.0, 10.0, 10.0]


# --- what is said -----------------------------------------------------------------------------------------------------


def _values(driver: DriverState | None, state: SystemState, vision: VisionReport | None = None) -> dict[str, Any]:
    said = outputs.signals(driver, state, Cause.NONE, vision, t_ns=5 * _S, profile="r171", board_id=3)
    return {name: value for message in said.values() for name, value in message.items()}


def test_without_a_driver_nothing_was_warned_of() -> None:
    values = _values(None, SystemState.INIT)
    assert (values["WarningCount"], values["ActiveWarning"], values["Level"]) == (0, DriverWarning.NONE, 0)
    assert (values["FrameAge"], values["FramesDropped"], values["DeadlineMisses"], values["BoardId"]) == (None, 0, 0, 3)
    assert (values["Restarts"], values["BusOffCount"], values["Throttled"], values["UnderVoltage"]) == (0, 0, 0, 0)


def test_ages_are_told_from_the_exposure_and_the_onset() -> None:
    driver = DriverState(4 * _S, 1, warning=DriverWarning.SLEEP, level=3, onset_ns=3 * _S, warning_count=4)
    values = _values(driver, SystemState.ACTIVE)
    assert (values["FrameAge"], values["Age"], values["WarningCount"]) == (1000.0, 2.0, 4)
    vision = VisionReport(5 * _S, 7, 4_500 * _MS, Cause.NONE, driver=driver)
    assert _values(driver, SystemState.ACTIVE, vision)["FrameAge"] == 500.0
    assert _values(driver, SystemState.UNAVAILABLE, vision)["Level"] == 1
    quiet = dataclasses.replace(driver, warning=DriverWarning.NONE, level=0)
    assert _values(quiet, SystemState.ACTIVE)["Age"] is None


@pytest.mark.parametrize(
    ("lamp", "shown"), [(0, (0, 0, None)), (1, (8, 1, None)), (2, (1, 1, True)), (3, (0, 0, None))]
)
def test_a_lamp_test_lights_what_it_names(lamp: int, shown: tuple[int, int, bool | None]) -> None:
    values: outputs.Values = {"ActiveWarning": DriverWarning.NONE, "Level": 0}
    outputs.show_lamp_test(values, lamp)
    assert (values["ActiveWarning"], values["Level"], values.get("VisualRequest")) == shown


def test_the_dbc_names_the_counters_of_its_data_ids() -> None:
    assert f"Data ID list for counter 0 to 15: {', '.join(map(str, _STATUS.data_ids))}." in dbc_text()


# --- buses ------------------------------------------------------------------------------------------------------------


def test_a_port_hands_over_as_many_frames_as_it_is_asked_for() -> None:
    one, two = (VirtualPort("virtual:bounds", "bounds", None, False) for _ in range(2))
    for number in range(5):
        one.write(CanFrame(0x100 + number, bytes(number)))
    assert two.read(0) == []
    assert [frame.id for frame in two.read(3)] == [0x100, 0x101, 0x102]
    assert two.read(9) == [CanFrame(0x103, bytes(3)), CanFrame(0x104, bytes(4))]
    one.close()
    two.close()


def test_a_device_with_a_long_path_is_claimed_and_let_go_like_any_other() -> None:
    for _ in range(2):
        with pytest.raises(BadInputError, match=r"slcan:/x.*: bus"):
            open_bus("slcan:/" + "x" * 150)


def test_a_simulated_vehicle_drives_straight_with_the_ignition_on() -> None:
    listener, car = open_listener("virtual:straight"), SimulatedVehicle("virtual:straight", 42.5)
    sent = []
    for t_ns in (5 * _S, 5 * _S + 20 * _MS - 1, 5 * _S + 20 * _MS, 5 * _S + 100 * _MS, 5 * _S + 119 * _MS):
        car.step(t_ns)
        sent.append(len(frames := listener.receive()))
        for frame in map(decode, frames):
            assert frame is not None
            values = frame.values
            assert (values["Speed"], values["SteeringAngle"], values["Ignition"]) == (42.5, 0.0, 1)
    assert sent == [1, 0, 1, 1, 0]
    car.close()
    listener.close()


def test_only_the_kernels_stamp_is_one() -> None:
    wall_ns = time.time_ns() - 3 * _S
    stamp = struct.pack("@ll", *divmod(wall_ns, _S))
    good = (socket.SOL_SOCKET, 35, stamp)
    for other in ((socket.IPPROTO_TCP, 35, stamp), (socket.SOL_SOCKET, 36, stamp), (socket.SOL_SOCKET, 35, stamp[:-1])):
        assert stamp_ns([other]) is None
        found = stamp_ns([other, good])
        assert found is not None
        assert abs(now_ns() - 3 * _S - found) < _S
    assert stamp_ns([]) is None


# --- files ------------------------------------------------------------------------------------------------------------


def _trip(path: Path, line: str, t_s: str = "1") -> Path:
    path.write_text(f'name = "t"\n[[step]]\nt_s = {t_s}\n{line}\n')
    return path


@pytest.mark.parametrize(
    ("line", "sound"),
    [("Speed = 0", True), ("Speed = 655.34", True), ("Speed = 655.35", False), ("Speed = -0.1", False),
     ("SteeringAngle = -819.1", True), ("SteeringAngle = 819.1", True), ("SteeringAngle = 819.2", False),
     ("SteeringAngle = -819.2", False)],
)  # fmt: skip
def test_a_trip_says_what_the_message_can(line: str, sound: bool, tmp_path: Path) -> None:
    path = _trip(tmp_path / "t.toml", line)
    if sound:
        assert read_trip(path).end_ns == _S
    else:
        with pytest.raises(BadInputError, match=r"t.toml:4: .*expected "):
            read_trip(path)


@pytest.mark.parametrize(("t_s", "sound"), [("0", True), ("1e6", True), ("-0.1", False), ("1000000.1", False)])
def test_a_trip_lasts_a_million_seconds_at_most(t_s: str, sound: bool, tmp_path: Path) -> None:
    path = _trip(tmp_path / "t.toml", "Speed = 0", t_s)
    if sound:
        assert read_trip(path).end_ns == round(float(t_s) * _S)
    else:
        with pytest.raises(BadInputError, match="expected 0 to 1e\\+06 seconds"):
            read_trip(path)


_FILE = """name = "car"
[[message]]
name = "M"
id = {id}
length = {length}
timeout_ms = {timeout_ms}
max_lost = {max_lost}
[signal.TurnLeft]
message = "M"
start = {start}
length = {bits}
"""
_USUAL = {"id": 256, "length": 8, "timeout_ms": 500, "max_lost": 4, "start": 0, "bits": 1}


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [("id", (0, 0x7FF), (-1, 0x800)), ("length", (1, 8), (0, 9)), ("max_lost", (0, 14), (-1, 15)),
     ("start", (0, 63), (-1, 64)), ("bits", (1, 32), (0, 33)), ("timeout_ms", (20,), (19,))],
)  # fmt: skip
def test_a_vehicle_file_at_its_bounds(field: str, good: tuple[int, ...], bad: tuple[int, ...], tmp_path: Path) -> None:
    path = tmp_path / "car.toml"
    for value in good:
        path.write_text(_FILE.format(**{**_USUAL, field: value}))
        assert read_vehicle_file(path).name == "car"
    for value in bad:
        path.write_text(_FILE.format(**{**_USUAL, field: value}))
        with pytest.raises(BadInputError, match="expected a whole number from"):
            read_vehicle_file(path)
