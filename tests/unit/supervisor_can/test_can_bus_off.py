"""Bus-off: counted once whoever tells of it, restarted with growing back-off; link messages as the kernel has them.

The kernel itself is asked in tests/system (virtual machine).
"""

from __future__ import annotations

import random
import struct

from watchkeeper.clock import NS_PER_S
from watchkeeper.supervisor.bus_socketcan import RESTART_BACK_OFF_NS, BusOff
from watchkeeper.supervisor.can_link import CanState, LinkNews, parse


def test_counted_once_until_it_is_back() -> None:
    bus = BusOff()
    for _ in range(3):
        bus.went_off(NS_PER_S)
    assert (bus.count, bus.is_off) == (1, True)
    bus.came_back()
    assert not bus.restart_due(10 * NS_PER_S)
    bus.went_off(2 * NS_PER_S)
    assert bus.count == 2


def test_restarts_come_with_a_growing_distance_that_calm_resets() -> None:
    bus = BusOff()
    bus.went_off(0)
    times = [t_ns for t_ns in range(0, 20 * NS_PER_S, NS_PER_S // 100) if bus.restart_due(t_ns)]
    gaps = [b - a for a, b in zip([0, *times], times, strict=False)]
    assert gaps[:5] == list(RESTART_BACK_OFF_NS)
    assert set(gaps[5:]) == {RESTART_BACK_OFF_NS[-1]}
    bus.came_back()
    bus.went_off(60 * NS_PER_S)
    assert bus.restart_due(60 * NS_PER_S + RESTART_BACK_OFF_NS[0])


def test_a_link_that_flaps_does_not_reset_its_back_off() -> None:
    bus = BusOff()
    bus.went_off(0)
    assert bus.restart_due(RESTART_BACK_OFF_NS[0])
    bus.came_back()
    again_ns = RESTART_BACK_OFF_NS[0] + 1
    bus.went_off(again_ns)
    assert not bus.restart_due(again_ns + RESTART_BACK_OFF_NS[1] - 1)
    assert bus.restart_due(again_ns + RESTART_BACK_OFF_NS[1]), "one step a restart, not two"


def _attribute(kind: int, content: bytes) -> bytes:
    return (struct.pack("=HH", 4 + len(content), kind) + content).ljust(4 + (len(content) + 3) // 4 * 4, b"\0")


def _message(kind: int = 16, state: int | None = 3, restart_ms: int = 0, flags: int = 1) -> bytes:
    data = b"" if state is None else _attribute(4, struct.pack("=I", state))
    info = _attribute(1, b"can\0") + _attribute(2, data + _attribute(6, struct.pack("=I", restart_ms)))
    body = struct.pack("=BxHiII", 0, 280, 5, flags, 0) + _attribute(3, b"can0\0") + _attribute(18, info)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def test_link_messages_are_read() -> None:
    packet = _message() + _message(state=0, restart_ms=100, flags=0) + _message(kind=17, state=None)
    assert parse(packet) == [
        LinkNews(5, "can0", True, False, CanState.BUS_OFF, 0),
        LinkNews(5, "can0", False, False, CanState.ERROR_ACTIVE, 100),
        LinkNews(5, "can0", True, True, None, 0),
    ]
    assert parse(_message(state=99))[0].state is None
    assert parse(_message(kind=24)) == []


def test_broken_link_messages_never_raise() -> None:
    rng = random.Random(4)
    good = _message()
    for _ in range(3000):
        data = bytearray(good[: rng.randrange(len(good) + 1)])
        for _ in range(rng.randrange(4)):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        parse(bytes(data))
