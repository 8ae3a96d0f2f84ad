"""Fuzz targets: what comes in by CAN, and what the other process leaves in a mailbox."""

from __future__ import annotations

import functools
import os
import pty
import struct
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from watchkeeper import _mailbox
from watchkeeper.clock import NS_PER_MS
from watchkeeper.mailbox.layout import VEHICLE, VISION, Layout, LayoutError
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox
from watchkeeper.supervisor import candump
from watchkeeper.supervisor.bus_slcan import SlcanPort
from watchkeeper.supervisor.frames import CanFrame, Encoder, decode
from watchkeeper.supervisor.uds.diagnostics import Diagnostics
from watchkeeper.supervisor.uds.keeper import MemoryKeeper
from watchkeeper.supervisor.uds.transport import FUNCTIONAL_ID, REQUEST_ID, FrameTransport
from watchkeeper.supervisor.uds.unit import Identity
from watchkeeper.supervisor.vehicle_file import read_vehicle_file
from watchkeeper.supervisor.vehicle_input import VehicleReceiver
from watchkeeper.supervisor.vehicle_map import VehicleMap
from watchkeeper.types import VehicleReport, VehicleSignals, VisionReport

ROOT = Path(__file__).resolve().parents[2]
_MS_MAX = 255
_IDENTITY = Identity(
    serial="WK-0001", key=bytes(range(32)), board="host", board_id=1, base_id=0x3A0, profile=0, frame_period_ms=33.3,
    budget_ms=33.0,
)  # fmt: skip


@functools.cache
def _vehicles() -> tuple[VehicleMap, ...]:
    return tuple(read_vehicle_file(path) for path in sorted((ROOT / "vehicles").glob("*.toml")))


def _records(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(which, ms, content) of a byte string: two bytes of head, a length of 0 to 8, so many bytes."""
    at = 0
    while at + 3 <= len(data):
        length = data[at + 2] % 9
        yield data[at], data[at + 1], data[at + 3 : at + 3 + length]
        at += 3 + length


def can_receive(data: bytes) -> None:
    """Frames of the vehicle's own identifiers into every receiver there is; our own decoder on the same frames."""
    receivers = [VehicleReceiver(), *(VehicleReceiver(vehicle=vehicle) for vehicle in _vehicles())]
    identifiers = sorted({number for receiver in receivers for number in receiver.frame_ids} | {0x3A0, 0x3A1, 0x7FF, 0})
    t_ns = 0
    for which, after_ms, content in _records(data):
        t_ns += after_ms * NS_PER_MS
        frame = CanFrame(identifiers[which % len(identifiers)], content)
        for receiver in receivers:
            speed = receiver.step([frame], t_ns).signals.speed_kph
            assert speed is None or -1000 < speed < 1000
        decode(frame)


def slcan(data: bytes) -> None:
    """What an adapter may write on its serial port, and the same as lines of a log."""
    master, slave = pty.openpty()
    try:
        tty.setraw(slave)
        port = SlcanPort("slcan:", os.ttyname(slave), None, False)
        try:
            os.write(master, data[:2000])
            for frame in port.read(200):
                assert len(frame.data) <= 8
                assert 0 <= frame.id <= 0x7FF
        finally:
            os.set_blocking(master, False)
            try:
                while os.read(master, 4096):
                    pass
            except BlockingIOError:
                pass
            port.close()
    finally:
        os.close(slave)
        os.close(master)
    for line in data.decode("latin-1").splitlines():
        try:
            frame = candump.parse_line(line).frame
        except ValueError:
            continue
        assert len(frame.data) <= 8


def uds(data: bytes) -> None:
    """Frames of a tester, or of somebody who is none, into the whole of ISO-TP and UDS."""
    sent: list[CanFrame] = []
    clock_ns = 0

    def put(frame: CanFrame) -> bool:
        sent.append(frame)
        return len(sent) % 5 != 4  # a full queue now and then

    unit = Diagnostics(
        FrameTransport(put), _IDENTITY, MemoryKeeper(), started_ns=0, random=bytes, clock=lambda: clock_ns
    )
    for which, after_ms, content in _records(data):
        clock_ns += after_ms * NS_PER_MS
        frame = CanFrame(FUNCTIONAL_ID if which == _MS_MAX else REQUEST_ID, content)
        unit.listen([frame], clock_ns, clock_ns + 20 * NS_PER_MS)
        unit.take_restarts()
        unit.observe(clock_ns, judging=bool(which & 1))
        assert all(len(answer.data) <= 8 for answer in sent)
        sent.clear()


def mailbox(data: bytes) -> None:
    """Consistent bytes that no writer of ours made: a value, or LayoutError."""
    if len(data) & 1:
        _read(VEHICLE, data)
    else:
        _read(VISION, data)


def _read(layout: Layout[Any], data: bytes) -> None:
    content = (data + bytes(layout.size))[: layout.size]
    fd = Mailbox.create(layout)
    try:
        _mailbox.Mailbox(fd, layout.size, layout.hash, writable=True).write(content)
        try:
            value = Reader(fd, layout).read()
        except LayoutError:
            return
        assert value is not None
    finally:
        os.close(fd)


def can_receive_seeds() -> list[bytes]:
    """A valid VEH_Input three times, each with its counter."""
    encoder = Encoder()
    values = {"Speed": 80.0, "SteeringAngle": 0.0, "TurnLeft": 0.0, "TurnRight": 0.0, "Reverse": 0.0, "Ignition": 1.0,
              "Acknowledge": 0.0}  # fmt: skip
    record = b""
    for _ in range(3):
        frame = encoder.encode("VEH_Input", values)
        encoder.sent("VEH_Input")
        record += bytes((0, 20, len(frame.data))) + frame.data
    return [record, bytes(range(64))]


def slcan_seeds() -> list[bytes]:
    """Frames, a bell, a status, a line of a log."""
    return [b"t3A08001122334455667F\rt7DF10\r\x07z\r", b"(1.000000) can0 3A0#0011223344556677\n"]


def uds_seeds() -> list[bytes]:
    """Requests as a tester would send them, a long one among them."""

    def asked(*frames: str) -> bytes:
        return b"".join(bytes((0, 10, len(bytes.fromhex(f)))) + bytes.fromhex(f) for f in frames)

    return [
        asked("02 10 03", "03 22 F1 89", "02 3E 00", "03 19 02 FF", "30 00 00", "04 14 FF FF FF"),
        asked("02 10 03", "02 27 01", "10 22 27 02 00 00 00 00", "21 00 00 00 00 00 00 00", "22 00 00 00 00 00 00 00"),
        asked("02 10 03", "04 31 01 02 03", "02 11 01", "02 85 02", "03 22 F1 90", "30 00 00"),
    ]


def mailbox_seeds() -> list[bytes]:
    """Reports as they are written; their length says of which kind."""
    vision, vehicle = VISION.pack(VisionReport(1, 2)), VEHICLE.pack(VehicleReport(1, VehicleSignals(50.0)))
    nothing = struct.pack("=d", float("nan")) * 40
    return [vision + bytes(len(vision) & 1), vehicle + bytes(1 - len(vehicle) & 1), nothing]
