"""Is what vision says still true? Judged by the age of the newest picture it judged, at every slot of the bus.

A running vision process proves nothing: only a new exposure with a new sequence number is progress. What vision says of
itself (CameraLost) is believed before its silence is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from watchkeeper.clock import NS_PER_MS
from watchkeeper.types import Cause, VisionReport

STALE_AFTER_NS = 200 * NS_PER_MS
"""Older than this is StaleVision (CAN contract). So is a picture from so far in the future: its clock is wrong."""

FROZEN_AFTER_NS = 300 * NS_PER_MS
"""The same picture for this long, and _REPEATS_MIN times at least, is CameraFrozen. Tuned on: of 30 pictures a second
of the demo drive, of three filmed and of three rendered clips no two in a row were the same."""
_REPEATS_MIN = 3


class VisionPhase(Enum):
    """Where the vision process is in its life; who keeps it (restart.py) says so."""

    STARTING = "starting"  # first start, nothing seen of it yet
    RUNNING = "running"
    RESTARTING = "restarting"  # dead, killed, or started again and not up yet
    ENDED = "ended"  # its source came to the end
    FAULT = "fault"  # will not heal by another start


@dataclass(frozen=True, slots=True)
class VisionStatus:
    """The vision process as its keeper sees it. cause: why it is RESTARTING or in FAULT, else NONE. stopped: the kernel
    says that it is stopped (SIGSTOP): it cannot be measuring, however fresh its last measurement still is."""

    phase: VisionPhase = VisionPhase.RUNNING
    cause: Cause = Cause.NONE
    stopped: bool = False


class Freshness:
    """The exposure time of the newest picture that really was a new one."""

    def __init__(self) -> None:
        self._pid = 0
        self._seq = 0
        self.exposure_ns: int | None = None

    def step(self, report: VisionReport | None) -> bool:
        """Take in the newest report; True when it brought a new measurement.

        The same sequence number under a newer exposure time is a frozen pipeline, not a new measurement; a source that
        does not number its pictures leaves 0. Another process starts from nothing.
        """
        if report is None or report.driver is None:
            return False
        if report.pid != self._pid:
            self._pid, self._seq, self.exposure_ns = report.pid, 0, None
        seq = report.driver.seq
        if self.exposure_ns is not None and (report.exposure_ns <= self.exposure_ns or (seq and seq == self._seq)):
            return False
        self.exposure_ns, self._seq = report.exposure_ns, seq
        return True

    def is_stale(self, t_ns: int) -> bool:
        """Whether the newest measurement is too old (or too far ahead) to be shown at `t_ns`. True before the first."""
        return self.exposure_ns is None or abs(t_ns - self.exposure_ns) > STALE_AFTER_NS


class FrozenPicture:
    """Whether every new exposure shows the same picture. Survives a restart of vision: the same picture from a new
    process is still the same picture."""

    def __init__(self) -> None:
        self._content = 0
        self._since_ns = self._newest_ns = 0
        self._repeats = 0

    def step(self, report: VisionReport | None) -> bool:
        """Take in the newest report; True while the picture is frozen."""
        if report is None or report.driver is None or report.exposure_ns == self._newest_ns:
            return self.frozen
        self._newest_ns = report.exposure_ns
        if report.content == 0 or report.content != self._content:
            self._content, self._since_ns, self._repeats = report.content, report.exposure_ns, 0
        else:
            self._repeats += 1
        return self.frozen

    @property
    def frozen(self) -> bool:
        """Whether the newest pictures are all the same, and that for FROZEN_AFTER_NS."""
        return self._repeats >= _REPEATS_MIN and self._newest_ns - self._since_ns >= FROZEN_AFTER_NS


class Liveness:
    """The one cause that vision's process, its own words and the age of its pictures come to."""

    def __init__(self) -> None:
        self._fresh = Freshness()
        self._picture = FrozenPicture()

    def step(self, report: VisionReport | None, status: VisionStatus, t_ns: int) -> Cause:
        """The cause at `t_ns`, NONE while vision can be trusted. `report`: the newest of the present process."""
        self._fresh.step(report)
        frozen = self._picture.step(report)
        if status.phase in (VisionPhase.RESTARTING, VisionPhase.FAULT):
            return status.cause
        if report is None:
            return Cause.STARTING
        if report.condition not in (Cause.NONE, Cause.STARTING):
            return report.condition
        if report.driver is None:
            return Cause.STARTING
        if status.stopped or self._fresh.is_stale(t_ns):
            return Cause.STALE_VISION
        return Cause.CAMERA_FROZEN if frozen else Cause.NONE
