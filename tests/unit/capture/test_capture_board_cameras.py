"""`picamera2:` and `csi:`: what a URI may say, how a camera is opened, and every way it can fail."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fake_camera_modules import BOOT_AHEAD_NS, OpenedPicamera2, OpenedVideo, installed_modules

from watchkeeper.capture import jetson, picamera2, request_frames
from watchkeeper.capture.bounded import bounded
from watchkeeper.capture.lease import FrameLease
from watchkeeper.capture.source import EndOfSource, Source, SourceLost, open_source
from watchkeeper.clock import NS_PER_S, now_ns
from watchkeeper.errors import BadInputError
from watchkeeper.types import ColorMatrix

FPS = 25
PERIOD_NS = NS_PER_S // FPS
PICAMERA2, CSI = f"picamera2:0?size=64x48&fps={FPS}", f"csi:0?size=64x48&fps={FPS}"
BOTH = pytest.mark.parametrize("uri", [PICAMERA2, CSI])


class Clock:
    def __init__(self) -> None:
        self.ns = 1_000 * NS_PER_S

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


Modules = tuple[type[OpenedPicamera2], type[OpenedVideo]]


@pytest.fixture
def modules(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Modules]:
    monkeypatch.setattr(request_frames, "boot_ahead_ns", lambda: BOOT_AHEAD_NS)
    with installed_modules(FPS, clock) as classes:
        yield classes


def _open(uri: str, clock: Callable[[], int]) -> Source:
    return open_source(uri, paced=True, clock=clock)


def _next(source: Source) -> FrameLease:
    lease = source.next(1.0)
    assert lease is not None
    return lease


def _inner(source: Source) -> Any:
    """The library's own object behind it."""
    if isinstance(source, request_frames.RequestSource):
        return source._camera
    assert isinstance(source, jetson.JetsonSource)
    return source._video


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("picamera2:", "source picamera2:: expected N?size"),
        ("picamera2:x", "source picamera2:x: expected N?size"),
        ("picamera2:0?size=63x48", "size=63x48: expected even numbers of pixels"),
        ("picamera2:0?size=big", "size=big: expected N?size"),
        ("picamera2:0?fps=0", "fps=0: expected a number above 0"),
        ("picamera2:0?stream=raw", "stream=raw: expected N?size"),
        ("picamera2:0?exposure_us=8000", "expected exposure_us and gain together"),
        ("picamera2:0?iso=100", "unknown option iso; expected N?size"),
        ("picamera2:0?tuning=a b", "tuning=a b: expected"),
        ("csi:", "source csi:: expected N?size"),
        ("csi:0?format=mjpg", "format=mjpg: expected N?size"),
        ("csi:0?buffers=1", "buffers=1: expected N?size"),
        ("csi:0?flip=left", "flip=left: expected N?size"),
        ("csi:0?io=mmap", "unknown option io"),
    ],
)
def test_a_wrong_uri_is_told(modules: Modules, uri: str, message: str) -> None:
    with pytest.raises(BadInputError) as caught:
        open_source(uri, paced=True)
    assert message in str(caught.value)


def test_what_a_uri_says_reaches_picamera2(modules: Modules, clock: Clock) -> None:
    query = "stream=main&tuning=imx219_noir.json&exposure_us=8000&gain=2&buffers=6"
    options = picamera2.parse(f"0?size=640x480&fps=20&{query}")
    assert options == picamera2.Options(0, (640, 480), 20.0, "main", "imx219_noir.json", 8000, 2.0, None, 6)
    source = _open("picamera2:0?size=64x48&fps=25&tuning=imx219_noir.json&exposure_us=8000&gain=2&buffers=6", clock)
    assert isinstance(source, request_frames.RequestSource)
    camera = source._camera
    assert isinstance(camera, OpenedPicamera2)
    assert camera.tuning == {"file": "imx219_noir.json"}
    assert len(camera.buffers) == 6
    assert camera.controls == {
        "FrameDurationLimits": (40_000, 40_000), "AeEnable": False, "ExposureTime": 8000, "AnalogueGain": 2.0,
    }  # fmt: skip
    with _next(source) as lease:
        assert lease.frame.color is ColorMatrix.BT601_LIMITED
    assert (source.info.name, source.info.width, source.info.fps) == ("imx219", 64, 25.0)
    source.close()


def test_what_a_uri_says_reaches_jetson_utils(modules: Modules, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    video = modules[1]
    first = video.__init__

    def told(self: OpenedVideo, uri: str, argv: list[str]) -> None:
        seen.append(argv)
        first(self, uri, argv)

    monkeypatch.setattr(video, "__init__", told)
    _open("csi:0?size=64x48&fps=25&format=i420&buffers=8&flip=rotate-180", clock).close()
    assert seen == [["--input-width=64", "--input-height=48", "--input-rate=25", "--num-buffers=8",
                     "--input-flip=rotate-180"]]  # fmt: skip


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("picamera2:3", "source picamera2:3: cannot be opened: no such camera"),
        ("picamera2:0?tuning=none", "cannot be opened: Tuning file not found"),
        ("picamera2:0?lens=2", "lens: expected a camera module with a motor"),
        ("picamera2:0?exposure_us=50000&gain=1", "exposure_us=50000: expected at most 33333 at 30 fps"),
        ("csi:7", "source csi:7: cannot be opened: jetson.utils -- failed to create videoSource device"),
    ],
)
def test_a_camera_that_cannot_be_opened(modules: Modules, clock: Clock, uri: str, message: str) -> None:
    with pytest.raises(BadInputError) as caught:
        _open(uri, clock)
    assert message in str(caught.value)


@pytest.mark.parametrize(("uri", "module"), [("picamera2:0", "picamera2"), ("csi:0", "jetson_utils")])
def test_without_its_library_the_module_is_named(monkeypatch: pytest.MonkeyPatch, uri: str, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises((BadInputError, ModuleNotFoundError), match=module):
        open_source(uri, paced=True)


def test_argus_that_never_answers_is_a_lost_camera(
    modules: Modules, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetson, "_OPEN_TIMEOUT_S", 0.05)
    modules[1].hangs_s = 1.0
    with pytest.raises(SourceLost, match=r"csi:0: no answer within 0\.05 s"):
        _open(CSI, clock)


def test_bounded_hands_on_values_and_errors() -> None:
    assert bounded(lambda: 7, 5.0, "x") == 7
    with pytest.raises(BadInputError, match="told"):
        bounded(_raises, 5.0, "x")


def _raises() -> None:
    raise BadInputError("told")


@BOTH
def test_frames_that_nobody_took_are_counted_and_leave_a_gap(modules: Modules, clock: Clock, uri: str) -> None:
    source = _open(uri, clock)
    seen = []
    for periods in (0, 1, 4, 1):
        clock.ns += periods * PERIOD_NS
        with _next(source) as lease:
            seen.append((lease.frame.seq, lease.frame.t_ns - (1_000 * NS_PER_S)))
    assert seen == [(n, n * PERIOD_NS) for n in (0, 1, 5, 6)]
    assert source.lost_frames == 3
    source.close()


@BOTH
def test_a_silent_camera_is_a_time_out_and_comes_back(modules: Modules, clock: Clock, uri: str) -> None:
    source = _open(uri, clock)
    _next(source).release()
    inner = _inner(source)
    inner.stalled = True
    clock.ns += 10 * PERIOD_NS
    assert source.next(0.0) is None
    assert source.next(0.02) is None
    inner.stalled = False
    with _next(source) as lease:
        assert lease.frame.seq == 10
    assert source.lost_frames == 9
    source.close()


@BOTH
def test_a_camera_that_breaks_is_lost_and_can_be_opened_anew(modules: Modules, clock: Clock, uri: str) -> None:
    source = _open(uri, clock)
    held = _next(source)
    inner = _inner(source)
    inner.broken = "Camera frontend has timed out!"
    with pytest.raises(SourceLost, match="Camera frontend has timed out!"):
        source.next(1.0)
    source.close()
    with pytest.raises(EndOfSource):
        source.next(1.0)
    assert not inner.closed  # its memory is still looked at
    held.release()
    assert inner.closed
    again = _open(uri, clock)
    with _next(again) as lease:
        assert lease.frame.seq == 0
    again.close()


def test_a_release_of_jetson_utils_that_raises_on_a_time_out(modules: Modules, clock: Clock) -> None:
    source = _open(CSI, clock)
    _next(source).release()
    modules[1].raises_on_time_out = True
    assert source.next(0.01) is None
    source.close()


def test_a_lease_held_longer_than_the_ring_lasts_is_counted(modules: Modules, clock: Clock) -> None:
    source = _open(f"{CSI}&buffers=4", clock)
    assert isinstance(source, jetson.JetsonSource)
    for periods, overwritten in ((3, 0), (4, 1)):
        lease = _next(source)
        clock.ns += periods * PERIOD_NS
        lease.release()
        assert source.overwritten == overwritten
    source.close()


def test_jetsons_stamps_keep_the_sensors_rhythm_whatever_the_delay(modules: Modules, clock: Clock) -> None:
    source = _open(CSI, clock)
    stamps: list[int] = []
    for late_ns in (3_000_000, 9_000_000, 1_000_000, 6_000_000):  # how long each frame took to us
        clock.ns = 1_000 * NS_PER_S + len(stamps) * PERIOD_NS + late_ns
        with _next(source) as lease:
            stamps.append(lease.frame.t_ns - 1_000 * NS_PER_S - len(stamps) * PERIOD_NS)
            assert lease.frame.t_ns <= clock.ns
    assert stamps == [3_000_000, 3_000_000, 1_000_000, 1_000_000]  # late by the fastest so far
    source.close()


def test_the_boot_clock_is_put_on_the_monotonic_one() -> None:
    ahead = request_frames.boot_ahead_ns()
    assert ahead > -NS_PER_S // 1000  # two clocks read one after the other
    assert abs(now_ns() + ahead - _boot_ns()) < 60 * NS_PER_S


def _boot_ns() -> int:
    import time

    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
