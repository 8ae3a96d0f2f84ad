"""The log: its text form, and that nothing that happens to the file reaches the caller."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import can
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.candump import CanLog, format_line, parse_line, read_log
from watchkeeper.supervisor.frames import CanFrame

_FRAME = CanFrame(0x3A0, bytes.fromhex("0011223344556677"))


def test_format_is_candumps() -> None:
    assert format_line(12_345_678_999, "can0", _FRAME) == "(0000000012.345678) can0 3A0#0011223344556677"
    assert format_line(0, "can0", CanFrame(0x7, b"")) == "(0000000000.000000) can0 007#"


@settings(deadline=None)
@given(st.integers(0, 9_999_999_999_999_999), st.integers(0, 0x7FF), st.binary(max_size=8))
def test_what_is_written_is_read(t_us: int, frame_id: int, data: bytes) -> None:
    frame = CanFrame(frame_id, data)
    logged = parse_line(format_line(t_us * 1000, "vcan3", frame))
    assert (logged.t_ns, logged.channel, logged.frame) == (t_us * 1000, "vcan3", frame)


@pytest.mark.parametrize(
    "line",
    [
        "rubbish",
        "(12.345678) can0 3A0#001",
        "(12.345678) can0 3A0#001122334455667788",
        "(12.345) can0 3A0#00",
        "(12.345678) can0 3A0##100",
        "(12.345678) can0 3A0#R",
        "(nan) can0 3A0#00",
    ],
)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_line(line)


def test_log_grows_line_by_line_and_python_can_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "can.log"
    log = CanLog(path, "can0")
    for number in range(3):
        assert log.write(number * 50_000_000, CanFrame(0x3A0 + number, bytes([number] * 8)))
        assert len(path.read_text().splitlines()) == number + 1
    log.close()
    theirs = [(round(m.timestamp * 1000), m.arbitration_id, bytes(m.data)) for m in can.CanutilsLogReader(path)]
    ours = [(f.t_ns // 1_000_000, f.frame.id, f.frame.data) for f in read_log(path)]
    assert theirs == ours == [(n * 50, 0x3A0 + n, bytes([n] * 8)) for n in range(3)]


def test_log_replaces_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "can.log"
    path.write_text("old\n" * 100)
    CanLog(path, "can0").close()
    assert path.read_text() == ""


@pytest.mark.parametrize("name", ["", "missing/can.log"])
def test_a_log_that_cannot_be_opened_is_told_at_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(BadInputError, match="CAN log cannot be written"):
        CanLog(path, "can0")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_counted() -> None:
    log = CanLog(Path("/dev/full"), "can0")
    assert [log.write(0, _FRAME), log.write(1, _FRAME)] == [False, False]
    assert log.failures == 2
    log.close()


def test_a_line_that_does_not_fit_is_taken_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "can.log"
    log = CanLog(path, "can0")
    length = len(format_line(0, "can0", _FRAME)) + 1
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * length + 10, limits[1]))
    try:
        written = [log.write(number, _FRAME) for number in range(4)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert written == [True, True, False, False]
    assert log.failures == 2
    assert path.stat().st_size == 2 * length
    assert log.write(9, _FRAME)
    assert len(list(read_log(path))) == 3
    log.close()


def test_a_reader_that_goes_away_is_counted(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    log = CanLog(pipe, "can0")
    assert log.write(0, _FRAME)
    os.close(reader)
    assert log.write(1, _FRAME) is False
    log.close()


def test_writing_after_close_is_counted(tmp_path: Path) -> None:
    log = CanLog(tmp_path / "can.log", "can0")
    log.close()
    log.close()
    assert log.write(0, _FRAME) is False
    assert log.failures == 1


def test_reading_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "can.log"
    path.write_text(format_line(0, "can0", _FRAME) + "\n\nwhat is this\n")
    with pytest.raises(BadInputError, match=r"can\.log:3: expected"):
        list(read_log(path))
    with pytest.raises(BadInputError, match="cannot be read"):
        list(read_log(tmp_path / "none.log"))


def test_a_binary_file_is_refused_at_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "video.log"
    path.write_bytes(b"\0\xff" * 100_000)
    with pytest.raises(BadInputError, match=r"video\.log:1: expected"):
        list(read_log(path))
