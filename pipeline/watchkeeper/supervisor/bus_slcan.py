"""`slcan:/dev/ttyACM0@500000`: a USB or serial adapter that speaks the LAWICEL text protocol.

A frame is `t` + three hex digits of identifier + length + data in hex + CR; `Sn` sets the bit rate, `O` opens, `L`
opens listen-only, `C` closes. Adapters answer CR (done), `z`CR (queued) or BEL (refused); some firmwares answer
nothing, so no answer is waited for. Source: LAWICEL CANUSB manual.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import termios
import time
from collections.abc import Collection
from pathlib import Path

from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.frames import CanFrame

_BIT_RATES = {10000: 0, 20000: 1, 50000: 2, 100000: 3, 125000: 4, 250000: 5, 500000: 6, 800000: 7, 1000000: 8}
_DEFAULT_BIT_RATE = 500000
# Of a real UART; USB adapters ignore it. 72 frames/s of 22 characters need 16 kbit/s.
_TTY_SPEED = termios.B115200
_BELL, _END = 0x07, 0x0D
_LONGEST_LINE = 64
_CLOSE_WAIT_S = 0.05
_PTY_PREFIX = "/dev/pts/"


class SlcanPort:
    """An adapter on a serial port, held exclusively. Raises BadInputError when it is absent, in use or no terminal."""

    def __init__(self, uri: str, target: str, receive: Collection[int] | None, listen_only: bool) -> None:
        device, at, rate = target.rpartition("@")
        if not at:
            device, rate = target, str(_DEFAULT_BIT_RATE)
        if not rate.isdecimal() or int(rate) not in _BIT_RATES:
            rates = ", ".join(str(known) for known in _BIT_RATES)
            raise BadInputError.at(uri, f"bit rate {rate!r}: expected one of {rates}", field="bus")
        self.bus_off_count = 0
        self.overruns = 0
        self._pending = b""  # rest of a line of which the port has taken the beginning
        self._line = bytearray()
        self._fd = _open_serial(uri, device)
        try:
            # CR first ends whatever half line a predecessor may have left in the adapter
            self._write_all(b"\r\rC\r" + f"S{_BIT_RATES[int(rate)]}\r".encode() + (b"L\r" if listen_only else b"O\r"))
        except OSError as error:
            os.close(self._fd)
            raise BadInputError.at(uri, f"adapter does not take commands: {error.strerror}", field="bus") from None

    def write(self, frame: CanFrame) -> None:
        """Send one frame; BlockingIOError while the port is full."""
        if self._pending:
            self._pending = self._pending[os.write(self._fd, self._pending) :]
            if self._pending:
                raise BlockingIOError(errno.EAGAIN, "serial port full")
        self._write_all(f"t{frame.id:03X}{len(frame.data)}{frame.data.hex().upper()}\r".encode("ascii"))

    def _write_all(self, line: bytes) -> None:
        # Once the beginning of a line is in the port its end must follow before anything else.
        self._pending = line[os.write(self._fd, line) :]

    def read(self, limit: int) -> list[CanFrame]:
        """Data frames that have arrived; refusals of the adapter are counted as overruns."""
        frames: list[CanFrame] = []
        while len(frames) < limit:
            try:
                data = os.read(self._fd, 256)
            except BlockingIOError:
                break
            if not data:
                raise OSError(errno.ENODEV, "serial port hung up")
            for byte in data:
                if byte == _END:
                    if (frame := _parse(bytes(self._line))) is not None:
                        frames.append(frame)
                    self._line.clear()
                elif byte == _BELL:
                    self.overruns += 1
                    self._line.clear()
                elif len(self._line) < _LONGEST_LINE:
                    self._line.append(byte)
        return frames

    def fileno(self) -> int:
        """Descriptor to wait on."""
        return self._fd

    def close(self) -> None:
        """Take the adapter off the bus and release the port; waits at most 50 ms for the port to empty."""
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        with contextlib.suppress(OSError, termios.error):
            os.write(fd, self._pending + b"C\r")
            deadline_s = time.monotonic() + _CLOSE_WAIT_S
            while _unsent_bytes(fd) and time.monotonic() < deadline_s:
                time.sleep(0.002)
            if _unsent_bytes(fd):
                # without this the kernel may wait up to 30 s in close() for a port that takes nothing
                termios.tcflush(fd, termios.TCOFLUSH)
        os.close(fd)


def _unsent_bytes(fd: int) -> int:
    value: int = struct.unpack("=i", fcntl.ioctl(fd, termios.TIOCOUTQ, b"\0\0\0\0"))[0]
    return value


def _open_serial(uri: str, device: str) -> int:
    try:
        # O_NONBLOCK: neither opening (no carrier) nor writing (adapter stuck) may ever wait
        fd = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise BadInputError.at(uri, f"{device} is in use by another program", field="bus") from None
        raise BadInputError.at(uri, f"{device} cannot be opened: {error.strerror}", field="bus") from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # what pyserial and other tools look at
        _make_raw(fd)
        if not str(Path(device).resolve()).startswith(_PTY_PREFIX):
            # On a pseudo-terminal this mark would outlive us for as long as its other end is open.
            fcntl.ioctl(fd, termios.TIOCEXCL)
    except BlockingIOError:
        os.close(fd)
        raise BadInputError.at(uri, f"{device} is in use by another program", field="bus") from None
    except (OSError, termios.error) as error:
        os.close(fd)
        raise BadInputError.at(uri, f"{device} is not a serial port: {error.args[-1]}", field="bus") from None
    return fd


def _make_raw(fd: int) -> None:
    attributes = termios.tcgetattr(fd)
    # no translation, no echo, no flow control: input, output, control and local flags, then both speeds
    attributes[:6] = [0, 0, termios.CS8 | termios.CREAD | termios.CLOCAL, 0, _TTY_SPEED, _TTY_SPEED]
    control: list[bytes | int] = attributes[6]
    control[termios.VMIN] = 1  # so that nothing there is EAGAIN and a hang-up is an empty read
    control[termios.VTIME] = 0
    termios.tcsetattr(fd, termios.TCSANOW, attributes)
    termios.tcflush(fd, termios.TCIOFLUSH)


def _parse(line: bytes) -> CanFrame | None:
    """A classic data frame with an 11-bit identifier; anything else on the line is not for us."""
    if len(line) < 5 or line[:1] != b"t":
        return None
    try:
        frame_id, length = int(line[1:4], 16), int(line[4:5])
        data = bytes.fromhex(line[5:].decode("ascii"))
    except ValueError:
        return None
    # some adapters append a 16-bit time stamp
    if length > 8 or len(data) not in (length, length + 2) or frame_id > 0x7FF:
        return None
    return CanFrame(frame_id, data[:length])
