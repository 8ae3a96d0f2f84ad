"""The peers' end of `bench pipeline`: the protocol, a peer that dies, what packages weigh."""

from __future__ import annotations

import os
import sys
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest

from watchkeeper.commands import bench_peers
from watchkeeper.commands.bench_peers import Block, Peer, mediapipe_peer, opencv_peer, own_installed_bytes
from watchkeeper.commands.peers.installed_size import closure, installed_bytes
from watchkeeper.errors import BadInputError

_PEER = """
import struct, sys
frames, answers = sys.stdin.buffer, sys.stdout.buffer
width, height = map(int, frames.readline().split())
for number in range(int(sys.argv[1])):
    stamp = struct.unpack("=q", frames.read(8))[0]
    pixels = frames.read(width * height * 3)
    answers.write(struct.pack("=qqq", stamp, sum(pixels), number % 2))
    answers.flush()
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "peer.py").write_text(_PEER)
    monkeypatch.setattr(bench_peers, "files", lambda _: tmp_path)
    return "peer.py"


def _block(count: int) -> Block:
    rgb = np.zeros((4, 6, 3), np.uint8)
    block = Block(os.memfd_create("frames"), rgb.nbytes)
    for number in range(count):
        rgb[:] = number
        block.add(100 + number, rgb)
    return block


def test_frames_go_out_whole_and_answers_come_back(script: str) -> None:
    peer = Peer("fake", Path(sys.executable), script, ["4"], [])
    peer.start(6, 4)
    block = _block(4)
    try:
        peer.run(block)
    finally:
        peer.close()
        os.close(block.fd)
    assert peer.took_ns == [100, 101, 102, 103]
    assert peer.resident_bytes == 3 * 72
    assert peer.faces == 2


def test_a_peer_that_ends_is_named(script: str) -> None:
    peer = Peer("fake", Path(sys.executable), script, ["1"], [])
    peer.start(6, 4)
    block = _block(3)
    try:
        with pytest.raises(BadInputError, match="fake ended; run its script by hand"):
            peer.run(block)
    finally:
        peer.close()
        os.close(block.fd)


def test_an_interpreter_without_the_peer_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"--peer-python .*none: expected an interpreter with mediapipe"):
        mediapipe_peer(tmp_path / "none")
    with pytest.raises(BadInputError, match=r"--opencv-python .*none: expected an interpreter with opencv"):
        opencv_peer(tmp_path / "none", tmp_path)


def test_a_package_weighs_its_files_and_those_of_what_it_needs() -> None:
    alone = sum(
        path.stat().st_size
        for file in distribution("pyserial").files or []
        if (path := Path(str(file.locate()))).is_file() and path.suffix != ".pyc"
    )
    assert installed_bytes(["pyserial"]) == alone
    assert closure(["python-can", "no-such-package"]) >= {"python-can", "typing-extensions"}
    assert "hypothesis" not in closure(["python-can"])
    assert own_installed_bytes() > installed_bytes(["numpy"]) + alone
