"""The request that takes a link out of bus-off, as rtnetlink has it, against a kernel that answers as told."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any

import pytest

from watchkeeper.supervisor.can_link import LinkNews, LinkWatch, parse, request_restart

NEWLINK, ERROR = 16, 2


class FakeKernel:
    """Stands in for `socket.socket`: keeps what was sent, answers each request with the next of `codes`, 0 at the end.

    Not modelled: other link messages between request and answer.
    """

    def __init__(self, *codes: int) -> None:
        self.codes, self.sent, self.packets = list(codes), list[bytes](), list[bytes]()
        self.refuses_bind = self.closed = False

    def __call__(self, *_family: Any) -> FakeKernel:
        return self

    def __enter__(self) -> FakeKernel:
        return self

    def __exit__(self, *_error: object) -> None:
        self.closed = True

    def bind(self, address: tuple[int, int]) -> None:
        if self.refuses_bind:
            raise OSError(errno.EPERM, "no")
        self.bound = address

    def close(self) -> None:
        self.closed = True

    def sendto(self, message: bytes, address: tuple[int, int]) -> None:
        assert address == (0, 0)
        self.sent.append(message)
        code = self.codes.pop(0) if self.codes else 0
        self.packets.append(struct.pack("=IHHII", 36, ERROR, 0, 1, 0) + struct.pack("=i", -code) + message[:16])

    def recv(self, _size: int) -> bytes:
        if not self.packets:
            raise BlockingIOError
        return self.packets.pop(0)


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while data:
        length, kind = struct.unpack_from("=HH", data)
        assert 4 <= length <= len(data)
        found[kind] = data[4:length]
        data = data[(length + 3) // 4 * 4 :]
    return found


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    fake = FakeKernel()
    monkeypatch.setattr(socket, "socket", fake)
    return fake


def test_a_restart_is_one_nested_request(kernel: FakeKernel) -> None:
    request_restart(5)
    (message,) = kernel.sent
    length, kind, flags, sequence, port = struct.unpack_from("=IHHII", message)
    assert (length, kind, flags, sequence, port) == (len(message), NEWLINK, 1 | 4, 1, 0)
    assert struct.unpack_from("=BxHiII", message, 16) == (0, 0, 5, 0, 0)
    info = _attributes(_attributes(message[32:])[18])
    assert info[1] == b"can\0"
    assert _attributes(info[2]) == {7: struct.pack("=I", 1)}
    assert len(message) % 4 == 0
    assert kernel.closed


def test_a_driver_without_restart_is_taken_down_and_up_again(kernel: FakeKernel) -> None:
    kernel.codes = [errno.EOPNOTSUPP]
    request_restart(7)
    assert [struct.unpack_from("=BxHiII", m, 16) for m in kernel.sent[1:]] == [(0, 0, 7, 0, 1), (0, 0, 7, 1, 1)]
    assert [len(m) for m in kernel.sent[1:]] == [32, 32]


@pytest.mark.parametrize("code", [errno.EPERM, errno.EBUSY])
def test_what_the_kernel_refuses_is_said(kernel: FakeKernel, code: int) -> None:
    kernel.codes = [code]
    with pytest.raises(OSError, match=r".") as caught:
        request_restart(5)
    assert caught.value.errno == code
    assert len(kernel.sent) == 1


def test_an_answer_that_is_no_error_message_is_success(kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "recv", lambda _size: struct.pack("=IHHII", 20, 3, 0, 1, 0) + b"\xff" * 4)
    request_restart(5)


def test_a_link_message_without_attributes_is_read() -> None:
    message = struct.pack("=IHHII", 32, NEWLINK, 0, 0, 0) + struct.pack("=BxHiII", 0, 1, 9, 0, 0)
    assert parse(message) == [LinkNews(9, "", False)]
    assert parse(struct.pack("=IHHII", 31, NEWLINK, 0, 0, 0) + message[16:31]) == []
    assert parse(message[:31]) == []


def test_listening_reads_what_waits_and_at_most_a_batch(kernel: FakeKernel) -> None:
    watch = LinkWatch()
    assert kernel.bound == (0, 1)
    message = struct.pack("=IHHII", 32, NEWLINK, 0, 0, 0) + struct.pack("=BxHiII", 0, 1, 9, 1, 0)
    kernel.packets = [message] * 17
    assert watch.read() == [LinkNews(9, "", True)] * 16
    assert len(watch.read()) == 1
    assert watch.read() == []
    watch.close()
    assert kernel.closed


def test_a_socket_that_may_not_listen_is_closed(kernel: FakeKernel) -> None:
    kernel.refuses_bind = True
    with pytest.raises(OSError, match="no"):
        LinkWatch()
    assert kernel.closed
