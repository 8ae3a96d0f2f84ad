"""`picamera2:0`: a Raspberry Pi's CSI camera by libcamera; frames are mapped dmabufs of one stream, nothing is copied.

    picamera2:0?size=1280x720&fps=30&stream=lores&tuning=imx219_noir.json&exposure_us=8000&gain=2&lens=2.0&buffers=4

Without options: 1280x720 at 30 frames a second, automatic exposure. exposure_us, gain: fixed exposure (give both).
exposure=face: exposure and gain are the program's, by the driver's face (runtime/light.py).
lens: a fixed focus in dioptres (1 / metres), for modules with a motor. tuning: a file of libcamera's, name or path.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from typing import Any

from watchkeeper.capture.bounded import bounded
from watchkeeper.capture.request_frames import RequestSource
from watchkeeper.capture.source import Clock, SourceInfo
from watchkeeper.capture.uri_options import BUFFERS, FPS, UriOptions
from watchkeeper.errors import BadInputError
from watchkeeper.types import ColorMatrix

_EXPECTED = (
    "N?size=WxH&fps=F&stream=lores|main&tuning=FILE&exposure_us=N&gain=G&exposure=camera|face&lens=DIOPTRES&buffers=N, "
    "N the camera's number"
)
_OPEN_TIMEOUT_S = 15.0  # a sensor that does not answer on I2C takes libcamera some seconds
_FIRST_EXPOSURE_US = 8_000.0  # until a face has been seen: short enough for a head that turns
_AF_MANUAL = 0  # libcamera controls: AfModeManual
# libcamera::ColorSpace as text; Sycc is JPEG's
_COLORS = {
    "sycc": ColorMatrix.BT601_FULL,
    "jpeg": ColorMatrix.BT601_FULL,
    "smpte170m": ColorMatrix.BT601_LIMITED,
    "rec709": ColorMatrix.BT709_LIMITED,
}


@dataclass(frozen=True, slots=True)
class Options:
    """What a URI asks for. None: left to libcamera."""

    camera: int
    size: tuple[int, int] = (1280, 720)
    fps: float = 30.0
    stream: str = "lores"
    tuning: str | None = None
    exposure_us: int | None = None
    gain: float | None = None
    lens_dioptres: float | None = None
    buffers: int = 4
    by_face: bool = False


def parse(argument: str) -> Options:
    """The URI after its scheme. Raises BadInputError naming the option and what was expected."""
    source = f"picamera2:{argument}"
    number, _, query = argument.partition("?")
    if not re.fullmatch(r"\d{1,2}", number):
        raise BadInputError(f"source {source}: expected {_EXPECTED}")
    options = UriOptions(source, query, _EXPECTED)
    size, fps = options.size((1280, 720)), options.number("fps", FPS, 30.0)
    stream, tuning = options.take("stream", "lores|main"), options.take("tuning", r"[\w./-]+")
    exposure, gain = options.take("exposure_us", r"\d{2,6}"), options.take("gain", r"\d{1,2}(?:\.\d{1,3})?")
    lens, buffers = options.take("lens", r"\d{1,2}(?:\.\d{1,3})?"), options.take("buffers", BUFFERS)
    by_face = options.take("exposure", "camera|face")
    options.end()
    if (exposure is None) != (gain is None):
        raise BadInputError(f"source {source}: expected exposure_us and gain together: one alone is not fixed")
    if by_face and by_face[0] == "face" and exposure is not None:
        raise BadInputError(f"source {source}: expected exposure=face or exposure_us, not both")
    return Options(
        int(number), size, fps, stream[0] if stream else "lores", tuning[0] if tuning else None,
        int(exposure[0]) if exposure else None, float(gain[0]) if gain else None,
        float(lens[0]) if lens else None, int(buffers[0]) if buffers else 4,
        by_face is not None and by_face[0] == "face",
    )  # fmt: skip


def open_picamera2(argument: str, *, paced: bool, repeat: bool, clock: Clock) -> RequestSource:
    """A camera has no end and its own pace: `repeat` changes nothing. Raises BadInputError naming the camera and what
    libcamera says, SourceLost when it does not answer, ModuleNotFoundError without picamera2."""
    picamera2: Any = importlib.import_module("picamera2")
    options = parse(argument)
    name = f"picamera2:{options.camera}"
    camera = bounded(lambda: _opened(picamera2, options, name), _OPEN_TIMEOUT_S, name)
    configured = camera.camera_configuration()
    width, height = configured[options.stream]["size"]
    info = SourceInfo(str(camera.camera_properties.get("Model", name)), int(width), int(height), options.fps)
    return RequestSource(
        camera, picamera2.MappedArray, options.stream, _color(configured.get("colour_space")),
        clock=clock, info=info, paced=paced, exposure=Picamera2Exposure(camera) if options.by_face else None,
    )  # fmt: skip


class Picamera2Exposure:
    """An `ExposureControl` over a started camera. Limits are libcamera's own (min, max, default)."""

    def __init__(self, camera: Any) -> None:
        self._camera = camera
        shortest, longest, _ = camera.camera_controls["ExposureTime"]
        self.shortest_us, self.longest_us = max(1.0, float(shortest)), float(longest)
        self.largest_gain = max(1.0, float(camera.camera_controls["AnalogueGain"][1]))
        self._now = _FIRST_EXPOSURE_US, 1.0
        self.write(*self._now)

    def now(self) -> tuple[float, float]:
        """As last asked for; which frame shows it first is the sensor's."""
        return self._now

    def write(self, exposure_us: float, gain: float) -> None:
        """For one of the next frames. Raises OSError where libcamera refuses."""
        self._now = max(self.shortest_us, min(self.longest_us, exposure_us)), max(1.0, min(self.largest_gain, gain))
        try:
            self._camera.set_controls(
                {"AeEnable": False, "ExposureTime": round(self._now[0]), "AnalogueGain": self._now[1]}
            )
        except RuntimeError as error:
            raise OSError(str(error)) from error


def _opened(module: Any, options: Options, name: str) -> Any:
    """A configured, started camera. queue: the newest request waits for us, rather than us for the next."""
    camera = None
    try:
        tuning = None if options.tuning is None else module.Picamera2.load_tuning_file(options.tuning)
        camera = module.Picamera2(options.camera, tuning=tuning)
        stream = {"size": options.size, "format": "YUV420"}
        lores = stream if options.stream == "lores" else None
        camera.configure(camera.create_video_configuration(
            main=stream, lores=lores, buffer_count=options.buffers, queue=True, display=None, encode=None,
            controls=_controls(options, camera.camera_controls),
        ))  # fmt: skip
        camera.start()
    except (RuntimeError, IndexError, ValueError, OSError) as error:
        if camera is not None:
            camera.close()
        what = "no such camera" if isinstance(error, IndexError) else str(error)
        raise BadInputError(f"source {name}: cannot be opened: {what}") from error
    return camera


def _controls(options: Options, known: dict[str, Any]) -> dict[str, Any]:
    frame_us = round(1e6 / options.fps)
    controls: dict[str, Any] = {"FrameDurationLimits": (frame_us, frame_us)}
    if options.exposure_us is not None:
        if options.exposure_us > frame_us:
            raise ValueError(f"exposure_us={options.exposure_us}: expected at most {frame_us} at {options.fps:g} fps")
        controls |= {"AeEnable": False, "ExposureTime": options.exposure_us, "AnalogueGain": options.gain}
    if options.lens_dioptres is not None:
        if "LensPosition" not in known:
            raise ValueError("lens: expected a camera module with a motor")
        controls |= {"AfMode": _AF_MANUAL, "LensPosition": options.lens_dioptres}
    return controls


def _color(space: object) -> ColorMatrix:
    text = str(space).lower()
    return next((matrix for name, matrix in _COLORS.items() if name in text), ColorMatrix.BT601_LIMITED)
