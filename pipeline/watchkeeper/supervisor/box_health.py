"""What a Linux box tells of its own condition: temperature everywhere, throttling and supply where it has them."""

from __future__ import annotations

from pathlib import Path

from watchkeeper.supervisor.outputs import BoxCondition

# Raspberry Pi firmware: bit 0 under-voltage now, bit 1 frequency capped now, bit 2 throttled now.
_PI_THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"
_PLAUSIBLE_C = (-40.0, 150.0)


class BoxHealthReader:
    """Reads sysfs; call it about once a second. Sensors that are missing, unreadable or absurd are left out."""

    def __init__(self, sys_root: Path = Path("/sys")) -> None:
        self._zones = sorted(sys_root.glob("class/thermal/thermal_zone*/temp"))
        self._throttled = sys_root / _PI_THROTTLED

    def read(self) -> BoxCondition:
        """The hottest zone and the firmware's flags, now. Never raises."""
        temperatures = [value / 1000 for zone in self._zones if (value := _read_int(zone, 10)) is not None]
        low, high = _PLAUSIBLE_C
        flags = _read_int(self._throttled, 16) or 0
        return BoxCondition(
            temperature_c=max((t for t in temperatures if low <= t <= high), default=None),
            throttled=bool(flags & 0b110),
            under_voltage=bool(flags & 0b001),
        )


def _read_int(path: Path, base: int) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"), base)
    except (OSError, ValueError):
        return None
