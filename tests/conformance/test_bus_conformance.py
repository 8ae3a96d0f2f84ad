"""Every kind of bus through one suite: what is sent arrives, calls never block, a second sender is refused.

slcan runs over pseudo-terminals against an adapter written from the LAWICEL manual, with python-can's slcan on the
other side of it as a second opinion. socketcan needs a kernel with vcan and an interface `vcan0` that is up.
"""

from __future__ import annotations

import contextlib
import os
import pty
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import can
import pytest

from watchkeeper.clock import now_ns
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.bus import Bus, open_bus, open_listener, open_node
from watchkeeper.supervisor.frames import CanFrame, Encoder, decode

_PATIENCE_S = 10.0


class SlcanAdapter:
    """A LAWICEL adapter behind a pseudo-terminal; what it receives from its port it puts on `wire`, and back.

    reading False: it takes no more from its port, like firmware that hangs. Limits: no bit timing, no error states.
    """

    def __init__(self, wire: list[SlcanAdapter]) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self.commands: list[bytes] = []
        self.open = False
        self.reading = True
        self._wire, self._stop = wire, False
        self._out, self._lock = b"", threading.Lock()
        wire.append(self)
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        os.set_blocking(self._master, False)
        rest = b""
        while not self._stop:
            time.sleep(0.002)
            self.answer(b"")
            if not self.reading:
                continue
            with contextlib.suppress(BlockingIOError):
                rest += os.read(self._master, 4096)
            *lines, rest = rest.split(b"\r")
            for line in lines:
                self._command(line)

    def _command(self, line: bytes) -> None:
        if line[:1] in (b"O", b"L", b"C"):
            self.open = line[:1] != b"C"
        if line[:1] == b"t":
            right = len(line) == 5 + 2 * int(line[4:5]) and self.open
            self.answer(b"z\r" if right else b"\a")
            for other in self._wire:
                if right and other is not self and other.open:
                    other.answer(line + b"\r")
        elif line:
            self.commands.append(line)
            self.answer(b"\r")

    def answer(self, text: bytes) -> None:
        """Text towards the host, dropped whole when the host has long not read."""
        with self._lock, contextlib.suppress(BlockingIOError):
            if len(self._out) < 100_000:
                self._out += text
            self._out = self._out[os.write(self._master, self._out) :]

    def unplug(self) -> None:
        """The port goes away, as when a USB plug is pulled."""
        if not self._stop:
            self._stop = True
            self._thread.join()
            os.close(self._slave)
            os.close(self._master)


class Peer:
    """The other node: another implementation where there is one."""

    def __init__(self, bus: Any) -> None:
        self._bus = bus

    def send(self, frame: CanFrame) -> None:
        """Put a frame on the bus."""
        if isinstance(self._bus, Bus):
            assert self._bus.send(frame)
        else:
            self._bus.send(can.Message(arbitration_id=frame.id, data=frame.data, is_extended_id=False))

    def receive(self, count: int) -> list[CanFrame]:
        """The next `count` frames."""
        frames: list[CanFrame] = []
        end_s = time.monotonic() + _PATIENCE_S
        while len(frames) < count and time.monotonic() < end_s:
            if isinstance(self._bus, Bus):
                frames += self._bus.receive()
            elif (message := self._bus.recv(0.05)) is not None:
                frames.append(CanFrame(message.arbitration_id, bytes(message.data)))
        return frames

    def close(self) -> None:
        """Leave the bus."""
        if isinstance(self._bus, Bus):
            self._bus.close()
        else:
            self._bus.shutdown()


class Rig:
    """A bus URI and a peer on that bus. ready: until this holds, our own adapter is not on the wire yet."""

    def __init__(self, uri: str, peer: Peer, ready: Callable[[], bool] = lambda: True) -> None:
        self.uri, self.peer, self.ready = uri, peer, ready


def _virtual() -> Iterator[Rig]:
    uri = f"virtual:conformance-{os.getpid()}"

    peer = Peer(open_node(uri, receive=range(0x800), transmit=range(0x800)))
    yield Rig(uri, peer)
    peer.close()


def _slcan() -> Iterator[Rig]:
    wire: list[SlcanAdapter] = []
    ours, theirs = SlcanAdapter(wire), SlcanAdapter(wire)
    peer = Peer(can.Bus(theirs.path, interface="slcan", bitrate=500000, sleep_after_open=0.0))
    assert _until(lambda: theirs.open)
    try:
        yield Rig(f"slcan:{ours.path}@500000", peer, lambda: ours.open)
    finally:
        peer.close()
        ours.unplug()
        theirs.unplug()


def _socketcan() -> Iterator[Rig]:
    if not Path("/sys/class/net/vcan0").exists():
        pytest.skip("no interface vcan0: needs a kernel with vcan (ip link add vcan0 type vcan; ip link set vcan0 up)")
    peer = Peer(can.Bus("vcan0", interface="socketcan"))
    yield Rig("socketcan:vcan0", peer)
    peer.close()


@pytest.fixture(params=["virtual", "slcan", "socketcan"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    yield from {"virtual": _virtual, "slcan": _slcan, "socketcan": _socketcan}[request.param]()


@pytest.fixture
def bus(rig: Rig) -> Iterator[Bus]:
    bus = open_bus(rig.uri)
    assert _until(rig.ready)
    yield bus
    bus.close()


def _received(bus: Bus, count: int) -> list[CanFrame]:
    frames: list[CanFrame] = []
    end_s = time.monotonic() + _PATIENCE_S
    while len(frames) < count and time.monotonic() < end_s:
        frames += bus.receive()
        time.sleep(0.001)
    return frames


def test_what_is_sent_arrives_in_order(bus: Bus, rig: Rig) -> None:
    encoder, sent = Encoder(), []
    for name in ("DMS_Status", "DMS_Warning", "DMS_Driver", "DMS_Geometry", "DMS_Health", "DMS_Identity") * 10:
        frame = encoder.encode(name, {})
        assert bus.send(frame)
        encoder.sent(name)
        sent.append(frame)
        assert rig.peer.receive(1) == [frame]
    assert bus.stats.sent == len(sent)
    assert all(decoded.crc_ok for frame in sent if (decoded := decode(frame)) is not None)


def test_every_length_arrives(bus: Bus, rig: Rig) -> None:
    for length in range(9):
        frame = CanFrame(0x3A0, bytes(range(0xF0, 0xF0 + length)))
        assert bus.send(frame)
        assert rig.peer.receive(1) == [frame]


def test_frames_asked_for_are_received_and_no_others(bus: Bus, rig: Rig) -> None:
    vehicle = Encoder()
    for number in range(20):
        rig.peer.send(CanFrame(0x123, bytes([number])))
        frame = vehicle.encode("VEH_Input", {"Speed": number})
        vehicle.sent("VEH_Input")
        rig.peer.send(frame)
        assert _received(bus, 1) == [frame]


def test_what_we_send_does_not_come_back(bus: Bus, rig: Rig) -> None:
    assert bus.send(CanFrame(0x3A0, bytes(8)))
    assert len(rig.peer.receive(1)) == 1
    rig.peer.send(CanFrame(0x3B0, b"\x05"))
    assert _received(bus, 1) == [CanFrame(0x3B0, b"\x05")]


def test_what_we_send_is_heard_back_apart_where_the_bus_says_so(bus: Bus, rig: Rig) -> None:
    began_ns = now_ns()
    for number in range(3):
        assert bus.send(CanFrame(0x3A0, bytes([number])))
    assert len(rig.peer.receive(3)) == 3
    assert bus.receive() == []
    echoes = bus.echoes()
    assert bus.echoes() == []
    if rig.uri.startswith("slcan"):  # an adapter's protocol has no word for it
        assert echoes == []
        return
    assert [frame for frame, _ in echoes] == [CanFrame(0x3A0, bytes([number])) for number in range(3)]
    # the kernel's stamp, moved from one clock to the other
    assert all(began_ns - 5_000_000 <= t_ns <= now_ns() for _, t_ns in echoes)


def test_identifiers_off_the_whitelist_never_leave(bus: Bus, rig: Rig) -> None:
    for frame_id in (0x000, 0x39F, 0x3A6, 0x3B0, 0x7C0, 0x7FF):
        assert not bus.send(CanFrame(frame_id, bytes(8)))
    assert bus.send(CanFrame(0x3A5, bytes(8)))
    assert [frame.id for frame in rig.peer.receive(1)] == [0x3A5]


def test_the_diagnostic_identifier_leaves_by_its_own_door_alone(rig: Rig) -> None:
    bus = open_bus(rig.uri, diagnostic=(0x7C8,))
    try:
        assert _until(rig.ready)
        answer, status = CanFrame(0x7C8, b"\x01\x7e" + bytes(6)), CanFrame(0x3A0, bytes(8))
        assert not bus.send(answer)
        assert not bus.send_diagnostic(status)
        assert not bus.send_diagnostic(CanFrame(0x7C0, bytes(8)))
        assert bus.stats.refused == 3
        assert bus.send_diagnostic(answer)
        assert bus.send(status)
        assert rig.peer.receive(2) == [answer, status]
    finally:
        bus.close()


def test_a_second_sender_is_refused_and_a_later_one_is_not(rig: Rig) -> None:
    first = open_bus(rig.uri)
    with pytest.raises(BadInputError, match="in use"):
        open_bus(rig.uri)
    first.close()
    second = open_bus(rig.uri)
    assert second.send(CanFrame(0x3A0, b"\1"))
    assert rig.peer.receive(1) == [CanFrame(0x3A0, b"\1")]
    second.close()


def test_a_listener_hears_everything_and_says_nothing(rig: Rig) -> None:
    listener = open_listener(rig.uri)
    try:
        assert _until(rig.ready)
        rig.peer.send(CanFrame(0x123, b"\7"))
        assert _received(listener, 1) == [CanFrame(0x123, b"\7")]
        assert not listener.send(CanFrame(0x3A0, bytes(8)))
    finally:
        listener.close()


def test_with_nobody_reading_calls_return_and_later_frames_are_the_latest(bus: Bus) -> None:
    # far more than any queue holds; a call that waited for room would never come back
    for number in range(20_000):
        bus.send(CanFrame(0x3A0, number.to_bytes(8, "little")))
        bus.receive()


def test_a_flood_is_taken_in_bounded_helpings(bus: Bus, rig: Rig) -> None:
    for _ in range(8):
        rig.peer.send(CanFrame(0x3B0, bytes(8)))
    assert len(_received(bus, 8)) == 8
    assert bus.receive() == []


# --- what only an adapter on a serial port can do ---------------------------------------------------------------------


@pytest.fixture
def adapter() -> Iterator[SlcanAdapter]:
    adapter = SlcanAdapter([])
    yield adapter
    adapter.reading = True
    adapter.unplug()


def _until(condition: Callable[[], object]) -> bool:
    end_s = time.monotonic() + _PATIENCE_S
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.005)
    return bool(condition())


def test_slcan_sets_rate_opens_and_closes(adapter: SlcanAdapter) -> None:
    bus = open_bus(f"slcan:{adapter.path}@250000")
    assert _until(lambda: adapter.commands == [b"C", b"S5", b"O"])
    bus.close()
    assert _until(lambda: adapter.commands[3:] == [b"C"])
    listener = open_listener(f"slcan:{adapter.path}")
    assert _until(lambda: adapter.commands[4:] == [b"C", b"S6", b"L"])
    listener.close()


def test_slcan_counts_what_the_adapter_refuses(adapter: SlcanAdapter) -> None:
    bus = open_bus(f"slcan:{adapter.path}")
    assert _until(lambda: adapter.open)
    adapter.open = False  # refuses frames with BEL
    assert bus.send(CanFrame(0x3A0, bytes(8)))
    assert _until(lambda: bus.receive() or bus.overruns == 1)
    bus.close()


def test_slcan_hung_adapter_loses_frames_and_never_half_of_one(adapter: SlcanAdapter) -> None:
    wire: list[SlcanAdapter] = adapter._wire
    listener = SlcanAdapter(wire)
    listener.open = True
    peer_fd = os.open(listener.path, os.O_RDWR | os.O_NOCTTY)
    bus = open_bus(f"slcan:{adapter.path}")
    try:
        assert _until(lambda: adapter.open)
        adapter.reading = False
        while bus.send(CanFrame(0x3A0, bytes(8))):
            pass
        assert bus.stats.send_failures == 1
        adapter.reading = True
        while not bus.send(CanFrame(0x3A1, b"\xaa" * 8)):
            time.sleep(0.005)
        expected = bus.stats.sent * 22
        text = b""
        while len(text) < expected:
            text += os.read(peer_fd, 4096)
        lines = text.split(b"\r")[:-1]
        assert set(lines[:-1]) == {b"t3A08" + b"00" * 8}
        assert lines[-1] == b"t3A18" + b"AA" * 8
        assert len(lines) == bus.stats.sent
    finally:
        bus.close()
        os.close(peer_fd)
        listener.unplug()


def test_slcan_unplugged_is_counted_and_plugged_in_again_works(tmp_path: Path) -> None:
    first = SlcanAdapter([])
    port = tmp_path / "ttyACM0"
    port.symlink_to(first.path)
    t_ns = 0
    bus = open_bus(f"slcan:{port}")
    bus._clock = lambda: t_ns
    assert bus.send(CanFrame(0x3A0, bytes(8)))
    first.unplug()
    assert not bus.send(CanFrame(0x3A0, bytes(8)))
    assert bus.receive() == []
    second = SlcanAdapter([])
    port.unlink()
    port.symlink_to(second.path)
    t_ns = 2_000_000_000
    assert bus.send(CanFrame(0x3A0, bytes(8)))
    assert bus.stats.reopened == 1
    assert _until(lambda: second.open)
    bus.close()
    second.unplug()


def test_slcan_port_held_by_another_program_is_refused(adapter: SlcanAdapter) -> None:
    import serial

    other = serial.Serial(adapter.path, exclusive=True)
    with pytest.raises(BadInputError, match="in use by another program"):
        open_bus(f"slcan:{adapter.path}")
    other.close()
    open_bus(f"slcan:{adapter.path}").close()


def test_slcan_reads_past_noise_extended_frames_and_time_stamps(adapter: SlcanAdapter) -> None:
    bus = open_bus(f"slcan:{adapter.path}")
    assert _until(lambda: adapter.open)
    for text in (
        b"garbage\r", b"T0000012321122\r", b"r3B00\r", b"t3B09" + b"00" * 9 + b"\r", b"t3B02AAB\r", b"\xff\xfe\r",
        b"x" * 1000 + b"\r", b"\a", b"t3B021122BEEF\r", b"t3B0", b"13", b"3\r",
    ):  # fmt: skip
        adapter.answer(text)
    assert _received(bus, 2) == [CanFrame(0x3B0, b"\x11\x22"), CanFrame(0x3B0, b"\x33")]
    assert bus.overruns == 1
    bus.close()
