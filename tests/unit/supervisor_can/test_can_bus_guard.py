"""What stands in front of every port: whitelist, counting, opening anew, the one sender's claim, URIs."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.bus import Bus, open_bus, open_listener
from watchkeeper.supervisor.bus_socketcan import can_interfaces
from watchkeeper.supervisor.frames import CanFrame

_FRAME = CanFrame(0x3A0, bytes(8))
_ONE_SECOND_NS = 1_000_000_000


class FaultyPort:
    """A port whose next calls fail as told."""

    def __init__(self) -> None:
        self.bus_off_count = 0
        self.overruns = 0
        self.error: OSError | None = None
        self.written: list[CanFrame] = []
        self.closed = False

    def write(self, frame: CanFrame) -> None:
        if self.error:
            raise self.error
        self.written.append(frame)

    def read(self, limit: int) -> list[CanFrame]:
        if self.error:
            raise self.error
        return [CanFrame(0x3B0, b"\1"), CanFrame(0x123, b"\2")][:limit]

    def fileno(self) -> int:
        return 7

    def close(self) -> None:
        self.closed = True


class Rig:
    """A bus over faulty ports with a clock in the test's hand. present: whether opening works."""

    def __init__(self) -> None:
        self.ports: list[FaultyPort] = []
        self.present = True
        self.t_ns = 0
        self.bus = Bus("socketcan:can7", self._open, receive={0x3B0}, transmit={0x3A0}, clock=lambda: self.t_ns)

    def _open(self) -> FaultyPort:
        if not self.present:
            raise BadInputError("not there")
        self.ports.append(FaultyPort())
        return self.ports[-1]


def test_only_whitelisted_identifiers_leave() -> None:
    rig = Rig()
    for frame_id in range(0x800):
        assert rig.bus.send(CanFrame(frame_id, bytes(8))) is (frame_id == 0x3A0)
    assert [frame.id for frame in rig.ports[0].written] == [0x3A0]
    assert (rig.bus.stats.sent, rig.bus.stats.refused, rig.bus.stats.send_failures) == (1, 0x7FF, 0)


def test_only_frames_asked_for_arrive() -> None:
    assert [frame.id for frame in Rig().bus.receive()] == [0x3B0]


@pytest.mark.parametrize("number", [errno.ENOBUFS, errno.EAGAIN, errno.ENETDOWN])
def test_a_full_or_downed_bus_is_counted_and_works_again(number: int) -> None:
    rig = Rig()
    rig.ports[0].error = OSError(number, "no")
    assert rig.bus.send(_FRAME) is False
    assert rig.bus.receive() == []
    rig.ports[0].error = None
    assert rig.bus.send(_FRAME) is True
    assert len(rig.ports) == 1
    assert rig.bus.stats.send_failures == 1
    assert rig.ports[0].written == [_FRAME]  # nothing was kept back


@pytest.mark.parametrize("number", [errno.ENODEV, errno.ENXIO, errno.EIO])
def test_a_vanished_device_is_opened_again_with_back_off(number: int) -> None:
    rig = Rig()
    rig.ports[0].error = OSError(number, "gone")
    rig.ports[0].bus_off_count = 3
    rig.present = False
    assert rig.bus.send(_FRAME) is False
    assert rig.ports[0].closed
    assert rig.bus.fileno() == -1
    assert rig.bus.bus_off_count == 3
    rig.present = True
    rig.t_ns = _ONE_SECOND_NS - 1
    assert rig.bus.send(_FRAME) is False
    assert len(rig.ports) == 1
    rig.t_ns = _ONE_SECOND_NS
    assert rig.bus.send(_FRAME) is True
    assert rig.bus.stats.reopened == 1
    rig.ports[1].bus_off_count = 1
    assert rig.bus.bus_off_count == 4


def test_while_the_device_stays_away_it_is_tried_once_a_second() -> None:
    rig = Rig()
    rig.ports[0].error = OSError(errno.ENODEV, "gone")
    rig.present = False
    tries = 0

    def refuse() -> FaultyPort:
        nonlocal tries
        tries += 1
        raise BadInputError("still not there")

    rig.bus._open_port = refuse
    for millisecond in range(0, 5000, 50):
        rig.t_ns = millisecond * 1_000_000
        assert rig.bus.send(_FRAME) is False
        assert rig.bus.receive() == []
    assert tries == 4


def test_a_closed_bus_sends_nothing_and_stays_closed() -> None:
    rig = Rig()
    rig.bus.close()
    rig.bus.close()
    rig.t_ns = 10 * _ONE_SECOND_NS
    assert rig.bus.send(_FRAME) is False
    assert rig.bus.receive() == []
    assert len(rig.ports) == 1


def test_channel_is_the_interfaces_own_name() -> None:
    assert Rig().bus.channel == "can7"


@pytest.mark.parametrize("uri", ["", "can0", "foo:bar", "virtual:", "socketcan", ":can0", "VIRTUAL:x"])
def test_unknown_bus_names_uri_and_known_schemes(uri: str) -> None:
    with pytest.raises(BadInputError) as caught:
        open_bus(uri)
    assert str(caught.value).startswith(f"{uri}: bus: unknown bus; expected virtual:NAME, socketcan:can0 or slcan:")


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("slcan:/dev/does-not-exist@500000", "cannot be opened: No such file or directory"),
        ("slcan:/dev/null", "is not a serial port"),
        ("slcan:/dev/ttyACM0@123", "bit rate '123': expected one of 10000, "),
        ("slcan:/dev/ttyACM0@fast", "bit rate 'fast'"),
        ("virtual:a b", "expected a name of"),
        ("virtual:" + "x" * 61, "expected a name of"),
        ("socketcan:nosuchcan0", "no CAN interface nosuchcan0|no SocketCAN"),
        ("socketcan:lo", "no CAN interface lo|no SocketCAN"),
        ("socketcan:" + "x" * 40, "cannot be opened|no CAN interface|no SocketCAN"),
    ],
)
def test_impossible_buses_say_why(uri: str, reason: str) -> None:
    for opener in (open_bus, open_listener):
        with pytest.raises(BadInputError, match=reason) as caught:
            opener(uri)
        assert str(caught.value).startswith(uri)


def test_a_failed_opening_gives_the_claim_back() -> None:
    for _ in range(2):
        with pytest.raises(BadInputError, match="cannot be opened"):
            open_bus("slcan:/dev/does-not-exist")


def test_one_sender_a_bus(bus_name: str) -> None:
    first = open_bus(f"virtual:{bus_name}")
    with pytest.raises(BadInputError, match="in use: another watchkeeper sends on it"):
        open_bus(f"virtual:{bus_name}")
    first.close()
    open_bus(f"virtual:{bus_name}").close()


def test_the_claim_goes_with_a_killed_process(bus_name: str) -> None:
    uri = f"virtual:{bus_name}"
    program = "import sys, time; from watchkeeper.supervisor.bus import open_bus\n" + (
        "bus = open_bus(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, uri], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"open\n"
        with pytest.raises(BadInputError, match="in use"):
            open_bus(uri)
        child.kill()
        child.wait()
    open_bus(uri).close()


def test_the_supervisors_can_code_needs_the_standard_library_only() -> None:
    """In an interpreter that refuses everything else: what the vehicle must not lose to a broken installation."""
    program = """
import sys, importlib.abc
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ('numpy', 'can', 'serial', 'av', 'ai_edge_litert'):
            raise ImportError('not here: ' + name)
sys.meta_path.insert(0, Refuse())
from watchkeeper.supervisor import (box_health, bus, bus_slcan, bus_socketcan, bus_virtual, candump, dbc, frames,
                                    outputs, simulated_vehicle, vectors, vehicle_input, watch)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_can_interfaces_are_told_from_others(tmp_path: Path) -> None:
    for name, kind in (("can1", "280"), ("can0", "280"), ("eth0", "1")):
        (tmp_path / "class/net" / name).mkdir(parents=True)
        (tmp_path / "class/net" / name / "type").write_text(kind + "\n")
    assert can_interfaces(tmp_path) == ["can0", "can1"]


@pytest.fixture
def bus_name(request: pytest.FixtureRequest) -> str:
    return f"test-{os.getpid()}-{abs(hash(request.node.name)) % 10**8}"
