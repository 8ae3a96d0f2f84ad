"""E2E profile 2: known answers, agreement with an independent implementation, the receiver's verdicts."""

from __future__ import annotations

import random
from pathlib import Path

import cantools
import e2e.crc
import e2e.p02
import pytest

from watchkeeper.supervisor.candump import read_log
from watchkeeper.supervisor.dbc import dbc_text
from watchkeeper.supervisor.e2e import Checker, CheckState, crc8h2f, frame_crc, protect
from watchkeeper.supervisor.frames import decode
from watchkeeper.supervisor.spec import MESSAGES, Message

_RECORDED = Path(__file__).resolve().parents[2] / "data" / "can" / "supervisor.log"
_IDS = tuple(range(1, 17))


def test_crc_has_the_standards_check_value() -> None:
    assert crc8h2f(b"123456789") == 0xDF


def test_eight_zero_bytes_with_counter_0() -> None:
    assert protect(bytes(8), _IDS, 0).hex() == "0e00000000000000"


def test_crc_agrees_with_autosar_e2e() -> None:
    generator = random.Random(1)
    for _ in range(2000):
        data = generator.randbytes(generator.randint(1, 20))
        assert crc8h2f(data) == e2e.crc.calculate_crc8_h2f(data)


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda m: m.name)
def test_frames_agree_with_autosar_e2e(message: Message) -> None:
    generator = random.Random(message.name)
    ids = bytes(message.data_ids)
    for number in range(1000):
        payload, counter = generator.randbytes(8), number % 16
        ours = protect(payload, message.data_ids, counter)
        assert e2e.p02.e2e_p02_check(ours, ids)
        theirs = bytearray(payload)
        theirs[1] = (theirs[1] & 0xF0) | counter
        e2e.p02.e2e_p02_protect(theirs, ids, increment_counter=False)
        assert ours == bytes(theirs)


def test_a_real_supervisors_recorded_frames_hold_for_both_other_implementations() -> None:
    database = cantools.database.load_string(dbc_text(), "dbc", strict=True)
    assert isinstance(database, cantools.database.Database)
    counters: dict[str, int] = {}
    frames = [line.frame for line in read_log(_RECORDED)]
    assert len(frames) > 300
    for frame in frames:
        ours = decode(frame)
        assert ours is not None
        assert ours.crc_ok
        assert e2e.p02.e2e_p02_check(frame.data, bytes(MESSAGES[ours.name].data_ids))
        theirs = database.decode_message(frame.id, frame.data, decode_choices=False)
        assert isinstance(theirs, dict)
        assert theirs["Counter"] == ours.counter == counters.get(ours.name, 0)
        counters[ours.name] = (ours.counter + 1) % 16
        for name, value in ours.values.items():
            if value is not None:
                assert theirs[name] == pytest.approx(value)


def test_high_nibble_of_byte_1_belongs_to_the_signals() -> None:
    assert protect(b"\x00\xa5" + bytes(6), _IDS, 9)[1] == 0xA9


def test_counter_wraps_at_16() -> None:
    assert protect(bytes(8), _IDS, 16) == protect(bytes(8), _IDS, 0)


def test_every_single_bit_error_is_found() -> None:
    frame = protect(b"\x00\x10\x5a\xc3\x01\x80\x7f\xfe", _IDS, 6)
    for bit in range(64):
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << (bit % 8)
        assert Checker(_IDS).check(bytes(damaged)) is CheckState.WRONG_CRC


def test_data_ids_tell_every_message_from_every_other_at_every_counter() -> None:
    all_ids = [data_id for message in MESSAGES.values() for data_id in message.data_ids]
    assert len(set(all_ids)) == len(all_ids) == 16 * len(MESSAGES)
    assert all(0 <= data_id <= 255 for data_id in all_ids)


def test_a_frame_of_another_message_is_refused() -> None:
    status, warning = MESSAGES["DMS_Status"], MESSAGES["DMS_Warning"]
    for counter in range(16):
        frame = protect(bytes(8), status.data_ids, counter)
        assert frame[0] != frame_crc(frame, warning.data_ids)


def _verdicts(counters: list[int]) -> list[CheckState]:
    checker = Checker(_IDS, max_delta=3)
    return [checker.check(protect(bytes(8), _IDS, counter)) for counter in counters]


def test_counter_in_order_across_the_wrap() -> None:
    assert _verdicts([14, 15, 0, 1]) == [CheckState.INITIAL, CheckState.OK, CheckState.OK, CheckState.OK]


@pytest.mark.parametrize(
    ("step", "verdict"),
    [
        (0, CheckState.REPEATED),
        (1, CheckState.OK),
        (2, CheckState.OK_SOME_LOST),
        (3, CheckState.OK_SOME_LOST),
        (4, CheckState.WRONG_SEQUENCE),
        (15, CheckState.WRONG_SEQUENCE),
    ],
)
def test_verdict_by_counter_step(step: int, verdict: CheckState) -> None:
    assert _verdicts([7, 7 + step])[1] is verdict


def test_after_a_jump_the_next_in_order_is_accepted() -> None:
    assert _verdicts([3, 12, 13])[1:] == [CheckState.WRONG_SEQUENCE, CheckState.OK]


def test_a_damaged_frame_leaves_the_counter_as_it_was() -> None:
    checker = Checker(_IDS)
    checker.check(protect(bytes(8), _IDS, 4))
    assert checker.check(bytes(8)) is CheckState.WRONG_CRC
    assert checker.check(protect(bytes(8), _IDS, 5)) is CheckState.OK


@pytest.mark.parametrize("length", [0, 1, 7, 9])
def test_another_length_is_refused(length: int) -> None:
    assert Checker(_IDS).check(bytes(length)) is CheckState.WRONG_CRC


def test_only_frames_in_order_may_be_read() -> None:
    accepted = {state for state in CheckState if state.accepted}
    assert accepted == {CheckState.INITIAL, CheckState.OK, CheckState.OK_SOME_LOST}
