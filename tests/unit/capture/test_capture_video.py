"""Video files: time, colour, orientation, and every way a file can be wrong."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from watchkeeper.capture import planes, video
from watchkeeper.capture.planes import frame_of
from watchkeeper.capture.source import EndOfSource, Source, SourceLost, open_source
from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.preprocess.backends import open_preprocessor
from watchkeeper.preprocess.spec import OutputSpec
from watchkeeper.types import ColorMatrix, Frame, PixelFormat, Region

FRAMES = 20


def _write(path: Path, *, faststart: bool = False, frames: int = FRAMES) -> Path:
    """64x48, 25 fps: the left half dark, the right half bright, noise so that packets have a size."""
    noise = np.random.default_rng(1)
    with av.open(str(path), "w", options={"movflags": "faststart"} if faststart else {}) as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.gop_size = 1
        for i in range(frames):
            rgb = noise.integers(0, 40, (48, 64, 3), np.uint8)
            rgb[:, 32:] += 180
            picture = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            picture.pts = i
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def _drain(source: Source) -> tuple[list[Frame], EndOfSource | SourceLost]:
    """Every frame's description and what came after the last; the pictures themselves go back at once."""
    frames: list[Frame] = []
    while True:
        try:
            lease = source.next(1.0)
        except (EndOfSource, SourceLost) as error:
            return frames, error
        assert lease is not None
        with lease:
            frames.append(lease.frame)


def test_thirty_frames_a_second_are_rounded_not_truncated(demo_clip: Path) -> None:
    source = open_source(str(demo_clip), paced=False)
    stamps = []
    for _ in range(4):
        lease = source.next(1.0)
        assert lease is not None
        with lease:
            stamps.append(lease.frame.t_ns)
    source.close()
    assert stamps == [0, 33_333_333, 66_666_667, 100_000_000]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("text.mp4", b"hello, this is a text\n" * 500, "expected a video file"),
        ("text.txt", b"hello, this is a text\n" * 500, "expected a video file"),
        ("empty.mp4", b"", "the file is empty; expected a video file"),
        ("play.m3u8", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n", "expected a video file"),
        ("list.ffconcat", b"ffconcat version 1.0\nfile 'a.mp4'\n", "expected a video file"),
        ("noise.mp4", bytes(range(256)) * 64, "expected a video file"),
    ],
)
def test_files_that_are_no_video(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=expected) as caught:
        open_source(f"file:{path}", paced=False)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_file_folder_and_pipe(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="No such file or directory"):
        open_source(f"file:{tmp_path / 'no.mp4'}", paced=False)
    with pytest.raises(BadInputError, match="not a regular file"):
        open_source(f"file:{tmp_path}", paced=False)
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(BadInputError, match="not a regular file"):
        open_source(f"file:{tmp_path / 'pipe.mp4'}", paced=False)


@pytest.mark.parametrize("uri", ["file:", "", "demo:other"])
def test_argument_missing_or_too_much(uri: str) -> None:
    with pytest.raises(BadInputError, match="after the colon"):
        open_source(uri, paced=False)


def test_bare_path_with_a_colon_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path / "drive:1.mp4", frames=2)
    monkeypatch.chdir(tmp_path)
    source = open_source("drive:1.mp4", paced=False)
    assert len(_drain(source)[0]) == 2
    source.close()


def test_sound_without_pictures(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 16_000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(BadInputError, match="has no video stream"):
        open_source(str(path), paced=False)


def test_container_without_a_single_frame(tmp_path: Path) -> None:
    path = tmp_path / "bare.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    with pytest.raises(BadInputError, match="expected a video file") as caught:
        open_source(str(path), paced=False)
    assert str(path) in str(caught.value)


def test_cut_in_the_middle_is_lost_after_the_frames_that_are_there(tmp_path: Path) -> None:
    whole = _write(tmp_path / "whole.mp4", faststart=True).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    source = open_source(str(tmp_path / "cut.mp4"), paced=False)
    frames, error = _drain(source)
    assert 0 < len(frames) < FRAMES
    assert isinstance(error, SourceLost)
    assert "cut.mp4: the file ends before its last picture" in str(error)
    with pytest.raises(SourceLost):
        source.next(1.0)
    source.close()


def test_cut_before_its_index_cannot_be_opened(tmp_path: Path) -> None:
    whole = _write(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInputError, match="complete and undamaged"):
        open_source(str(tmp_path / "cut.mp4"), paced=False)


def test_damaged_packets_are_skipped_and_counted(demo_clip: Path, tmp_path: Path) -> None:
    data = bytearray(demo_clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(3).bytes(3000)
    (tmp_path / "damaged.mp4").write_bytes(data)
    source = open_source(str(tmp_path / "damaged.mp4"), paced=False)
    frames, _ = _drain(source)
    source.close()
    assert source.lost_frames > 0
    assert len(frames) + source.lost_frames == 1350
    assert frames[-1].seq == 1349
    assert frames[-1].t_ns == round(1349 * NS_PER_S / 30)


def test_file_that_goes_away_while_it_repeats(tmp_path: Path) -> None:
    path = _write(tmp_path / "clip.mp4")
    source = open_source(str(path), paced=False, repeat=True)
    path.unlink()
    frames, error = _drain(source)
    assert len(frames) == FRAMES
    assert isinstance(error, SourceLost)
    assert "clip.mp4" in str(error)
    source.close()


def test_decoder_that_is_too_slow_plays_slower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no time to catch up, the second frame is stamped with now instead of falling further behind."""
    monkeypatch.setattr(video, "_CATCH_UP_S", -1.0)
    now = [5 * NS_PER_S]
    source = open_source(str(_write(tmp_path / "clip.mp4")), paced=True, clock=lambda: now[0])
    first = source.next(0.0)
    assert first is not None
    first.release()
    now[0] += 10 * NS_PER_S // 25
    late = source.next(0.0)
    assert late is not None
    assert (late.frame.t_ns, late.frame.seq) == (now[0], 2)
    assert source.next(0.0) is None
    now[0] += NS_PER_S // 25
    following = source.next(0.0)
    assert following is not None
    assert (following.frame.t_ns, following.frame.seq) == (now[0], 3)
    source.close()


def _turned(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """The film with another display matrix in its track header (ISO 14496-12, tkhd)."""
    data = bytearray(path.read_bytes())
    upright = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    at = data.index(upright, data.index(b"tkhd"))
    a, b, c, d = (value << 16 for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def _halves(frame: Frame) -> tuple[float, float, float, float]:
    """Mean luma of the left, right, top and bottom half."""
    luma = np.frombuffer(frame.planes[0], np.uint8).reshape(frame.height, frame.strides[0])[:, : frame.width]
    h, w = frame.height // 2, frame.width // 2
    return float(luma[:, :w].mean()), float(luma[:, w:].mean()), float(luma[:h].mean()), float(luma[h:].mean())


@pytest.mark.parametrize(
    ("matrix", "size", "bright"),
    [
        ((1, 0, 0, 1), (64, 48), "right"),
        ((0, 1, -1, 0), (48, 64), "bottom"),  # a quarter turn clockwise, as phones write it
        ((-1, 0, 0, -1), (64, 48), "left"),
        ((0, -1, 1, 0), (48, 64), "top"),
    ],
)
def test_pictures_stand_upright(
    tmp_path: Path, matrix: tuple[int, int, int, int], size: tuple[int, int], bright: str
) -> None:
    path = _write(tmp_path / "clip.mp4", frames=3)
    source = open_source(str(_turned(path, matrix)), paced=False)
    assert (source.info.width, source.info.height) == size
    lease = source.next(1.0)
    assert lease is not None
    frame = lease.frame
    assert (frame.width, frame.height) == size
    assert frame.format is PixelFormat.I420
    means = dict(zip(("left", "right", "top", "bottom"), _halves(frame), strict=True))
    assert max(means, key=lambda side: means[side]) == bright
    assert source.copied_bytes == (0 if matrix == (1, 0, 0, 1) else 64 * 48 * 3 // 2)
    source.close()


def _picture(width: int, height: int, pixel_format: str, matrix: int, color_range: int) -> av.VideoFrame:
    picture = av.VideoFrame(width, height, pixel_format)
    picture.colorspace, picture.color_range = matrix, color_range
    return picture


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (_picture(640, 480, "yuv420p", 2, 0), ColorMatrix.BT601_LIMITED),
        (_picture(1280, 720, "yuv420p", 2, 0), ColorMatrix.BT709_LIMITED),
        (_picture(540, 960, "yuv420p", 2, 0), ColorMatrix.BT601_LIMITED),
        (_picture(640, 480, "yuv420p", 1, 0), ColorMatrix.BT709_LIMITED),
        (_picture(1920, 1080, "yuv420p", 6, 2), ColorMatrix.BT601_FULL),
        (_picture(1920, 1080, "yuv420p", 1, 2), ColorMatrix.BT709_FULL),
        (_picture(640, 480, "yuvj420p", 2, 0), ColorMatrix.BT601_FULL),
        (_picture(640, 480, "yuv420p", 2, 1), ColorMatrix.BT601_LIMITED),
    ],
)
def test_colour_comes_from_the_stream_then_from_the_size(picture: av.VideoFrame, expected: ColorMatrix) -> None:
    assert frame_of(picture, 0, 0)[0].color is expected


@pytest.mark.parametrize(
    ("pixel_format", "expected", "count", "copied"),
    [
        ("yuv420p", PixelFormat.I420, 3, 0),
        ("yuvj420p", PixelFormat.I420, 3, 0),
        ("nv12", PixelFormat.NV12, 2, 0),
        ("gray", PixelFormat.GREY8, 1, 0),
        ("rgb24", PixelFormat.RGB24, 1, 0),
        ("bgr24", PixelFormat.BGR24, 1, 0),
        ("yuyv422", PixelFormat.YUYV, 1, 0),
        ("uyvy422", PixelFormat.UYVY, 1, 0),
        ("gray10le", PixelFormat.GREY10, 1, 0),
        ("gray16le", PixelFormat.GREY16, 1, 0),
        ("rgba", PixelFormat.RGBA32, 1, 0),
        ("rgb0", PixelFormat.RGBA32, 1, 0),
        ("bgra", PixelFormat.BGRA32, 1, 0),
        ("bgr0", PixelFormat.BGRA32, 1, 0),
        ("argb", PixelFormat.RGB24, 1, 500 * 281 * 3),
        ("yuv444p", PixelFormat.RGB24, 1, 500 * 281 * 3),
    ],
)
def test_known_layouts_are_handed_on_and_others_converted(
    pixel_format: str, expected: PixelFormat, count: int, copied: int
) -> None:
    frame, copied_bytes = frame_of(av.VideoFrame(500, 281, pixel_format), 7, 9)
    assert (frame.t_ns, frame.seq, frame.format, len(frame.planes)) == (7, 9, expected, count)
    assert copied_bytes == copied


def test_every_format_of_the_kernel_is_handed_on() -> None:
    assert set(planes._FORMATS.values()) == set(PixelFormat)


@pytest.mark.parametrize("name", sorted(planes._FORMATS))
def test_the_kernel_reads_each_layout_as_the_decoder_means_it(name: str) -> None:
    """FFmpeg writes a colour in its layout; our kernel reads that colour, or its luma, out of it."""
    colour = np.array([200, 90, 30], np.uint8)
    picture = av.VideoFrame.from_ndarray(np.broadcast_to(colour, (32, 48, 3)).copy(), format="rgb24")
    frame, copied = frame_of(picture.reformat(format=name), 0, 0)
    assert copied == 0
    spec = OutputSpec(8, 8)
    out = spec.empty()
    open_preprocessor("cpu").run(frame, Region(24, 16, 24, 16), spec, out)
    luma = colour @ np.array([0.299, 0.587, 0.114])  # BT.601, as libswscale's default
    np.testing.assert_allclose(out[0, 4, 4], np.full(3, luma) if name.startswith("gray") else colour, atol=3)


def test_planes_are_the_decoders_own_memory() -> None:
    picture = av.VideoFrame(64, 48, "yuv420p")
    frame, _ = frame_of(picture, 0, 0)
    for plane, own, stride in zip(frame.planes, picture.planes, frame.strides, strict=True):
        assert np.frombuffer(plane, np.uint8).ctypes.data == own.buffer_ptr
        assert stride == own.line_size


def test_a_film_whose_codec_nobody_knows_is_told(tmp_path: Path) -> None:
    """Found by tools/fuzz: PyAV has no decoder then, and says so by None."""
    film = tmp_path / "film.mkv"
    film.write_bytes((Path(__file__).parents[2] / "fuzz" / "corpus" / "video" / "codec-unknown").read_bytes())
    with pytest.raises(BadInputError, match=r"film.mkv: its pictures are in a format that nothing here decodes"):
        open_source(f"file:{film}", paced=False)
