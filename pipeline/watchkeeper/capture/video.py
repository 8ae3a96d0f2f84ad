"""`file:PATH` and `demo:`: a video file through PyAV, handing on the decoder's own planes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from watchkeeper.capture.lease import FrameLease, LeaseCount
from watchkeeper.capture.pacing import Pacer, Timeline
from watchkeeper.capture.planes import frame_of
from watchkeeper.capture.source import Clock, EndOfSource, SourceInfo, SourceLost
from watchkeeper.capture.video_file import VideoFile
from watchkeeper.clock import NS_PER_S
from watchkeeper.data import data_path
from watchkeeper.errors import BadInputError

# A paced source that has fallen behind decodes on for at most this long before it plays slower instead.
_CATCH_UP_S = 0.1
_CLOSE_WAIT_S = 2.0


def open_video(argument: str, *, paced: bool, repeat: bool, clock: Clock) -> VideoSource:
    """`file:PATH`. Raises BadInputError naming the file and what was expected."""
    if not argument:
        raise BadInputError("source file:: expected a path after the colon, such as file:drive.mp4")
    return VideoSource(Path(argument), paced=paced, repeat=repeat, clock=clock)


def open_demo(argument: str, *, paced: bool, repeat: bool, clock: Clock) -> VideoSource:
    """`demo:`: the packaged drive. Raises BadInputError when anything follows the colon."""
    if argument:
        raise BadInputError(f"source demo:{argument}: expected nothing after the colon; a file of yours is file:PATH")
    return VideoSource(data_path("demo", "demo_drive.mp4"), paced=paced, repeat=repeat, clock=clock)


@dataclass(frozen=True, slots=True)
class _Decoded:
    t_ns: int  # since the first frame
    seq: int
    picture: av.VideoFrame


class VideoSource:
    """A `Source` over one file.

    Packets that do not decode are skipped: counted in `lost_frames`, a gap in seq. A file that was cut short ends in
    SourceLost where its index tells (MP4), else like any file. Paced and behind: frames whose successor is due too are
    skipped likewise, as a camera would, so there is never a burst; if decoding itself is too slow the film plays
    slower, each frame stamped with the time it came.
    """

    def __init__(self, path: Path, *, paced: bool, repeat: bool, clock: Clock) -> None:
        self._file = VideoFile(path)
        self._repeat = repeat
        self._closed = threading.Event()
        self._lock = threading.Lock()  # held while the decoder is in use
        self._leases = LeaseCount()
        self._pacer = Pacer(clock, self._closed) if paced else None
        self._period_ns = round(NS_PER_S / self._file.fps) if self._file.fps else NS_PER_S // 30
        self._timeline = Timeline(self._file.time_base, self._period_ns)
        self._seq = 0
        self._skipped = 0
        self._copied_bytes = 0
        self._pictures: Iterator[av.VideoFrame] = self._file.pictures()
        self._over: EndOfSource | SourceLost | None = None
        self._waiting: _Decoded | None = None
        self._info = SourceInfo(path.name, self._file.width, self._file.height, self._file.fps)

    @property
    def info(self) -> SourceInfo:
        return self._info

    @property
    def outstanding(self) -> int:
        return self._leases.outstanding

    @property
    def lost_frames(self) -> int:
        return self._skipped + self._file.decode_errors

    @property
    def copied_bytes(self) -> int:
        return self._copied_bytes

    def next(self, timeout_s: float) -> FrameLease | None:
        with self._lock:
            give_up_s = time.monotonic() + timeout_s
            decoded, self._waiting = self._waiting or self._decode(), None
            t_ns = decoded.t_ns
            if self._pacer is not None:
                if not self._pacer.wait(decoded.t_ns, give_up_s):
                    self._waiting = decoded
                    self._raise_if_closed()
                    return None
                decoded = self._catch_up(decoded, self._pacer)
                t_ns = self._pacer.absolute_ns(decoded.t_ns)
            frame, copied_bytes = frame_of(decoded.picture, t_ns, decoded.seq)
            self._copied_bytes += copied_bytes
            return self._leases.lend(frame)

    def close(self) -> None:
        self._closed.set()
        # A read that hangs (a network folder) must not hang close as well; the process's end frees the rest.
        if self._lock.acquire(timeout=_CLOSE_WAIT_S):
            try:
                self._waiting = None
                self._file.close()
            finally:
                self._lock.release()

    def _raise_if_closed(self) -> None:
        if self._closed.is_set():
            raise EndOfSource("closed")

    def _decode(self) -> _Decoded:
        self._raise_if_closed()
        if self._over is not None:
            raise self._over
        try:
            picture = next(self._pictures, None)
            if picture is None and self._repeat:
                self._file.rewind()
                self._timeline.repeat()
                self._pictures = self._file.pictures()
                picture = next(self._pictures, None)
        except SourceLost as error:
            self._over = error
            raise
        if picture is None:
            self._over = EndOfSource(self._info.name)
            raise self._over
        decoded = _Decoded(self._timeline.place(picture.pts), self._seq + self._file.decode_errors, picture)
        self._seq += 1
        return decoded

    def _catch_up(self, decoded: _Decoded, pacer: Pacer) -> _Decoded:
        give_up_s = time.monotonic() + _CATCH_UP_S
        while pacer.late_ns(decoded.t_ns) >= self._period_ns:
            try:
                following = self._decode()
            except (EndOfSource, SourceLost):  # kept, and raised by the next call
                return decoded
            if pacer.late_ns(following.t_ns) < 0:
                self._waiting = following
                return decoded
            self._skipped += 1
            decoded = following
            if time.monotonic() >= give_up_s:
                pacer.shift(pacer.late_ns(decoded.t_ns))
        return decoded
