"""The modules `picamera2` and `jetson_utils` as the sources open them, over the fakes of their frames, with a clock.

    with installed_modules(fps=25, clock=clock):     # clock None: the next frame is due when somebody waits for it
        open_picamera2("0?size=64x48&fps=25", ...)

After picamera2/picamera2.py (Picamera2.__init__, create_video_configuration, configure, process_requests: one completed
request is kept, older ones go back) and jetson-utils video/videoSource.cpp, camera/gstBufferManager.cpp (the camera's
thread writes the ring, ready or not; ReadLatestOnce). Limits: one camera, number 0; pictures are one byte repeated.
"""

from __future__ import annotations

import concurrent.futures
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from fake_jetson_utils import cudaImage, videoSource
from fake_picamera2 import CompletedRequest, Job, MappedArray, Picamera2

BOOT_AHEAD_NS = 5_000_000_000
_S = 1_000_000_000
Clock = Callable[[], int]


class Sensor:
    """When frames are due. clock None: always one more, when asked to wait."""

    def __init__(self, fps: float, clock: Clock | None) -> None:
        self.fps, self.clock = fps, clock
        self.started_ns = 0
        self.number = 0

    def start(self) -> None:
        self.started_ns, self.number = self.clock() if self.clock else 0, 0

    def stamp_ns(self, number: int) -> int:
        return round(number * _S / self.fps)

    def due(self, waited: bool) -> bool:
        """Whether frame `number` has been exposed."""
        if self.clock is None:
            return waited
        return self.started_ns + self.stamp_ns(self.number) <= self.clock()


def level(number: int) -> bytes:
    return bytes([(40 + 12 * number) % 238])  # never 0xEE, which a buffer that went back holds


class OpenedPicamera2(Picamera2):
    """What `Picamera2(number, tuning=)` is."""

    sensor: Sensor  # of the module

    def __init__(self, camera_num: int = 0, tuning: Any = None) -> None:
        if camera_num != 0:
            raise IndexError("list index out of range")
        self.tuning = tuning
        self.camera_controls = {"ExposureTime": (75, 1_000_000, 20_000), "AnalogueGain": (1.0, 10.6, 1.0)}
        self.camera_properties = {"Model": "imx219"}
        self.controls: dict[str, Any] = {}
        self.started = self.closed = False
        self.buffers = []
        self.queue: list[CompletedRequest] = []
        self.pending: Job | None = None

    @staticmethod
    def load_tuning_file(name: str) -> dict[str, str]:
        if not name.endswith(".json"):
            raise RuntimeError("Tuning file not found")
        return {"file": name}

    def create_video_configuration(self, main: Any, lores: Any, buffer_count: int, queue: bool, display: Any,
                                   encode: Any, controls: dict[str, Any]) -> dict[str, Any]:  # fmt: skip
        assert queue
        assert (display, encode) == (None, None)
        return {"main": main, "lores": lores, "buffer_count": buffer_count, "controls": controls,
                "colour_space": "SMPTE170M/Rec709/Smpte170m/Limited"}  # fmt: skip

    def configure(self, config: dict[str, Any]) -> None:
        (width, height), count = config["main"]["size"], config["buffer_count"]
        stride = (width + 63) // 64 * 64
        nbytes = stride * height * 3 // 2
        super().__init__((width, height), stride, "YUV420", nbytes, lambda n: level(n) * nbytes, count)
        self.camera_config["main"] = self.camera_config["lores"]
        self.camera_config["colour_space"] = config["colour_space"]
        self.controls, self.started = config["controls"], False

    def set_controls(self, controls: dict[str, Any]) -> None:
        """Checked as libcamera does, by name and range."""
        for name, value in controls.items():
            low, high, _ = {"AeEnable": (False, True, True), **self.camera_controls}[name]
            if not low <= value <= high:
                raise RuntimeError(f"control {name}: {value} is out of range")
        self.controls = {**self.controls, **controls}

    def camera_configuration(self) -> dict[str, Any]:
        return self.camera_config

    def start(self) -> None:
        self.sensor.start()
        self.started = True

    def capture_request(self, wait: bool | float | None = None, signal_function: Any = None) -> Any:
        self.pending = super().capture_request(wait, signal_function)
        return self.pending

    def wait(self, job: Job, timeout: float | None = None) -> CompletedRequest:
        assert timeout is not None
        if self.broken:
            raise RuntimeError(self.broken)
        give_up_s = time.monotonic() + timeout
        while True:
            if self.started and not self.stalled:
                self._expose(job)
            if job.done is not None:
                self.pending = None
                return job.done
            if time.monotonic() >= give_up_s:
                raise concurrent.futures.TimeoutError
            time.sleep(0.001)

    def _expose(self, job: Job) -> None:
        """process_requests: the job gets the oldest completed request, of which one is kept."""
        while self.sensor.due(waited=job.done is None and not self.queue):
            number, self.sensor.number = self.sensor.number, self.sensor.number + 1
            if self.free:
                buffer = self.free.popleft()
                buffer.write(self.picture(number))
                done = TimedRequest(self, buffer, number)
                if job.done is None and not self.queue:
                    job.done = done
                else:
                    for old in self.queue:
                        old.release()
                    self.queue = [done]
            elif self.sensor.clock is None:
                self.sensor.number = number
                return
        if job.done is None and self.queue:
            job.done = self.queue.pop()

    def close(self) -> None:
        for request in (*self.queue, *([self.pending.done] if self.pending and self.pending.done else [])):
            request.release()
        self.queue = []
        super().close()


class TimedRequest(CompletedRequest):
    """SensorTimestamp by the sensor's clock."""

    def get_metadata(self) -> dict[str, Any]:
        assert isinstance(self.picam2, OpenedPicamera2)
        sensor = self.picam2.sensor
        stamp_ns = sensor.started_ns + sensor.stamp_ns(self._number) + BOOT_AHEAD_NS
        return {"SensorTimestamp": stamp_ns, "FrameDuration": round(1e6 / sensor.fps)}


class OpenedVideo(videoSource):
    """What `videoSource(uri, argv=)` is. sensor: the module's. raises_on_time_out: as releases before 2023 do."""

    sensor: Sensor
    raises_on_time_out = False
    broken: str | None = None
    hangs_s = 0.0

    def __init__(self, uri: str, argv: list[str]) -> None:
        if uri != "csi://0":
            raise Exception("jetson.utils -- failed to create videoSource device")
        options = dict(arg.removeprefix("--").split("=") for arg in argv)
        self._wanted = int(options["input-width"]), int(options["input-height"])
        nbytes = self._wanted[0] * self._wanted[1] * 3 // 2
        super().__init__(self._wanted, lambda n: level(n) * nbytes)
        self._buffers = int(options["num-buffers"])
        self._images: dict[int, cudaImage] = {}
        self._taken = -1
        self.streaming = self.closed = False

    def stamp_ns(self, number: int) -> int:
        return self.sensor.stamp_ns(number)

    def Open(self) -> None:
        time.sleep(self.hangs_s)
        self.streaming = True
        self.sensor.start()

    def IsStreaming(self) -> bool:
        return self.streaming and self.broken is None

    def Capture(self, format: str = "rgb8", timeout: int = 1000) -> cudaImage | None:  # noqa: A002  (jetson_utils')
        if self.closed:
            raise AssertionError("Capture after Close reads memory that is gone")
        give_up_s = time.monotonic() + timeout / 1000
        while True:
            if self.broken is not None:
                raise Exception(self.broken)
            if not self.stalled:
                while self.sensor.due(waited=self._taken == self._number - 1):
                    image = super().Capture(format, timeout)
                    assert image is not None
                    self._images[self.sensor.number % 64] = image
                    self.sensor.number += 1
                if self._number - 1 > self._taken:
                    self._taken = self._number - 1
                    return self._images[self._taken % 64]
            if time.monotonic() >= give_up_s:
                if self.raises_on_time_out:
                    raise Exception("jetson.utils -- videoSource failed to capture image")
                return None
            time.sleep(0.001)

    def Close(self) -> None:
        self.closed, self.streaming = True, False
        super().Close()


@contextmanager
def installed_modules(fps: float, clock: Clock | None) -> Iterator[tuple[type[OpenedPicamera2], type[OpenedVideo]]]:
    """Both modules importable meanwhile; their classes, for a test to break."""
    camera: Any = type("Picamera2", (OpenedPicamera2,), {"sensor": Sensor(fps, clock)})
    video: Any = type("videoSource", (OpenedVideo,), {"sensor": Sensor(fps, clock)})
    modules: dict[str, Any] = {"picamera2": ModuleType("picamera2"), "jetson_utils": ModuleType("jetson_utils")}
    modules["picamera2"].Picamera2, modules["picamera2"].MappedArray = camera, MappedArray
    modules["jetson_utils"].videoSource = video
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield camera, video
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
