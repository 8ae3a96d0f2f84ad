"""The kernel's ISO-TP socket, against one that does as told; a real one is asked in the virtual machine."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any

import pytest

from watchkeeper.clock import NS_PER_S
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.uds.isotp import MESSAGE_MAX, PADDING
from watchkeeper.supervisor.uds.transport import KernelTransport, functional_request, open_kernel_transport

S = NS_PER_S


class FakeKernel:
    """Stands in for `socket.socket`. waiting: messages or errors that `recv` gives. full: `send` would block.

    Not modelled: segmentation, flow control and pacing, which the kernel does."""

    def __init__(self) -> None:
        self.waiting: list[bytes | OSError] = []
        self.sent: list[bytes] = []
        self.opened = 0
        self.full = False
        self.fails: OSError | None = None
        self.missing = False
        self.options: dict[int, bytes] = {}
        self.closed = 0

    def __call__(self, *_family: Any) -> FakeKernel:
        return self

    def setsockopt(self, level: int, name: int, value: bytes) -> None:
        assert level == 106
        self.options[name] = value

    def bind(self, address: tuple[str, int, int]) -> None:
        if self.missing:
            raise OSError(errno.ENODEV, "no such device")
        self.opened += 1
        self.address = address

    def recv(self, size: int) -> bytes:
        assert size == MESSAGE_MAX + 1
        if not self.waiting:
            raise BlockingIOError
        item = self.waiting.pop(0)
        if isinstance(item, OSError):
            raise item
        return item

    def send(self, message: bytes) -> None:
        if self.full:
            raise BlockingIOError
        if self.fails is not None:
            raise self.fails
        self.sent.append(message)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    fake = FakeKernel()
    monkeypatch.setattr(socket, "socket", fake)
    return fake


def test_it_is_opened_as_the_contract_says(kernel: FakeKernel) -> None:
    link = KernelTransport("can0")
    assert kernel.address == ("can0", 0x7C0, 0x7C8)
    assert kernel.options[1] == struct.pack("=IIBBBB", 0x04, 1_000_000, 0, PADDING, 0, 0)
    assert kernel.options[2] == bytes(3)
    assert link.receive_ids == (0x7DF,)
    assert not link.sending
    link.close()
    link.close()
    assert kernel.closed == 1


def test_requests_come_from_both_ways(kernel: FakeKernel) -> None:
    link = KernelTransport("can0")
    kernel.waiting = [b"\x22\xf1\x89", b"x" * MESSAGE_MAX, b"x" * (MESSAGE_MAX + 1)]
    frames = [CanFrame(0x7DF, b"\x02\x3e\x00"), CanFrame(0x7C0, b"\x02\x10\x03")]
    found = link.receive(frames, 0)
    assert found == [(b"\x3e\x00", True), (b"\x22\xf1\x89", False), (b"x" * MESSAGE_MAX, False)]
    assert link.receive([], 0) == []


def test_a_flood_is_taken_in_parts(kernel: FakeKernel) -> None:
    link = KernelTransport("can0")
    kernel.waiting = [b"\x3e\x00"] * 40
    assert [len(link.receive([], 0)) for _ in range(4)] == [16, 16, 8, 0]


def test_a_response_waits_for_room(kernel: FakeKernel) -> None:
    link = KernelTransport("can0")
    kernel.full = True
    assert link.send(b"first", 0)
    assert link.sending
    assert not link.send(b"second", 0)
    link.step(1)
    assert link.sending
    kernel.full = False
    link.step(2)
    assert (kernel.sent, link.sending) == ([b"first"], False)
    link.step(3)
    assert kernel.sent == [b"first"]


def test_a_protocol_error_is_counted_and_no_end(kernel: FakeKernel) -> None:
    link = KernelTransport("can0")
    kernel.waiting = [OSError(errno.ETIMEDOUT, ""), b"\x3e\x00"]
    assert link.receive([], 0) == []
    assert link.errors == 1
    assert link.receive([], 0) == [(b"\x3e\x00", False)]
    kernel.fails = OSError(errno.ECOMM, "")
    assert link.send(b"lost", 0)
    assert (link.errors, link.sending) == (2, False)


def test_an_interface_that_went_away_is_tried_again_every_second(kernel: FakeKernel) -> None:
    link = KernelTransport("can0")
    kernel.waiting = [OSError(errno.ENODEV, "")]
    assert link.receive([], 5 * S) == []
    assert kernel.closed == 1
    assert link.send(b"nowhere", 5 * S)
    assert not link.sending
    kernel.missing = True
    assert link.receive([], 6 * S - 1) == []
    assert (kernel.opened, kernel.closed) == (1, 1)
    link.receive([], 6 * S)
    assert kernel.closed == 2, "tried in vain"
    kernel.missing, kernel.waiting = False, [b"\x3e\x00"]
    assert link.receive([], 7 * S - 1) == []
    assert link.receive([], 7 * S) == [(b"\x3e\x00", False)]
    assert kernel.opened == 2


def test_an_interface_that_goes_away_while_sending(kernel: FakeKernel) -> None:
    link = KernelTransport("can0")
    kernel.fails = OSError(errno.ENXIO, "")
    assert link.send(b"lost", 0)
    assert kernel.closed == 1
    kernel.fails = None
    link.receive([], S)
    assert kernel.opened == 2


def test_only_a_socketcan_bus_has_it(kernel: FakeKernel) -> None:
    assert open_kernel_transport("virtual:car") is None
    assert kernel.opened == 0
    assert open_kernel_transport("socketcan:can0") is not None
    kernel.missing = True
    assert open_kernel_transport("socketcan:can0") is None


@pytest.mark.parametrize(
    ("data", "request_bytes"),
    [("023E00", "3E00"), ("0701020304050607", "01020304050607"), ("00", None), ("", None), ("033E00", None),
     ("1008", None), ("083E000000000000", None), ("013E", "3E")],
)  # fmt: skip
def test_functional_requests_are_single_frames(data: str, request_bytes: str | None) -> None:
    expected = [] if request_bytes is None else [(bytes.fromhex(request_bytes), True)]
    assert functional_request(bytes.fromhex(data)) == expected
