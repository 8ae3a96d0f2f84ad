"""A camera's exposure time and gain through V4L2's controls, for whoever wants to set them (runtime/exposure.py).

UVC cameras have `exposure_time_absolute` in units of 100 us and `gain`; raw sensors behind a bridge have `exposure` in
lines, whose length only their driver knows, and are not offered here. From linux/v4l2-controls.h and videodev2.h.
"""

from __future__ import annotations

import ctypes
from ctypes import c_char, c_int32, c_uint32
from dataclasses import dataclass

from watchkeeper.capture.v4l2_kernel import Kernel

EXPOSURE_AUTO, EXPOSURE_ABSOLUTE = 0x009A0901, 0x009A0902
GAIN, ANALOGUE_GAIN = 0x00980913, 0x009E0903
EXPOSURE_MANUAL = 1
FLAG_DISABLED, FLAG_READ_ONLY = 0x1, 0x4
_US_PER_UNIT = 100.0


class QueryControl(ctypes.Structure):
    """v4l2_queryctrl."""

    _fields_ = [
        ("id", c_uint32), ("type", c_uint32), ("name", c_char * 32), ("minimum", c_int32), ("maximum", c_int32),
        ("step", c_int32), ("default_value", c_int32), ("flags", c_uint32), ("reserved", c_uint32 * 2),
    ]  # fmt: skip


class Control(ctypes.Structure):
    """v4l2_control."""

    _fields_ = [("id", c_uint32), ("value", c_int32)]


def _request(number: int, size: int) -> int:
    """_IOWR('V', number, size)."""
    return 3 << 30 | size << 16 | ord("V") << 8 | number


QUERYCTRL = _request(36, ctypes.sizeof(QueryControl))
G_CTRL, S_CTRL = _request(27, ctypes.sizeof(Control)), _request(28, ctypes.sizeof(Control))


@dataclass(frozen=True, slots=True)
class _Range:
    """One control: its identifier and the whole numbers it takes."""

    control: int
    low: int
    high: int
    step: int

    def nearest(self, value: float) -> int:
        steps = round((value - self.low) / self.step)
        return max(self.low, min(self.high, self.low + steps * self.step))


class V4l2Exposure:
    """Exposure time and gain of an open camera. `open_exposure` makes one; the camera's automatism is off from then."""

    def __init__(self, kernel: Kernel, fd: int, exposure: _Range, gain: _Range | None, unity: int) -> None:
        self._kernel, self._fd, self._exposure, self._gain, self._unity = kernel, fd, exposure, gain, unity

    @property
    def shortest_us(self) -> float:
        """Microseconds."""
        return max(self._exposure.low, 1) * _US_PER_UNIT

    @property
    def longest_us(self) -> float:
        """Microseconds; longer than a frame only slows the camera down."""
        return self._exposure.high * _US_PER_UNIT

    @property
    def largest_gain(self) -> float:
        """Over the control's lowest value above zero, taken as a gain of 1: drivers do not state the unit."""
        return 1.0 if self._gain is None else max(1.0, self._gain.high / self._unity)

    def now(self) -> tuple[float, float]:
        """Exposure time in microseconds and gain, as the camera has them. Raises OSError."""
        gain = 1.0 if self._gain is None else max(1.0, self._read(self._gain.control) / self._unity)
        return self._read(self._exposure.control) * _US_PER_UNIT, gain

    def write(self, exposure_us: float, gain: float) -> None:
        """Set both, each to the nearest that the camera has. Raises OSError."""
        self._set(self._exposure.control, self._exposure.nearest(exposure_us / _US_PER_UNIT))
        if self._gain is not None:
            self._set(self._gain.control, self._gain.nearest(gain * self._unity))

    def _read(self, control: int) -> int:
        asked = Control(id=control)
        self._kernel.ioctl(self._fd, G_CTRL, asked)
        return int(asked.value)

    def _set(self, control: int, value: int) -> None:
        self._kernel.ioctl(self._fd, S_CTRL, Control(id=control, value=value))


def open_exposure(kernel: Kernel, fd: int) -> V4l2Exposure | None:
    """Take the exposure of an open camera over from its automatism; None when it has no such controls. Raises OSError
    when the camera refuses to leave its automatism."""
    exposure = _query(kernel, fd, EXPOSURE_ABSOLUTE)
    if exposure is None:
        return None
    gain = _query(kernel, fd, GAIN) or _query(kernel, fd, ANALOGUE_GAIN)
    if _query(kernel, fd, EXPOSURE_AUTO) is not None:
        kernel.ioctl(fd, S_CTRL, Control(id=EXPOSURE_AUTO, value=EXPOSURE_MANUAL))
    return V4l2Exposure(kernel, fd, exposure, gain, 1 if gain is None else max(gain.low, 1))


def _query(kernel: Kernel, fd: int, control: int) -> _Range | None:
    asked = QueryControl(id=control)
    try:
        kernel.ioctl(fd, QUERYCTRL, asked)
    except OSError:  # EINVAL: no such control; ENOTTY: a driver without any
        return None
    if asked.flags & (FLAG_DISABLED | FLAG_READ_ONLY) or asked.maximum < asked.minimum:
        return None
    return _Range(control, int(asked.minimum), int(asked.maximum), max(int(asked.step), 1))
