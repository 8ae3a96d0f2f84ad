"""Own frames heard back: on the ports that can, and laid on the picture they carried."""

from __future__ import annotations

import os

from watchkeeper.clock import now_ns
from watchkeeper.supervisor.bus import open_bus, open_node
from watchkeeper.supervisor.echo import SendLog
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.types import SendStamp

A, B = CanFrame(0x3A0, b"a" * 8), CanFrame(0x3A1, b"b" * 8)


def test_the_first_slot_of_a_picture_counts_and_its_last_frame_is_waited_for() -> None:
    log = SendLog()
    assert log.sent(10, B, 100)
    assert not log.sent(10, A, 150)  # the same picture in the next slot
    assert not log.sent(0, A, 160)  # no picture yet
    assert not log.heard([(A, 101)])
    assert log.heard([(A, 101), (B, 103)])
    assert not log.heard([(B, 140)])
    assert log.stamps == (SendStamp(10, 100, 103),)


def test_an_echo_stamped_before_its_send_is_no_negative_time() -> None:
    log = SendLog()
    log.sent(10, B, 100)
    log.heard([(B, 90)])
    assert log.stamps == (SendStamp(10, 100, 100),)


def test_an_echo_that_comes_after_the_next_picture_is_left_out() -> None:
    log = SendLog()
    log.sent(10, A, 100)
    log.sent(20, B, 200)
    assert not log.heard([(A, 201)])
    assert [stamp.echo_ns for stamp in log.stamps] == [0, 0]


def test_the_one_sender_of_a_virtual_bus_hears_itself_and_others_hear_it_as_before() -> None:
    uri = f"virtual:echo-{os.getpid()}"
    bus, other = open_bus(uri), open_node(uri, receive=(A.id,), transmit=(0x3B0,))
    try:
        began_ns = now_ns()
        assert bus.send(A)
        (echo,) = bus.echoes()
        assert echo[0] == A
        assert began_ns - 1_000_000 <= echo[1] <= now_ns()  # stamped by the kernel, moved between two clocks
        assert bus.receive() == []
        assert bus.echoes() == []
        assert other.receive() == [A]
        assert other.send(CanFrame(0x3B0, bytes(8)))
        assert other.echoes() == []
        for _ in range(100):  # nobody looks at the echoes: sending goes on
            assert bus.send(A)
        assert 0 < len(bus.echoes()) <= 100
    finally:
        bus.close()
        other.close()
