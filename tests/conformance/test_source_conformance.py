"""Every picture source through one suite: leases, end, close, time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from fake_camera_modules import BOOT_AHEAD_NS, installed_modules

from watchkeeper.capture import request_frames
from watchkeeper.capture.source import EndOfSource, Source, open_source, source_schemes
from watchkeeper.clock import NS_PER_S, now_ns
from watchkeeper.errors import BadInputError
from watchkeeper.types import Frame, PixelFormat

TIMEOUT_S = 5.0  # never reached in a good run
FPS = 25
FRAMES = 12
ENDLESS = {"pattern", "v4l2-mmap", "v4l2-expbuf", "v4l2-userptr", "v4l2-dmabuf", "picamera2", "csi"}
MODULES = {"picamera2", "csi"}  # their libraries are those of a board: fakes stand for them (fake_camera_modules.py)
# One class over the kernel's own calls; the real ones are called by the tests in a virtual machine.
COVERED = {"v4l2": "v4l2-mmap", "v4l2-fake": "v4l2-mmap"}


def _clip(path: Path, codec: str, pixel_format: str) -> str:
    """A short film, each picture a little brighter than the last; 64x48 at 25 fps."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        for i in range(FRAMES):
            rgb = np.full((48, 64, 3), 40 + 12 * i, np.uint8)
            picture = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixel_format)
            picture.pts = i
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return f"file:{path}"


# `converted` is a file whose pixel format has to be converted, so its frames are copies.
CASES: dict[str, Callable[[Path], str]] = {
    "file": lambda folder: _clip(folder / "clip.mp4", "mpeg4", "yuv420p"),
    "converted": lambda folder: _clip(folder / "clip.nut", "ffv1", "yuv444p"),
    "demo": lambda folder: "demo:",
    "pattern": lambda folder: f"pattern:64x48@{FPS}",
    "v4l2-mmap": lambda folder: f"v4l2-fake:64x48@{FPS}?format=YU12",
    "v4l2-expbuf": lambda folder: f"v4l2-fake:64x48@{FPS}?format=YU12&io=expbuf",
    "v4l2-userptr": lambda folder: f"v4l2-fake:64x48@{FPS}?format=GREY&io=userptr",
    "picamera2": lambda folder: f"picamera2:0?size=64x48&fps={FPS}",
    "csi": lambda folder: f"csi:0?size=64x48&fps={FPS}",
    "v4l2-dmabuf": lambda folder: f"v4l2-fake:64x48@{FPS}?format=YU12&io=dmabuf",
}


class FakeClock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.ns = 1_000 * NS_PER_S

    def __call__(self) -> int:
        return self.ns


Open = Callable[..., Source]


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    uri = CASES[case](tmp_path)
    sources: list[Source] = []

    with contextlib.ExitStack() as installed:

        def opener(paced: bool = False, repeat: bool = False, clock: Callable[[], int] = now_ns) -> Source:
            if case in MODULES:
                installed.enter_context(installed_modules(FPS, clock if paced else None))
                monkeypatch.setattr(request_frames, "boot_ahead_ns", lambda: BOOT_AHEAD_NS)
            sources.append(open_source(uri, paced=paced, repeat=repeat, clock=clock))
            return sources[-1]

        yield opener
        for source in sources:
            source.close()


def _stamps(source: Source, count: int) -> list[tuple[int, int]]:
    stamps = []
    for _ in range(count):
        lease = source.next(TIMEOUT_S)
        assert lease is not None
        with lease:
            stamps.append((lease.frame.t_ns, lease.frame.seq))
    return stamps


def _luma_rows(frame: Frame) -> bytes:
    width = frame.width * (3 if frame.format is PixelFormat.RGB24 else 1)
    rows = memoryview(frame.planes[0])
    return b"".join(bytes(rows[y * frame.strides[0] : y * frame.strides[0] + width]) for y in range(frame.height))


def test_every_scheme_is_in_the_suite() -> None:
    assert {COVERED.get(scheme, scheme) for scheme in source_schemes()} <= set(CASES)


def test_frame_is_what_the_source_said(opened: Open) -> None:
    source = opened()
    lease = source.next(TIMEOUT_S)
    assert lease is not None
    with lease:
        frame = lease.frame
        assert (frame.width, frame.height) == (source.info.width, source.info.height)
        assert (
            len(frame.planes) == len(frame.strides) == {PixelFormat.I420: 3, PixelFormat.NV12: 2}.get(frame.format, 1)
        )
        assert len(_luma_rows(frame)) >= frame.width * frame.height
        for plane, stride in zip(frame.planes[1:], frame.strides[1:], strict=True):
            assert stride >= frame.width // 2
            assert len(plane) >= stride * (frame.height // 2 - 1) + frame.width // 2


def test_copies_are_counted_and_only_where_they_are_made(opened: Open, case: str) -> None:
    source = opened()
    _stamps(source, 3)
    assert source.copied_bytes == (3 * 64 * 48 * 3 if case == "converted" else 0)


def test_release_counts_once(opened: Open) -> None:
    source = opened()
    first, second = source.next(TIMEOUT_S), source.next(TIMEOUT_S)
    assert first is not None
    assert second is not None
    assert source.outstanding == 2
    first.release()
    first.release()
    assert source.outstanding == 1
    with second:
        pass
    assert source.outstanding == 0


def test_use_after_release_is_an_error(opened: Open) -> None:
    lease = opened().next(TIMEOUT_S)
    assert lease is not None
    plane = lease.frame.planes[0]
    assert plane[0] >= 0
    lease.release()
    assert lease.released
    with pytest.raises(ValueError, match="released"):
        _ = lease.frame
    with pytest.raises(ValueError, match="released"):
        plane[0]


def test_a_held_frame_is_not_overwritten(opened: Open) -> None:
    source = opened()
    held = source.next(TIMEOUT_S)
    assert held is not None
    before = _luma_rows(held.frame)
    _stamps(source, 8)
    assert _luma_rows(held.frame) == before
    held.release()


def test_pictures_differ(opened: Open, case: str) -> None:
    source = opened()
    pictures = set()
    for _ in range(5):
        lease = source.next(TIMEOUT_S)
        assert lease is not None
        with lease:
            pictures.add(_luma_rows(lease.frame))
    assert len(pictures) == 5 or case == "demo"  # two rendered frames may be alike


def test_close_in_the_middle_of_a_frame(opened: Open) -> None:
    source = opened()
    lease = source.next(TIMEOUT_S)
    assert lease is not None
    before = _luma_rows(lease.frame)
    source.close()
    source.close()
    assert _luma_rows(lease.frame) == before
    with pytest.raises(EndOfSource):
        source.next(TIMEOUT_S)
    assert source.outstanding == 1
    lease.release()
    assert source.outstanding == 0


def test_time_and_seq_only_grow_and_start_at_zero(opened: Open) -> None:
    source = opened()
    stamps = _stamps(source, 10)
    assert stamps[0] == (0, 0)
    assert [seq for _, seq in stamps] == list(range(10))
    assert source.info.fps is not None
    assert [t for t, _ in stamps] == [round(i * NS_PER_S / source.info.fps) for i in range(10)]


def test_end_comes_and_stays(opened: Open, case: str) -> None:
    if case in ENDLESS:
        pytest.skip("this source has no end")
    source = opened()
    _stamps(source, 1350 if case == "demo" else FRAMES)
    for _ in range(2):
        with pytest.raises(EndOfSource):
            source.next(TIMEOUT_S)
    assert source.lost_frames == 0


def test_repeat_goes_on_without_a_seam(opened: Open, case: str) -> None:
    if case == "demo":
        pytest.skip("the same class as `file`, only longer")
    stamps = _stamps(opened(repeat=True), 2 * FRAMES + 3)
    assert stamps == [(round(i * NS_PER_S / FPS), i) for i in range(2 * FRAMES + 3)]


def test_nothing_is_early_and_waiting_is_bounded(opened: Open) -> None:
    clock = FakeClock()
    source = opened(paced=True, clock=clock)
    start_ns = clock.ns
    assert _stamps(source, 1) == [(start_ns, 0)]
    assert source.next(0.0) is None
    assert source.next(0.01) is None
    assert source.info.fps is not None
    period_ns = round(NS_PER_S / source.info.fps)
    clock.ns += period_ns - 1
    assert source.next(0.0) is None
    clock.ns += 1
    assert _stamps(source, 1) == [(start_ns + period_ns, 1)]


def test_a_stalled_consumer_gets_no_burst(opened: Open) -> None:
    clock = FakeClock()
    source = opened(paced=True, clock=clock)
    assert source.info.fps is not None
    _stamps(source, 1)
    start_ns, period_ns = clock.ns, NS_PER_S / source.info.fps
    clock.ns += int(3.5 * period_ns)
    assert _stamps(source, 1) == [(start_ns + round(3 * period_ns), 3)]
    assert source.lost_frames == 2
    assert source.next(0.0) is None


def test_close_from_another_thread_ends_a_waiting_next(opened: Open) -> None:
    source = opened(paced=True, clock=FakeClock())
    _stamps(source, 1)
    ended: list[str] = []

    def wait() -> None:
        try:
            source.next(200.0)
        except EndOfSource:
            ended.append("end")

    thread = threading.Thread(target=wait)
    thread.start()
    source.close()
    thread.join(60.0)
    assert ended == ["end"]


def test_paced_on_the_real_clock(opened: Open) -> None:
    before_ns = now_ns()  # a camera may run from when it was opened
    source = opened(paced=True)
    for _ in range(3):
        lease = source.next(TIMEOUT_S)
        assert lease is not None
        with lease:
            assert before_ns <= lease.frame.t_ns <= now_ns()


def test_unknown_scheme_lists_the_known() -> None:
    with pytest.raises(
        BadInputError, match="unknown scheme 'v4l9'; known are csi, demo, file, pattern, picamera2, v4l2"
    ):
        open_source("v4l9:/dev/video0", paced=True)
