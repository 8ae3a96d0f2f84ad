"""Values right at their bounds, where a comparison or a constant one off would not show elsewhere."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path

import pytest

from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.bus import open_bus
from watchkeeper.supervisor.bus_virtual import VirtualPort
from watchkeeper.supervisor.e2e import DATA_ID_COUNT, CheckState
from watchkeeper.supervisor.frames import CanFrame, Encoder
from watchkeeper.supervisor.mapped_vehicle import MappedVehicle
from watchkeeper.supervisor.spec import MESSAGES
from watchkeeper.supervisor.spec_change import Severity, compare, spec_record
from watchkeeper.supervisor.spec_lint import lint
from watchkeeper.supervisor.vectors import vectors
from watchkeeper.supervisor.vehicle_file import read_vehicle_file
from watchkeeper.supervisor.vehicle_input import VehicleReceiver
from watchkeeper.supervisor.vehicle_map import Bits, MappedMessage, MappedSignal, VehicleMap
from watchkeeper.supervisor.watch import Watch

_MS = 1_000_000


def _counted(max_lost: int) -> VehicleMap:
    message = MappedMessage("M", 0x100, 2, 500, counter=Bits(0, 4, "intel", False), max_lost=max_lost)
    return VehicleMap("car", (message,), (MappedSignal("Speed", "M", Bits(8, 8, "intel", False), high=200.0),))


@pytest.mark.parametrize(("lost", "accepted"), [(0, True), (1, True), (2, True), (3, False)])
def test_as_many_frames_may_be_missing_as_the_file_says(lost: int, accepted: bool) -> None:
    car = MappedVehicle(_counted(max_lost=2))
    car.step([CanFrame(0x100, bytes((3, 10)))], 20 * _MS)
    report = car.step([CanFrame(0x100, bytes((3 + 1 + lost, 20)))], 40 * _MS)
    assert report.signals.speed_kph == (20.0 if accepted else 10.0)
    assert car.counts[CheckState.WRONG_SEQUENCE] == (not accepted)


def test_frames_that_failed_their_check_are_counted() -> None:
    encoder, receiver = Encoder(), VehicleReceiver()
    good = encoder.encode("VEH_Input", {"Speed": 10})
    receiver.step([good, CanFrame(good.id, good.data[:-1] + b"\x55"), good], 1)
    assert receiver.rejected == 2
    assert VehicleReceiver().rejected == 0


def test_a_measurements_range_is_what_a_receiver_checks() -> None:
    old = json.loads(json.dumps(spec_record()))
    for field in ("low", "high"):
        new = copy.deepcopy(old)
        new["messages"]["DMS_Status"]["signals"]["FrameAge"][field] += 1
        changes = compare(old, new)
        assert [(c.severity, f"FrameAge: {field} was" in c.what) for c in changes] == [(Severity.BREAKING, True)]
    new = copy.deepcopy(old)
    new["messages"]["DMS_Status"]["signals"]["SystemState"]["high"] += 1
    assert ["range was" in c.what for c in compare(old, new)] == [True]


@pytest.mark.parametrize(("first", "sound"), [(0, True), (255, True), (-1, False), (256, False)])
def test_data_ids_are_bytes(first: int, sound: bool) -> None:
    message = MESSAGES["DMS_Status"]
    others = range(100, 100 + DATA_ID_COUNT - 1)
    problems = lint([dataclasses.replace(message, data_ids=(first, *others))])
    assert any("numbers of 0 to 255" in problem for problem in problems) is not sound


def test_the_last_vector_shows_what_is_not_available() -> None:
    for vector in vectors():
        if vector["counter"] != 15:
            continue
        raws = vector["signals"]
        for signal in MESSAGES[vector["message"]].signals:
            if signal.sna is not None:
                assert raws[signal.name] is None, signal.name
            elif signal.name in raws and signal.name not in ("Crc", "Counter"):
                assert raws[signal.name] == signal.raw_start * signal.scale + signal.offset, signal.name


_FILE = """name = "car"
[[message]]
name = "M"
id = 256
length = 1
counter = { start = 4, length = 4 }
[signal.TurnLeft]
message = "M"
start = 0
length = 1
equals = [1]
"""


def test_a_message_of_one_byte_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "car.toml"
    path.write_text(_FILE)
    assert read_vehicle_file(path).messages[0].length == 1
    path.write_text(_FILE.replace("length = 1", "length = 0"))
    with pytest.raises(BadInputError, match=r"length.*1 to 8"):
        read_vehicle_file(path)


def test_a_counter_has_no_sign_and_data_ids_begin_at_0(tmp_path: Path) -> None:
    path = tmp_path / "car.toml"
    path.write_text(_FILE.replace("length = 4 }", "length = 4, signed = true }"))
    with pytest.raises(BadInputError, match=r"counter.signed: unknown field"):
        read_vehicle_file(path)
    checksum = f'checksum = {{ kind = "e2e-p02", byte = 0, data_ids = {list(range(16))} }}'
    path.write_text(_FILE.replace("length = 1\n", f"length = 2\n{checksum}\n", 1))
    found = read_vehicle_file(path).messages[0].checksum
    assert found is not None
    assert found.data_ids == tuple(range(16))
    path.write_text(path.read_text().replace("[0, 1,", "[-1, 1,"))
    with pytest.raises(BadInputError, match="0 to 255"):
        read_vehicle_file(path)


def test_lines_of_what_is_not_toml_and_of_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "car.toml"
    path.write_text('name = "car"\nid = = 3\nlast = 1\n')
    with pytest.raises(BadInputError, match=r"car\.toml:2: .*expected TOML"):
        read_vehicle_file(path)


def test_a_bus_listens_to_what_it_is_told_to() -> None:
    with_default: list[int] = []
    chosen: list[int] = []
    for receive, heard in ((None, with_default), ((0x123,), chosen)):
        bus = open_bus("virtual:edges", receive=receive)
        other = VirtualPort("virtual:edges", "edges", None, False)
        assert (other.bus_off_count, other.overruns) == (0, 0)
        for can_id in (0x3B0, 0x123):
            other.write(CanFrame(can_id, bytes(8)))
        heard += [frame.id for frame in bus.receive()]
        other.close()
        bus.close()
    assert (with_default, chosen) == ([0x3B0], [0x123])


def test_every_damaged_frame_is_counted_once() -> None:
    watch, encoder = Watch(), Encoder()
    frame = encoder.encode("DMS_Status", {})
    for k in range(3):
        watch.step(CanFrame(frame.id, bytes((frame.data[0] ^ 1,)) + frame.data[1:]), k * 50 * _MS)
    assert watch.summary()["DMS_Status"]["crc_errors"] == 3
    assert watch.summary()["DMS_Status"]["cycle_ms_p50"] == 50.0
