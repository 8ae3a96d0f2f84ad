"""The board's hardware watchdog: fed only after a whole cycle of the supervisor, so that a hung one resets the board.

Sources: Linux Documentation/watchdog/watchdog-api.rst, include/uapi/linux/watchdog.h.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from pathlib import Path

from watchkeeper.errors import BadInputError

_GET_SUPPORT, _SET_TIMEOUT, _GET_TIMEOUT = 0x80285700, 0xC0045706, 0x80045707
_SET_PRETIMEOUT, _GET_PRETIMEOUT = 0xC0045708, 0x80045709
_OPTION_MAGIC_CLOSE, _OPTION_PRETIMEOUT = 0x100, 0x200
_INFO = struct.Struct("=II32s")  # struct watchdog_info: options, firmware, identity
_NUMBER = struct.Struct("=i")


class HardwareWatchdog:
    """An open watchdog device, counting down from now on.

    timeout_s: what is asked for; the attribute holds what the device gives, read back. pretimeout_s: 1 before the end
    where the device has a pre-timeout (the kernel then leaves a trace of the hang), None where not. magic_close: a
    wanted stop can disarm it. Raises BadInputError for a device that is missing, held by another program or no
    watchdog.
    """

    def __init__(self, path: Path, timeout_s: int) -> None:
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
            self._number(_SET_TIMEOUT, timeout_s)
            self.timeout_s = self._number(_GET_TIMEOUT, 0)
            self.pretimeout_s: int | None = None
            if options & _OPTION_PRETIMEOUT and self.timeout_s > 1:
                with contextlib.suppress(OSError):  # listed, but refused by some: the time-out itself still holds
                    self._number(_SET_PRETIMEOUT, 1)
                    self.pretimeout_s = self._number(_GET_PRETIMEOUT, 0)
        except OSError as error:
            self.disarm()
            raise BadInputError.at(path, f"is no watchdog device: {error.strerror}", field="watchdog") from None

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
