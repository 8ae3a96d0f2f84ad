"""Counts and memories of the supervisor's parts: what a bus loses, what is kept, what is asked for only once."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest

from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.mailbox.layout import VEHICLE
from watchkeeper.supervisor.bus_virtual import VirtualPort
from watchkeeper.supervisor.core import Inputs, SupervisorCore
from watchkeeper.supervisor.echo import SendLog
from watchkeeper.supervisor.frames import CanFrame, decode
from watchkeeper.supervisor.layout import to_raw
from watchkeeper.supervisor.spec import MESSAGES, Signal
from watchkeeper.supervisor.systemd import Notifier
from watchkeeper.supervisor.uds.state_file import save
from watchkeeper.supervisor.vehicle_file import read_vehicle_file
from watchkeeper.types import SendStamp, VehicleReport


def test_every_frame_that_a_node_has_no_room_for_is_an_overrun() -> None:
    one, two = (VirtualPort("virtual:counts", "counts", None, False) for _ in range(2))
    for number in range(300):
        one.write(CanFrame(0x100, bytes((number & 0xFF,))))
    heard = two.read(1000)
    assert 0 < len(heard) < 300
    assert (one.overruns, two.overruns) == (300 - len(heard), 0)
    assert [frame.data[0] for frame in heard] == list(range(len(heard))), "the oldest stay"
    one.close()
    two.close()


def test_the_newest_sixteen_pictures_are_kept_which_is_what_vision_can_be_told() -> None:
    log = SendLog()
    for number in range(1, 21):
        assert log.sent(number * 100, CanFrame(number, b""), number * 1000)
    assert [stamp.exposure_ns for stamp in log.stamps] == [number * 100 for number in range(5, 21)]
    report = VehicleReport(sends=log.stamps)
    assert VEHICLE.unpack(VEHICLE.pack(report)) == report


def test_an_echo_is_not_before_its_frame_was_handed_over() -> None:
    log = SendLog()
    frame = CanFrame(1, b"a")
    log.sent(100, frame, 5000)
    assert not log.heard([(CanFrame(1, b"b"), 5001)])
    assert log.heard([(CanFrame(1, b"b"), 5001), (frame, 4999)])
    assert log.stamps == (SendStamp(100, 5000, 5000),)
    assert not log.heard([(frame, 6000)]), "heard once"


def test_what_a_service_manager_did_not_hear_is_said_again() -> None:
    address = f"@watchkeeper-late-{os.getpid()}"
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000000"})
    assert notifier.feed_every_ns == NS_PER_S
    notifier.ready()
    notifier.status("Active")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    manager.bind("\0" + address[1:])
    for _ in range(2):
        notifier.ready()
        notifier.status("Active")
    for t_ns in (5, 5 + NS_PER_S - 1, 5 + NS_PER_S):
        notifier.feed(t_ns)
    heard: list[str] = []
    with contextlib.suppress(BlockingIOError):
        while True:
            heard.append(manager.recv(4096).decode())
    assert heard == ["READY=1", "STATUS=Active", "WATCHDOG=1", "WATCHDOG=1"]
    notifier.close()
    manager.close()


@pytest.mark.parametrize(
    ("signal", "value", "raw"),
    [
        (Signal("A", 8, "a", unit="s", scale=0.1, sna=255), 10**400, 254), (Signal("A", 8, "a"), -(10**400), 0),
        (Signal("A", 8, "a", sna=255), 300, 254), (Signal("A", 8, "a", offset=-40.0, sna=255), 0, 40),
        (Signal("A", 8, "a", scale=2.0), 7, 4), (Signal("A", 8, "a", offset=1.0), 7, 6),
        (Signal("A", 4, "a", wraps=True), 17, 1),
        (Signal("A", 4, "a", sna=15), None, 15), (Signal("A", 4, "a", start=3), None, 3),
        (Signal("A", 4, "a", sna=15), float("nan"), 15), (Signal("A", 8, "a"), float("inf"), 255),
        (Signal("A", 8, "a"), float("-inf"), 0), (MESSAGES["DMS_Geometry"].signals[0], -200.0, -511),
    ],
)  # fmt: skip
def test_values_saturate_and_never_wrap(signal: Signal, value: float | None, raw: int) -> None:
    assert to_raw(signal, value) == raw


def test_a_unit_to_which_nothing_has_happened_counts_nothing() -> None:
    core = SupervisorCore(profile="r171", board_id=1)
    health = next(decode(out.frame) for out in core.step(Inputs(), 0, NS_PER_S) if out.name == "DMS_Health")
    assert health is not None
    assert [health.values[name] for name in ("Restarts", "BusOffCount", "FramesDropped", "DeadlineMisses")] == [0] * 4


def test_kept_state_is_the_owners_alone(tmp_path: Path) -> None:
    save(tmp_path / "diagnostics", b"content")
    assert (tmp_path / "diagnostics").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("highest", "sound"), [(255, True), (256, False)])
def test_a_data_id_of_a_vehicle_file_is_a_byte(highest: int, sound: bool, tmp_path: Path) -> None:
    path = tmp_path / "car.toml"
    ids = [*range(15), highest]
    path.write_text(
        'name = "car"\n[[message]]\nname = "M"\nid = 256\nlength = 2\ncounter = { start = 8, length = 4 }\n'
        f'checksum = {{ kind = "e2e-p02", byte = 0, data_ids = {ids} }}\n'
        '[signal.TurnLeft]\nmessage = "M"\nstart = 12\nlength = 1\n'
    )
    if sound:
        assert read_vehicle_file(path).name == "car"
    else:
        with pytest.raises(BadInputError, match="0 to 255"):
            read_vehicle_file(path)
