"""One picture in, one measurement out: which regions to cut, which network to run, what to make of it.

    with Perception(camera, engine_name="litert") as perception:
        measurement = perception.process(frame)

Mandatory work of a frame is one crop, one network (478 landmarks with both irises) and the geometry behind it. The face
detector runs only where there is no track, or where the track's landmarks say they lie on no face. Nothing here reads a
clock: time is the frame's own t_ns.
"""

from __future__ import annotations

import dataclasses
import math
import os
from types import TracebackType

import numpy as np

from watchkeeper.inference.engine import Engine, Progress, open_engine
from watchkeeper.inference.manifest import Manifest, load_manifest
from watchkeeper.measure import face, regions
from watchkeeper.measure.driver import DriverMeasure, DriverSample
from watchkeeper.measure.points import LANDMARK_COUNT, Points
from watchkeeper.measure.quality import image_quality
from watchkeeper.measure.sight import Seen, Sight, sight_regions
from watchkeeper.preprocess import plan
from watchkeeper.preprocess.backends import Preprocessor, open_preprocessor
from watchkeeper.preprocess.spec import Layout, OutputSpec
from watchkeeper.runtime.frame_work import Unhurried
from watchkeeper.trace.rows import Kind, Network, Task
from watchkeeper.types import CameraGeometry, Face, Frame, Measurement, Region

DETECTOR, LANDMARKS = "face_detector", "face_landmarks_478"
_ON_A_FACE = 0.5  # landmark network's own probability
_STATISTICS_STEP_PX = 4
# Two threads halve the latency of the landmark network where there are cores for them; more brought nothing.
_MOST_THREADS = 2


class Perception:
    """Face, landmarks and measures of one driver in front of one camera; `process` frames in order of time.

    camera: geometry as the board or a file gives it, adapted to the size of the frames that come. preprocessor: a back
    end, or None for the CPU's. threads: of the engine, None for two where the process may use two cores. work: who is
    told of each stage and asked before each task that may be left out; None: everything is done. on_build:
    told while an engine has to be built first, which takes minutes.
    Raises BadInputError for an unknown engine or missing weights.
    """

    def __init__(
        self,
        camera: CameraGeometry,
        engine_name: str = "litert",
        preprocessor: Preprocessor | None = None,
        *,
        threads: int | None = None,
        on_build: Progress | None = None,
        work: Unhurried | None = None,
    ) -> None:
        self._work = work or Unhurried()
        threads = threads or min(_MOST_THREADS, len(os.sched_getaffinity(0)))
        self._camera = camera
        self._preprocess = preprocessor or open_preprocessor("cpu")
        detector, landmarks = load_manifest(DETECTOR), load_manifest(LANDMARKS)
        self._detector = open_engine(engine_name, detector, threads=threads, progress=on_build)
        try:
            self._landmarks = open_engine(engine_name, landmarks, threads=threads, progress=on_build)
        except BaseException:
            self._detector.close()
            raise
        self._detector_spec = _input_spec(detector, self._detector)
        self._landmark_spec = _input_spec(landmarks, self._landmarks)
        self._histogram = np.zeros(256, np.uint32)
        self._levels = [np.zeros(256, np.uint32) for _ in range(5)]
        self._sight = Sight()
        self._points: Points = np.zeros((LANDMARK_COUNT, 3), np.float32)
        self._size: tuple[int, int] | None = None
        self._driver: DriverMeasure | None = None
        self._region: Region | None = None
        self.detector_runs = 0

    def process(self, frame: Frame) -> Measurement:
        """Everything measured in this frame. Raises ValueError for a frame whose planes do not fit its size."""
        driver, work = self._driver_for(frame), self._work
        quality = None
        if work.allows(Task.QUALITY):
            quality = image_quality(self._preprocess.statistics(frame, None, _STATISTICS_STEP_PX, self._histogram))
            work.done(Task.QUALITY)
        work.mark(Kind.QUALITY)
        if not work.allows(Task.LANDMARKS):
            return Measurement(frame.t_ns, frame.seq, image=quality)
        p = self._track(frame) if self._region is not None else 0.0
        if self._region is None:
            if not work.allows(Task.DETECT):
                driver.lost()
                return Measurement(frame.t_ns, frame.seq, image=quality)
            self._region = self._detect(frame)
            if self._region is not None:
                p = self._track(frame)
            work.done(Task.DETECT)
            if self._region is not None and work.allows(Task.REFINE):
                p = self._track(frame)  # again, from the landmarks' own region: better placed than the detector's
                work.done(Task.REFINE)
        if self._region is None:
            driver.lost()
            return Measurement(frame.t_ns, frame.seq, image=quality, face_searched=True)
        sample: DriverSample = driver.step(self._points, frame.t_ns, self._seen(frame, p))
        return Measurement(
            frame.t_ns,
            frame.seq,
            face=Face(p, regions.box(self._points)),
            head=sample.head,
            gaze=sample.gaze,
            left_eye=sample.left_eye,
            right_eye=sample.right_eye,
            mouth=sample.mouth,
            image=quality,
            face_searched=True,
        )

    def forget_driver(self) -> None:
        """Begin anew with the next picture: nothing is known of this driver's eyes, seat or looks any more."""
        self._driver = self._size = self._region = None

    def close(self) -> None:
        """Let go of the engines; may be called again."""
        self._detector.close()
        self._landmarks.close()

    def __enter__(self) -> Perception:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def _driver_for(self, frame: Frame) -> DriverMeasure:
        """The driver's measures, made anew when the camera starts to deliver another size."""
        size = frame.width, frame.height
        if self._driver is None or size != self._size:
            self._size, self._region = size, None
            self._driver = DriverMeasure(_camera_for(self._camera, frame.width, frame.height))
            self._sight = Sight()
        return self._driver

    def _seen(self, frame: Frame, p: float) -> Seen:
        """Which parts of the face are to be seen, by the grey levels where the landmarks say they are."""
        places, levels = sight_regions(self._points), self._levels
        for region, counts in zip((*places.eyes, *places.cheeks, places.mouth), levels, strict=True):
            self._preprocess.statistics(frame, region, 1, counts)
        return self._sight.step((levels[0], levels[1]), (levels[2], levels[3]), levels[4], p, frame.t_ns)

    def _detect(self, frame: Frame) -> Region | None:
        whole = plan.full_frame(frame.width, frame.height)
        self._preprocess.run(frame, whole, self._detector_spec, self._detector.input(0))
        self._work.mark(Kind.PREPROCESS, Network.DETECTOR)
        self._detector.run()
        self._work.mark(Kind.INFER, Network.DETECTOR)
        self.detector_runs += 1
        found = face.decode(self._detector.output("regressors"), self._detector.output("classificators"), whole)
        driver = face.choose_driver(found, _camera_for(self._camera, frame.width, frame.height))
        return None if driver is None else regions.from_detection(driver)

    def _track(self, frame: Frame) -> float:
        """Landmarks in the region, and the region that follows from them (None: lost). Returns the probability."""
        region = self._region
        assert region is not None
        self._preprocess.run(frame, region, self._landmark_spec, self._landmarks.input(0))
        self._work.mark(Kind.PREPROCESS, Network.LANDMARKS)
        self._landmarks.run()
        self._work.mark(Kind.INFER, Network.LANDMARKS)
        p = _probability(float(self._landmarks.output(1).reshape(-1)[0]))
        raw = self._landmarks.output(0).reshape(LANDMARK_COUNT, 3)
        regions.to_image(raw, self._landmark_spec.width, region, self._points)
        placed = regions.from_landmarks(self._points, frame.width, frame.height)
        self._region = placed if p >= _ON_A_FACE else None
        return p


def _probability(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))


def _input_spec(model: Manifest, engine: Engine) -> OutputSpec:
    entry = model.inputs[0]
    _, height, width, channels = entry.spec.shape
    spec = OutputSpec.ranged(width, height, entry.low, entry.high, channels=channels)
    nhwc = engine.inputs[0].shape == entry.spec.shape
    return spec if nhwc else dataclasses.replace(spec, layout=Layout.NCHW)


def _camera_for(camera: CameraGeometry, width: int, height: int) -> CameraGeometry:
    """The camera for frames of this size. One that nobody measured has its angle of view across the longer side."""
    if camera.mounting_known or height <= width:
        return camera.scaled_to(width, height)
    wide = camera.scaled_to(height, width)
    return CameraGeometry(
        width, height, wide.fx, wide.fy, wide.cy, wide.cx,
        wide.distortion, wide.rotation_vehicle_to_camera, wide.translation_mm, wide.mounting_known,
    )  # fmt: skip
