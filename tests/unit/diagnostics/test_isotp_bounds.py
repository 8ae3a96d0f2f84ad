"""ISO 15765-2 at its bounds: lengths, time-outs to the nanosecond, waits, separation times, and what a frame holds."""

from __future__ import annotations

import pytest

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.uds.isotp import IsoTp

_T = 5 * NS_PER_S
_GO_ON = b"\x30\x00\x00"


def _frame(link: IsoTp, t_ns: int) -> bytes | None:
    """The frame that is due, which leaves."""
    data = link.due(t_ns)
    if data is not None:
        link.sent(t_ns)
    return data


def _segmented(length: int = 20) -> IsoTp:
    """One whose first frame has left at _T."""
    link = IsoTp()
    assert link.send(bytes(range(length)), _T)
    assert _frame(link, _T) is not None
    return link


def test_nothing_is_on_its_way_at_first() -> None:
    link = IsoTp()
    assert (link.sending, link.receiving, link.errors, link.due(_T)) == (False, False, 0, None)
    link.sent(_T)
    assert link.errors == 0


@pytest.mark.parametrize(("length", "taken"), [(0, False), (1, True), (4095, True), (4096, False)])
def test_a_message_has_one_to_4095_bytes(length: int, taken: bool) -> None:
    link = IsoTp()
    assert link.send(bytes(length), _T) is taken
    assert link.sending is taken


def test_what_single_and_first_frames_hold() -> None:
    for length, head in ((1, "01"), (3, "03"), (7, "07")):
        link = IsoTp()
        link.send(bytes(range(1, length + 1)), _T)
        assert _frame(link, _T) == bytes.fromhex(head) + bytes(range(1, length + 1)) + b"\xcc" * (7 - length)
        assert not link.sending
    for length, head in ((8, "1008"), (255, "10ff"), (256, "1100"), (4095, "1fff")):
        link = IsoTp()
        link.send(bytes(length), _T)
        assert _frame(link, _T) == bytes.fromhex(head) + bytes(6)
        assert link.sending


def test_the_last_consecutive_frame_is_padded_and_ends_it() -> None:
    link = _segmented(15)
    link.receive(_GO_ON, _T)
    left = [(_frame(link, _T), link.sending) for _ in range(2)]
    assert left == [(b"\x21" + bytes(range(6, 13)), True), (b"\x22\x0d\x0e" + b"\xcc" * 5, False)]
    exact = _segmented(13)
    exact.receive(_GO_ON, _T)
    assert _frame(exact, _T) == b"\x21" + bytes(range(6, 13))
    assert not exact.sending


# --- time-outs --------------------------------------------------------------------------------------------------------


def test_a_frame_that_does_not_leave_for_a_second_is_given_up() -> None:
    link = IsoTp()
    link.send(b"abc", _T)
    assert link.due(_T + NS_PER_S) is not None
    assert link.due(_T + NS_PER_S + 1) is None
    assert (link.sending, link.errors) == (False, 1)


@pytest.mark.parametrize("flow", [_GO_ON, b"\x31\x00\x00"])
def test_a_receiver_that_is_silent_for_a_second_is_given_up_counted_from_its_newest_word(flow: bytes) -> None:
    link = _segmented()
    heard_ns = _T + NS_PER_S
    link.receive(flow, heard_ns)
    assert link.sending
    link.due(heard_ns + NS_PER_S)
    assert link.sending
    link.due(heard_ns + NS_PER_S + 1)
    assert (link.sending, link.errors) == (False, 1)


def test_between_two_consecutive_frames_a_second_may_pass() -> None:
    link = _segmented(27)
    link.receive(_GO_ON, _T)
    for number in range(3):
        assert _frame(link, _T + number * NS_PER_S) is not None
    assert (link.sending, link.errors) == (False, 0)


def test_a_sender_that_is_silent_for_a_second_is_given_up_counted_from_its_newest_frame() -> None:
    link = IsoTp()
    link.receive(b"\x10\x20abcdef", _T)
    link.receive(b"\x21ghijklm", _T + NS_PER_S)
    link.receive(b"\x22nopqrst", _T + 2 * NS_PER_S)
    assert link.receiving
    link.due(_T + 3 * NS_PER_S)
    assert link.receiving
    link.due(_T + 3 * NS_PER_S + 1)
    assert (link.receiving, link.errors) == (False, 1)


# --- flow control -----------------------------------------------------------------------------------------------------


def test_ten_waits_in_a_row_are_borne_and_a_word_to_go_on_begins_the_count_anew() -> None:
    link = _segmented(27)
    for _ in range(10):
        link.receive(b"\x31\x00\x00", _T)
    assert link.sending
    link.receive(b"\x30\x01\x00", _T)
    assert _frame(link, _T) is not None
    for _ in range(10):
        link.receive(b"\x31\x00\x00", _T)
    assert link.sending
    link.receive(b"\x31\x00\x00", _T)
    assert (link.sending, link.errors) == (False, 1)


def test_flow_control_that_nobody_waits_for_changes_nothing() -> None:
    link = _segmented(40)
    link.receive(_GO_ON, _T)
    assert _frame(link, _T) is not None
    link.receive(b"\x32\x00\x00", _T)
    link.receive(b"\x30\x01\x7f", _T)
    assert (link.sending, link.errors) == (True, 0)
    assert [_frame(link, _T) is not None for _ in range(4)] == [True] * 4


@pytest.mark.parametrize(
    ("code", "gap_ns"),
    [
        (0x00, 0), (0x01, NS_PER_MS), (0x7F, 127 * NS_PER_MS), (0x80, 127 * NS_PER_MS), (0xF0, 127 * NS_PER_MS),
        (0xF1, NS_PER_MS // 10), (0xF9, 9 * NS_PER_MS // 10), (0xFA, 127 * NS_PER_MS), (0xFF, 127 * NS_PER_MS),
    ],
)  # fmt: skip
def test_separation_times(code: int, gap_ns: int) -> None:
    link = _segmented(40)
    link.receive(bytes((0x30, 0, code)), _T)
    assert _frame(link, _T) is not None, "the first one at once"
    assert not gap_ns or link.due(_T + gap_ns - 1) is None
    assert link.due(_T + gap_ns) is not None


def test_a_block_is_as_long_as_the_receiver_says() -> None:
    link = _segmented(60)
    for block in (1, 3):
        link.receive(bytes((0x30, block, 0)), _T)
        assert [_frame(link, _T) is not None for _ in range(block + 1)] == [True] * block + [False]


# --- taking in --------------------------------------------------------------------------------------------------------


def test_a_single_frame_may_use_all_its_seven_bytes() -> None:
    assert IsoTp().receive(b"\x07abcdefg", _T) == b"abcdefg"
    assert IsoTp().receive(b"\x01a", _T) == b"a"
    assert IsoTp().receive(b"\x02a", _T) is None


def test_a_first_frame_has_eight_bytes_and_announces_more_than_seven() -> None:
    for data, begun in ((b"\x10\x08abcdef", True), (b"\x10\x08abcde", False), (b"\x10\x07abcdef", False)):
        link = IsoTp()
        link.receive(data, _T)
        assert link.receiving is begun
    long = IsoTp()
    long.receive(b"\x11\x02abcdef", _T)  # 258 bytes
    for number in range(36):
        done = long.receive(bytes((0x20 | (number + 1) & 0xF,)) + bytes(7), _T)
        long.due(_T)
        long.sent(_T)
        assert (done is None) is (number < 35)
    assert done is not None
    assert len(done) == 258


def test_a_message_too_long_to_be_taken_is_counted() -> None:
    link = IsoTp()
    link.receive(bytes.fromhex("10 00 00 00 10 00 01 02"), _T)
    assert link.errors == 1
    assert _frame(link, _T) == b"\x32\x00\x00" + b"\xcc" * 5
    assert _frame(link, _T) is None


def test_eight_consecutive_frames_are_taken_between_two_flow_controls() -> None:
    link = IsoTp()
    link.receive(b"\x10\xc8" + bytes(6), _T)
    assert _frame(link, _T) == b"\x30\x08\x00" + b"\xcc" * 5
    asked = []
    for number in range(1, 17):
        link.receive(bytes((0x20 | number & 0xF,)) + bytes(7), _T)
        asked.append(_frame(link, _T) is not None)
    assert asked == ([False] * 7 + [True]) * 2


def test_a_consecutive_frame_out_of_order_or_too_short_ends_the_message_and_is_counted() -> None:
    for data in (b"\x22ghijklm", b"\x20ghijklm", b"\x21ghijkl", b"\x21"):
        link = IsoTp()
        link.receive(b"\x10\x20abcdef", _T)
        assert link.receive(data, _T) is None
        assert (link.receiving, link.errors, link.due(_T)) == (False, 1, None)


def test_a_single_frame_ends_a_message_on_its_way_in_and_is_taken() -> None:
    link = IsoTp()
    link.receive(b"\x10\x20abcdef", _T)
    assert link.receive(b"\x01z", _T) == b"z"
    assert (link.receiving, link.errors) == (False, 1)
