"""The `candump -L` text form of CAN frames: `(0000000012.345678) can0 3A0#0011223344556677`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.frames import CanFrame

_LINE = re.compile(r"\((\d{1,10})\.(\d{6})\) (\S+) ([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#((?:[0-9A-Fa-f]{2}){0,8})(?: [RT])?")
_LONGEST_LINE = 4096


def format_line(t_ns: int, channel: str, frame: CanFrame) -> str:
    """One log line without its line end. t_ns: time of the frame, cut (not rounded) to microseconds."""
    seconds, rest_ns = divmod(t_ns, NS_PER_S)
    return f"({seconds:010d}.{rest_ns // 1000:06d}) {channel} {frame.id:03X}#{frame.data.hex().upper()}"


@dataclass(frozen=True, slots=True)
class LoggedFrame:
    """A line of a log."""

    t_ns: int
    channel: str
    frame: CanFrame


def parse_line(line: str) -> LoggedFrame:
    """The frame of one line. Raises ValueError when it is not a classic data frame in `candump -L` form."""
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise ValueError("expected `(seconds.micros) channel ID#DATA` with 0 to 8 data bytes")
    seconds, micros, channel, frame_id, data = match.groups()
    return LoggedFrame(
        int(seconds) * NS_PER_S + int(micros) * 1000, channel, CanFrame(int(frame_id, 16), bytes.fromhex(data))
    )


def read_log(path: Path) -> Iterator[LoggedFrame]:
    """The frames of a log file in order. Raises BadInputError naming file, line and what was expected."""
    try:
        with path.open(encoding="ascii", errors="replace", newline="\n") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if not line.strip():
                    continue
                try:
                    yield parse_line(line)
                except ValueError as error:
                    raise BadInputError.at(path, str(error), line=number) from None
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from None


class CanLog:
    """Writes lines as frames leave. The file is opened up front; afterwards no error of its can reach the bus.

    Each line is handed to the kernel at once. `failures` counts the lines that could not be written (full disk, reader
    gone); a line is in the file whole or not at all.
    """

    def __init__(self, path: Path, channel: str) -> None:
        """Create or empty `path`. Raises BadInputError naming it when that is not possible."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            self._fd = os.open(path, flags, 0o644)
        except OSError as error:
            raise BadInputError.at(path, f"CAN log cannot be written: {error.strerror}") from None
        self._channel = channel
        self._size = 0
        self.failures = 0

    def write(self, t_ns: int, frame: CanFrame) -> bool:
        """Append one frame; False (counted) when it could not be written."""
        line = (format_line(t_ns, self._channel, frame) + "\n").encode("ascii")
        try:
            written = os.write(self._fd, line)
        except OSError:
            self.failures += 1
            return False
        if written < len(line):
            self.failures += 1
            self._take_back()
            return False
        self._size += written
        return True

    def _take_back(self) -> None:
        # The disk took part of a line: cut it off so that the next line starts on its own.
        try:
            os.ftruncate(self._fd, self._size)
            os.lseek(self._fd, self._size, os.SEEK_SET)
        except OSError:
            pass  # a pipe: nothing to take back

    def close(self) -> None:
        """Close the file; more writes are counted as failures."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
