"""The board's hardware watchdog: fed only after a whole cycle of the supervisor, so that a hung one resets the board.

Sources: Linux Documentation/watchdog/watchdog-api.rst, include/uapi/linux/watchdog.h.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from pathlib import Path

from watchkeeper.board import WatchdogSettings
from watchkeeper.errors import BadInputError

_GET_SUPPORT, _SET_TIMEOUT, _GET_TIMEOUT = 0x80285700, 0xC0045706, 0x80045707
_SET_PRETIMEOUT, _GET_PRETIMEOUT = 0xC0045708, 0x80045709
_OPTION_MAGIC_CLOSE, _OPTION_PRETIMEOUT = 0x100, 0x200
DEFAULT_TIMEOUT_S, DEFAULT_PRETIMEOUT_S = 10, 1
NONE = "none"
"""In place of a device: do without the board's own."""
_INFO = struct.Struct("=II32s")  # struct watchdog_info: options, firmware, identity
_NUMBER = struct.Struct("=i")


class HardwareWatchdog:
    """An open watchdog device, counting down from now on.

    timeout_s, pretimeout_s: what is asked for; the attributes hold what the device gives, read back. A pre-timeout
    (the kernel then leaves a trace of the hang) is None where the device has none or none is asked for. magic_close: a
    wanted stop can disarm it. Raises BadInputError for a device that is missing, held by another program or no
    watchdog, and for one that takes no time-out near the one asked for.
    """

    def __init__(self, path: Path, timeout_s: int, pretimeout_s: int | None = DEFAULT_PRETIMEOUT_S) -> None:
        self.path = path
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            raise BadInputError.at(path, f"cannot be opened: {error.strerror}", field="watchdog") from None
        try:
            info = bytearray(_INFO.size)
            fcntl.ioctl(self._fd, _GET_SUPPORT, info)
            options, _, identity = _INFO.unpack(info)
            self.identity = identity.rstrip(b"\0").decode(errors="replace")
            self.magic_close = bool(options & _OPTION_MAGIC_CLOSE)
        except OSError as error:
            self.disarm()
            raise BadInputError.at(path, f"is no watchdog device: {error.strerror}", field="watchdog") from None
        try:
            self._number(_SET_TIMEOUT, timeout_s)
            self.timeout_s = self._number(_GET_TIMEOUT, 0)
        except OSError as error:
            self.disarm()
            problem = f"takes no time-out of {timeout_s} s: {error.strerror}; expected one that the device can count"
            raise BadInputError.at(path, problem, field="watchdog") from None
        self.pretimeout_s: int | None = None
        if pretimeout_s is not None and options & _OPTION_PRETIMEOUT and self.timeout_s > pretimeout_s:
            with contextlib.suppress(OSError):  # listed, but refused by some: the time-out itself still holds
                self._number(_SET_PRETIMEOUT, pretimeout_s)
                self.pretimeout_s = self._number(_GET_PRETIMEOUT, 0)

    def feed(self) -> bool:
        """Start the count anew. False when the device refused; never raises."""
        try:
            os.write(self._fd, b"\0")
        except OSError:
            return False
        return True

    def disarm(self) -> None:
        """A wanted stop: say so to the device (magic close) and leave it. Without this the board is reset."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.write(self._fd, b"V")
            os.close(self._fd)
            self._fd = -1

    def _number(self, request: int, value: int) -> int:
        buffer = bytearray(_NUMBER.pack(value))
        fcntl.ioctl(self._fd, request, buffer)
        return int(_NUMBER.unpack(buffer)[0])

    def armed(self) -> str:
        """What it was told and what came of it, in one line."""
        pre = "no pre-timeout" if self.pretimeout_s is None else f"pre-timeout {self.pretimeout_s} s"
        magic = "" if self.magic_close else "; it cannot be disarmed: a wanted stop resets the board too"
        return f"watchdog {self.path} ({self.identity}) armed: time-out {self.timeout_s} s, {pre}{magic}"


def choose(board: WatchdogSettings | None, device: Path | None, timeout_s: int | None) -> WatchdogSettings | None:
    """The watchdog to arm, None for none: the board's, in which each option given (not None) replaces its own part.

    Raises BadInputError for a time-out below 2 s, and for one without a device.
    """
    if timeout_s is not None and timeout_s < 2:
        raise BadInputError(f"--watchdog-timeout {timeout_s}: expected whole seconds, at least 2")
    if str(device) == NONE:
        return None
    if device is not None:
        return WatchdogSettings(device, timeout_s or DEFAULT_TIMEOUT_S, DEFAULT_PRETIMEOUT_S)
    if board is None and timeout_s is not None:
        raise BadInputError(
            f"--watchdog-timeout {timeout_s}: expected --watchdog DEVICE too: the board file names none"
        )
    if board is None or timeout_s is None:
        return board
    before = board.pretimeout_s if board.pretimeout_s is None or board.pretimeout_s < timeout_s else None
    return WatchdogSettings(board.device, timeout_s, before)
