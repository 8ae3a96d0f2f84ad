"""The writer process's loop, in this process: what it answers, and that the newest of several is written."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchkeeper.supervisor.uds.state_file import load
from watchkeeper.supervisor.uds.state_writer import main

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, int]]:
    """Our end, and the number of the writer's. Signals and scheduling are put back afterwards."""
    before = [signal.getsignal(number) for number in SIGNALS]
    policy, param = os.sched_getscheduler(0), os.sched_getparam(0)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(20)
    with ours:
        yield ours, theirs.detach()
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)
    os.sched_setscheduler(0, policy, param)


def _message(number: int, content: bytes) -> bytes:
    return number.to_bytes(8, "little") + content


def _serve(fd: int, path: Path) -> int:
    return main(["state_writer", "watchkeeper-state-writer", str(fd), str(path)])


def test_of_several_the_newest_is_written_and_answered(tmp_path: Path, ends: tuple[socket.socket, int]) -> None:
    ours, fd = ends
    for number in (1, 2, 3):
        ours.send(_message(number, b"content %d" % number))
    ours.shutdown(socket.SHUT_WR)
    assert _serve(fd, tmp_path / "state") == 0
    assert ours.recv(64) == _message(3, b"\0")
    assert ours.recv(64) == b""
    assert load(tmp_path / "state")[0] == [b"content 3"]
    assert [signal.getsignal(number) for number in SIGNALS] == [signal.SIG_IGN] * 3


def test_it_waits_for_the_next_and_says_what_failed(tmp_path: Path, ends: tuple[socket.socket, int]) -> None:
    ours, fd = ends
    answers: list[bytes] = []

    def supervisor() -> None:
        ours.send(_message(1, b"first"))
        answers.append(ours.recv(64))
        time.sleep(0.05)  # it has come back to its wait by now
        ours.send(_message(2, b"second"))
        answers.append(ours.recv(64))
        ours.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=supervisor)
    thread.start()
    assert _serve(fd, tmp_path / "none" / "state") == 0
    thread.join()
    assert answers == [_message(1, bytes((errno.ENOENT,))), _message(2, bytes((errno.ENOENT,)))]


def test_nobody_left_to_answer_is_the_end(tmp_path: Path, ends: tuple[socket.socket, int]) -> None:
    ours, fd = ends
    ours.send(_message(1, b"last words"))
    ours.close()
    assert _serve(fd, tmp_path / "state") == 0
    assert load(tmp_path / "state")[0] == [b"last words"]
