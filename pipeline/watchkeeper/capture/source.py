"""What every picture source offers, and the way in: `open_source("file:clip.mp4", paced=True)`.

    with closing(open_source("demo:", paced=True)) as source:
        while True:
            lease = source.next(timeout_s=0.1)  # None: nothing came within the time-out
            if lease is not None:
                with lease:
                    use(lease.frame)            # valid until the lease is released

Importing this table probes no hardware and imports no library; a scheme's class is imported when it is asked for.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from watchkeeper.capture.lease import FrameLease
from watchkeeper.clock import now_ns
from watchkeeper.errors import BadInputError, WatchkeeperError

_SOURCES = {
    "csi": "watchkeeper.capture.jetson:open_csi",
    "demo": "watchkeeper.capture.video:open_demo",
    "file": "watchkeeper.capture.video:open_video",
    "pattern": "watchkeeper.capture.pattern:open_pattern",
    "picamera2": "watchkeeper.capture.picamera2:open_picamera2",
    "v4l2": "watchkeeper.capture.v4l2:open_v4l2",
    "v4l2-fake": "watchkeeper.capture.v4l2_fake:open_fake",
}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+-]*):(.*)", re.DOTALL)

Clock = Callable[[], int]


class EndOfSource(Exception):  # noqa: N818  (an end, like StopIteration, is no error)
    """The last frame has been handed out, or the source was closed."""


class SourceLost(WatchkeeperError):  # noqa: N818  (what happened, in the bus's own word: CameraLost)
    """The device or file broke after it had been opened; the text says how."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What the source said when it was opened. fps: its nominal rate, None when it has none."""

    name: str
    width: int
    height: int
    fps: float | None


class Source(Protocol):
    """Frames one after the other. One thread calls `next`; `close` may come from any other."""

    @property
    def info(self) -> SourceInfo: ...

    @property
    def outstanding(self) -> int:
        """Leases handed out and not yet released."""
        ...

    @property
    def lost_frames(self) -> int:
        """Frames the source itself skipped (nobody took them in time, or they could not be decoded)."""
        ...

    @property
    def copied_bytes(self) -> int:
        """Bytes the CPU copied to convert frames to a known pixel format; 0 where buffers are handed on as they are."""
        ...

    def next(self, timeout_s: float) -> FrameLease | None:
        """The next frame, or None when none came within `timeout_s`. t_ns and seq only ever grow.

        Raises EndOfSource at the end and after close, SourceLost when the device or file broke.
        """
        ...

    def close(self) -> None:
        """Stop; may be called again. A `next` that is waiting ends. Leases that are out stay valid until released."""
        ...


class ExposureControl(Protocol):
    """A camera's exposure time (microseconds) and gain (1 and more), taken over from its own automatism."""

    @property
    def shortest_us(self) -> float: ...
    @property
    def longest_us(self) -> float: ...
    @property
    def largest_gain(self) -> float: ...

    def now(self) -> tuple[float, float]:
        """Exposure time and gain, as the camera has them. Raises OSError."""
        ...

    def write(self, exposure_us: float, gain: float) -> None:
        """Set both, each to the nearest that the camera has. Raises OSError."""
        ...


@runtime_checkable
class ExposedByUs(Protocol):
    """A source that was told `exposure=face` in its URI has this not None."""

    @property
    def exposure(self) -> ExposureControl | None: ...


class SourceOpener(Protocol):
    """How the table's entries are called: `argument` is the URI after its scheme."""

    def __call__(self, argument: str, *, paced: bool, repeat: bool, clock: Clock) -> Source: ...


def source_schemes() -> list[str]:
    """Schemes `open_source` knows."""
    return sorted(_SOURCES)


def check_uri(uri: str) -> None:
    """What can be told of a URI without opening it: raises BadInputError for an unknown scheme or a missing file."""
    scheme, argument = _split(uri)
    if scheme == "file" and not Path(argument).is_file():
        raise BadInputError.at(argument, "expected a video file" if Path(argument).exists() else "no such file")


def _split(uri: str) -> tuple[str, str]:
    """(scheme, the rest); a bare path is `file`. Raises BadInputError listing the known schemes."""
    match = _SCHEME.fullmatch(uri)
    scheme, argument = match.groups() if match else ("file", uri)
    if scheme not in _SOURCES:
        if not Path(uri).exists():
            raise BadInputError(f"source {uri}: unknown scheme {scheme!r}; known are {', '.join(source_schemes())}")
        return "file", uri  # a bare path whose name has a colon
    return scheme, argument


def open_source(uri: str, *, paced: bool, repeat: bool = False, clock: Clock = now_ns) -> Source:
    """The source a URI names: `file:PATH` (or a bare path), `demo:`, `pattern:WxH@FPS`, a camera's.

    paced: frames come when their time has come and t_ns is on `clock`; otherwise as fast as they are taken, and t_ns
    counts from the first frame. repeat: begin again at the end, t_ns and seq growing on. Raises BadInputError for an
    unknown scheme (listing the known) or a source that cannot be opened.
    """
    scheme, argument = _split(uri)
    module, _, attribute = _SOURCES[scheme].partition(":")
    try:
        opener = cast(SourceOpener, getattr(importlib.import_module(module), attribute))
    except ModuleNotFoundError as error:
        raise BadInputError(f"source {uri}: needs the module {error.name}, which is not installed") from error
    return opener(argument, paced=paced, repeat=repeat, clock=clock)
