"""One video file opened with PyAV: pictures in order, one decoding thread, errors in words."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from stat import S_ISREG

import av
import av.logging

from watchkeeper.capture.source import SourceLost
from watchkeeper.errors import BadInputError

# Formats that hold a film in the file itself. FFmpeg would open others too: a play list that reaches into the network,
# a text file drawn as a film.
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,apng,mpeg,mpegts,mpegvideo,h264,hevc,mjpeg,ivf,flv,asf,ogg,nut,"
    "yuv4mpegpipe"
)
_EXPECTED = "expected a video file such as MP4, MKV, AVI or GIF"


class VideoFile:
    """Raises BadInputError naming the file when it cannot be opened, holds no video, or no picture of it decodes."""

    def __init__(self, path: Path) -> None:
        av.logging.set_level(None)  # FFmpeg's own remarks on stderr; what matters comes back as an exception
        self.path = path
        self.decode_errors = 0
        self._size_bytes = _size_of(path)
        self._open()
        stream = self._stream
        rate = stream.average_rate or stream.guessed_rate
        self.fps = float(rate) if rate else None
        self.time_base = Fraction(stream.time_base) if stream.time_base else Fraction(1, 90_000)
        try:
            first = next(self._pictures, None)
        except SourceLost as error:
            raise BadInputError.at(path, f"no picture in it can be decoded; {_EXPECTED}") from error
        if first is None:
            raise BadInputError.at(path, f"holds no picture that can be decoded; {_EXPECTED}")
        upright = round(int(first.rotation) / 90) % 2 == 0
        self.width, self.height = (first.width, first.height) if upright else (first.height, first.width)
        self._first: av.VideoFrame | None = first

    def pictures(self) -> Iterator[av.VideoFrame]:
        """From where the file stands to its end. Raises SourceLost when reading breaks or the file was cut short."""
        first, self._first = self._first, None
        if first is not None:
            yield first
        yield from self._pictures

    def rewind(self) -> None:
        """Stand at the beginning again. Raises SourceLost when the file cannot be opened any more."""
        self._container.close()
        try:
            self._open()
        except BadInputError as error:
            raise SourceLost(str(error)) from error

    def close(self) -> None:
        """Let go of the file; pictures handed out stay valid."""
        self._first = None
        self._pictures.close()
        self._container.close()

    def _open(self) -> None:
        try:
            container = av.open(str(self.path.absolute()), options={"format_whitelist": _CONTAINERS})
        except (av.FFmpegError, OSError, ValueError) as error:
            problem = f"{_EXPECTED}, complete and undamaged ({_reason(error)})"
            raise BadInputError.at(self.path, problem) from error
        if not container.streams.video:
            container.close()
            raise BadInputError.at(self.path, f"has no video stream; {_EXPECTED}")
        if getattr(container.streams.video[0], "codec_context", None) is None:  # as PyAV's types do not tell
            container.close()
            raise BadInputError.at(self.path, f"its pictures are in a format that nothing here decodes; {_EXPECTED}")
        self._container = container
        self._stream = container.streams.video[0]
        # One thread: frame threading would add a delay of frames and take cores from the vision thread.
        self._stream.thread_type = "SLICE"
        self._stream.codec_context.thread_count = 1
        self._pictures: Generator[av.VideoFrame, None, None] = self._decoded()

    def _decoded(self) -> Generator[av.VideoFrame, None, None]:
        packets = self._container.demux(self._stream)
        broken_off = False  # whether the newest packet reaches over the end of the file
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                raise SourceLost(f"{self.path}: reading stopped: {_reason(error)}") from error
            if packet is None:
                break
            if packet.size:  # the last one of all is empty: it asks the decoder for what it still holds
                broken_off = bool(packet.is_corrupt)
            try:
                yield from packet.decode()
            except av.FFmpegError:
                self.decode_errors += 1
        if broken_off or self._is_cut():
            raise SourceLost(f"{self.path}: the file ends before its last picture; it was cut short")

    def _is_cut(self) -> bool:
        """Whether the container's index (MP4 has one; PyAV >= 17 shows it) has pictures behind the file's end."""
        entries = getattr(self._stream, "index_entries", ())
        return any(entry.pos + entry.size > self._size_bytes for entry in entries)


def _size_of(path: Path) -> int:
    try:
        status = path.stat()
    except OSError as error:
        raise BadInputError.at(path, f"{error.strerror}; {_EXPECTED}") from error
    if not S_ISREG(status.st_mode):  # a pipe could block for ever
        raise BadInputError.at(path, f"not a regular file; {_EXPECTED}")
    if status.st_size == 0:
        raise BadInputError.at(path, f"the file is empty; {_EXPECTED}")
    return status.st_size


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
