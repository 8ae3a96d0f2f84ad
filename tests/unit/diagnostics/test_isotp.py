"""ISO 15765-2 against can-isotp on the other end, and against what no sane sender sends."""

from __future__ import annotations

import os
import random
from collections import deque

import isotp
import pytest

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.uds.isotp import IsoTp
from watchkeeper.supervisor.uds.transport import FRAMES_PER_STEP, FrameTransport, functional_request

_T = 5 * NS_PER_S
_FRAMES = int(os.environ.get("WATCHKEEPER_FUZZ_FRAMES", "10000"))


class Wire:
    """Our machine and can-isotp's, joined by two queues; can-isotp is stepped without its threads."""

    def __init__(self, **parameters: int) -> None:
        self.ours, self.t_ns = IsoTp(), _T
        self.frames: list[bytes] = []
        self._to_theirs: deque[isotp.CanMessage] = deque()
        self._to_ours: deque[bytes] = deque()
        address = isotp.Address(isotp.AddressingMode.Normal_11bits, txid=0x7C0, rxid=0x7C8)
        self.theirs = isotp.TransportLayerLogic(
            rxfn=lambda timeout: self._to_theirs.popleft() if self._to_theirs else None,
            txfn=lambda message: self._to_ours.append(bytes(message.data)),
            address=address, params={"tx_padding": 0x55, **parameters},
        )  # fmt: skip

    def turn(self) -> list[bytes]:
        """Both ends once; messages that ours completed."""
        self.t_ns += 10 * NS_PER_MS
        self.theirs.process(0.0)
        whole = []
        while self._to_ours:
            if (message := self.ours.receive(self._to_ours.popleft(), self.t_ns)) is not None:
                whole.append(message)
        while (data := self.ours.due(self.t_ns)) is not None:
            self.ours.sent(self.t_ns)
            self.frames.append(data)
            self._to_theirs.append(isotp.CanMessage(arbitration_id=0x7C8, dlc=8, data=data))
        return whole


_LENGTHS = (1, 2, 6, 7, 8, 9, 12, 13, 14, 62, 63, 111, 112, 1000, 4094, 4095)


@pytest.mark.parametrize("length", _LENGTHS)
def test_from_can_isotp(length: int) -> None:
    wire, message = Wire(), random.Random(length).randbytes(length)
    wire.theirs.send(message)
    for _ in range(2000):
        if got := wire.turn():
            assert got == [message]
            return
    raise AssertionError("nothing arrived")


@pytest.mark.parametrize("length", _LENGTHS)
@pytest.mark.parametrize("blocksize", [0, 1, 8])
def test_to_can_isotp(length: int, blocksize: int) -> None:
    wire, message = Wire(blocksize=blocksize), random.Random(length).randbytes(length)
    assert wire.ours.send(message, wire.t_ns)
    assert not wire.ours.send(message, wire.t_ns), "one at a time"
    for _ in range(2000):
        wire.turn()
        if wire.theirs.available():
            assert bytes(wire.theirs.recv() or b"") == message
            assert {len(frame) for frame in wire.frames} == {8}
            assert not wire.ours.sending
            return
    raise AssertionError("nothing arrived")


def _due(link: IsoTp, t_ns: int) -> list[str]:
    said = []
    while (data := link.due(t_ns)) is not None:
        link.sent(t_ns)
        said.append(data.hex())
    return said


_SEPARATIONS = ((0x0A, 10 * NS_PER_MS), (0xF5, NS_PER_MS // 2), (0x80, 127 * NS_PER_MS), (0xFA, 127 * NS_PER_MS))


@pytest.mark.parametrize(("code", "gap_ns"), _SEPARATIONS)
def test_separation_time_and_block_size_are_kept(code: int, gap_ns: int) -> None:
    link = IsoTp()
    link.send(bytes(40), _T)
    assert len(_due(link, _T)) == 1
    assert _due(link, _T) == []
    link.receive(bytes((0x30, 2, code)), _T)
    assert len(_due(link, _T)) == 1
    assert _due(link, _T + gap_ns - 1) == []
    assert len(_due(link, _T + gap_ns)) == 1
    assert _due(link, _T + 2 * gap_ns) == [], "the block is over"
    link.receive(bytes((0x30, 0, code)), _T + 2 * gap_ns)
    assert [len(_due(link, _T + n * gap_ns)) for n in (2, 3, 4, 5)] == [1, 1, 1, 0]


def test_a_frame_that_did_not_leave_stays_due() -> None:
    link = IsoTp()
    link.send(bytes(range(20)), _T)
    assert link.due(_T) == link.due(_T + 1)
    link.sent(_T)
    link.receive(b"\x30\x00\x00", _T)
    assert link.due(_T) == link.due(_T + 1) == bytes((0x21, *range(6, 13)))


@pytest.mark.parametrize(
    ("flow", "given_up"),
    [("31 00 00", False), ("32 00 00", True), ("33 00 00", True), ("3F 00 00", True), ("30", False), ("30 00", False)],
)
def test_flow_control_other_than_go_on(flow: str, given_up: bool) -> None:
    link = IsoTp()
    link.send(bytes(20), _T)
    _due(link, _T)
    link.receive(bytes.fromhex(flow), _T)
    assert link.sending is not given_up
    assert link.errors == given_up
    assert _due(link, _T) == []


def test_endless_waiting_is_given_up() -> None:
    link = IsoTp()
    link.send(bytes(20), _T)
    _due(link, _T)
    for number in range(11):
        assert link.sending
        link.receive(b"\x31\x00\x00", _T + number * NS_PER_S // 2)
    assert not link.sending


def test_silence_is_given_up_after_a_second() -> None:
    link = IsoTp()
    link.send(bytes(20), _T)
    _due(link, _T)
    link.receive(b"\x10\x14" + bytes(6), _T)
    assert (link.sending, link.receiving) == (True, True)
    assert _due(link, _T) == ["300800cccccccccc"]
    _due(link, _T + NS_PER_S + 1)
    assert (link.sending, link.receiving, link.errors) == (False, False, 2)


@pytest.mark.parametrize(
    "frames",
    [
        [""], ["00"], ["01"], ["08 11 22 33 44 55 66 77"], ["03 11 22"], ["40 11"], ["F0"], ["21 11"],
        ["10 07 1 2".replace(" 1 2", " 01 02 03 04 05 06")], ["10 14 01 02 03"], ["10"], ["30 00 00"],
        ["10 14 01 02 03 04 05 06", "22 01 02 03 04 05 06 07"], ["10 14 01 02 03 04 05 06", "21 01 02"],
        ["10 14 01 02 03 04 05 06", "21 01 02 03 04 05 06 07", "21 01 02 03 04 05 06 07"],
    ],
)  # fmt: skip
def test_malformed_gives_nothing_and_the_next_message_is_understood(frames: list[str]) -> None:
    link = IsoTp()
    assert [link.receive(bytes.fromhex(frame), _T) for frame in frames] == [None] * len(frames)
    assert link.receive(b"\x02\x3e\x00", _T) == b"\x3e\x00"
    assert not link.receiving


def test_too_long_is_refused_with_overflow() -> None:
    link = IsoTp()
    assert link.receive(bytes.fromhex("10 00 00 00 10 00 01 02"), _T) is None
    assert _due(link, _T) == ["320000cccccccccc"]


def test_a_new_message_ends_the_old_one() -> None:
    link = IsoTp()
    link.receive(b"\x10\x14" + bytes(6), _T)
    link.receive(b"\x10\x08abcdef", _T)
    assert link.receive(b"\x21gh", _T) == b"abcdefgh"
    assert link.errors == 1


@pytest.mark.parametrize(
    ("data", "request_hex"),
    [
        ("02 3E 80", "3e80"), ("02 3E 80 CC CC CC CC CC", "3e80"), ("10 08 01 02 03 04 05 06", None), ("00", None),
        ("", None), ("03 3E 80", None), ("21 3E", None), ("08 00 00 00 00 00 00 00", None),
    ],
)  # fmt: skip
def test_functional_is_single_frames_only(data: str, request_hex: str | None) -> None:
    found = functional_request(bytes.fromhex(data))
    assert found == ([] if request_hex is None else [(bytes.fromhex(request_hex), True)])


def test_a_long_answer_leaves_in_small_helpings() -> None:
    sent: list[CanFrame] = []

    def put(frame: CanFrame) -> bool:
        sent.append(frame)
        return True

    transport = FrameTransport(put)
    transport.send(bytes(200), _T)
    transport.step(_T)
    assert len(sent) == 1
    transport.receive([CanFrame(0x7C0, b"\x30\x00\x00"), CanFrame(0x7C1, b"\x02\x3e\x00")], _T)
    for number in range(1, 4):
        transport.step(_T + number * 10 * NS_PER_MS)
        assert len(sent) == 1 + number * FRAMES_PER_STEP
    assert {frame.id for frame in sent} == {0x7C8}


def test_any_frames_leave_it_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    """Random frames, half of them nearly right, time in jumps: nothing raises, queues stay bounded, it still works."""
    rng, link, t_ns, whole = random.Random(5), IsoTp(), _T, 0
    for _ in range(_FRAMES):
        t_ns += rng.choice((0, NS_PER_MS, 10 * NS_PER_MS, 400 * NS_PER_MS))
        data = bytearray(rng.randbytes(rng.randint(0, 8)))
        if data and rng.random() < 0.5:
            data[0] = rng.choice((0x02, 0x10, 0x21, 0x22, 0x30, 0x31, 0x32))
        message = link.receive(bytes(data), t_ns)
        whole += message is not None
        assert message is None or 1 <= len(message) <= 4095
        if rng.random() < 0.1:
            link.send(bytes(rng.randint(0, 60)), t_ns)
        for _ in range(4):
            if (due := link.due(t_ns)) is not None:
                assert len(due) == 8
                link.sent(t_ns)
    t_ns += 2 * NS_PER_S
    assert link.receive(b"\x02\x3e\x00", t_ns) == b"\x3e\x00"
    with capsys.disabled():
        print(f"\n  {_FRAMES} fuzzed frames: {whole} messages whole, {link.errors} given up")
