"""Heat, clocks and throttling of the machine as sysfs tells them. Call `read` about once a second, not inside a frame.

Sources: Linux Documentation/admin-guide/pm/cpufreq.rst, driver-api/thermal/sysfs-api.rst; Raspberry Pi documentation of
`vcgencmd get_throttled` (bits 0-3 now, 16-19 since boot); x86 /sys/devices/system/cpu/cpu*/thermal_throttle.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_PI_THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"
_PI_BITS = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
_JETSON_OVER_CURRENT = "class/hwmon/hwmon*/oc*_event_cnt"
_JETSON_POWER = "lib/nvpmodel/status"  # what `nvpmodel -m` keeps over a restart, such as pmode:0000
_ACPI_POWER = "firmware/acpi/platform_profile"
_X86_COUNTS = "devices/system/cpu/cpu*/thermal_throttle/core_throttle_count"


@dataclass(frozen=True, slots=True)
class MachineState:
    """None: this machine does not tell. events: throttling ever counted, to be compared between two readings."""

    temperature_mc: int | None = None
    frequency_khz: int | None = None  # of the slowest core now
    frequency_max_khz: int | None = None
    governors: tuple[str, ...] = ()
    throttled: tuple[str, ...] = ()  # what holds now, in words
    events: int = 0
    power_mode: str = ""  # as the machine names it


class MachineWatch:
    """sys_root, var_root: other trees in tests."""

    def __init__(self, sys_root: Path = Path("/sys"), var_root: Path = Path("/var")) -> None:
        self._root = sys_root
        self._power_mode = next(
            (text for path in (var_root / _JETSON_POWER, sys_root / _ACPI_POWER) if (text := _text(path))), ""
        )
        self._zones = sorted(sys_root.glob("class/thermal/thermal_zone*/temp"))
        self._cores = sorted(sys_root.glob("devices/system/cpu/cpu[0-9]*/cpufreq"))
        self._counts = [*sys_root.glob(_X86_COUNTS), *sys_root.glob(_JETSON_OVER_CURRENT)]

    def read(self) -> MachineState:
        """Never raises: a sensor that is gone or absurd is left out."""
        hot = [v for zone in self._zones if (v := _number(zone)) is not None and -40_000 <= v <= 150_000]
        now = [v for core in self._cores if (v := _number(core / "scaling_cur_freq")) is not None]
        most = [v for core in self._cores if (v := _number(core / "cpuinfo_max_freq")) is not None]
        governors = {_text(core / "scaling_governor") for core in self._cores} - {""}
        flags = _number(self._root / _PI_THROTTLED, 16) or 0
        return MachineState(
            max(hot, default=None), min(now, default=None), max(most, default=None), tuple(sorted(governors)),
            tuple(word for bit, word in _PI_BITS.items() if flags >> bit & 1),
            sum(_number(path) or 0 for path in self._counts) + (flags >> 16).bit_count(), self._power_mode,
        )  # fmt: skip


def throttled_between(before: MachineState, after: MachineState) -> str | None:
    """Why figures taken between two readings do not hold, or None."""
    if after.throttled or before.throttled:
        return "throttled: " + ", ".join(sorted({*before.throttled, *after.throttled}))
    if after.events > before.events:
        return f"throttled {after.events - before.events} times meanwhile"
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path, base: int = 10) -> int | None:
    try:
        return int(_text(path), base)
    except ValueError:
        return None
