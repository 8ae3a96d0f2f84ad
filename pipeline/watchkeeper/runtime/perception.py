"""One picture in, one measurement out: which regions to cut, which network to run, what to make of it.

    with Perception(camera, engine_name="litert") as perception:
        measurement = perception.process(frame)

Mandatory work of a frame is one crop and one landmark network, both eyes' patches in one pass and the eye network, and
the geometry behind them. The landmark network is the full one (478 points with lids and irises) on every fourth frame,
on a turned head and when the eyes have moved; in between it is the quick one (468 points, a quarter of the time), which
gives head pose and place. The face detector runs only where there is no track, or where the track's landmarks say they
lie on no face. Nothing here reads a clock: time is the frame's own t_ns.
"""

from __future__ import annotations

import os
from types import TracebackType

import numpy as np

from watchkeeper.board import EYE_WEIGHTS
from watchkeeper.inference.build_options import BuildOptions
from watchkeeper.inference.engine import Progress
from watchkeeper.measure import regions
from watchkeeper.measure.driver import DriverMeasure, DriverSample
from watchkeeper.measure.head_pose import HeadPose
from watchkeeper.measure.points import LANDMARK_COUNT, QUICK_COUNT, Points
from watchkeeper.measure.quality import image_quality
from watchkeeper.measure.sight import Seen, Sight, sight_regions
from watchkeeper.memory.ledger import CopyLedger
from watchkeeper.runtime.frame_work import Unhurried
from watchkeeper.runtime.networks import LandmarkNetwork, Networks
from watchkeeper.trace.rows import Kind, Task
from watchkeeper.types import CameraGeometry, Face, Frame, Measurement, Region

_ON_A_FACE = 0.5  # landmark network's own probability
_STATISTICS_STEP_PX = 4
_QUICK_IN_A_ROW = 3  # at 30 frames a second irises are placed anew within 133 ms, if nothing calls for it before
_COMPARE_EVERY = 300  # frames: how far the two landmark networks' poses are apart changes slowly, if at all
# Two threads halve the latency of the landmark network where there are cores for them; more brought nothing.
_MOST_THREADS = 2


class Perception:
    """Face, landmarks and measures of one driver in front of one camera; `process` frames in order of time.

    camera: geometry as the board or a file gives it, adapted to the size of the frames that come. preprocess: name of
    the back end that cuts and converts; `cuda` writes an engine's input in place where that is mapped memory, as
    `tensorrt`'s is. options: how `tensorrt` builds. threads: of the engine, None for two where the process may use two
    cores. work: who is told of each stage and asked before each task that may be left out; None: everything is done.
    on_build: told while an engine has to be built first, which takes minutes. weights: of the eye network, one of
    board.EYE_WEIGHTS. Raises BadInputError for an unknown engine or back end, unknown weights or missing ones;
    CudaError without the GPU they need.
    """

    def __init__(
        self,
        camera: CameraGeometry,
        engine_name: str = "litert",
        preprocess: str = "cpu",
        *,
        options: BuildOptions | None = None,
        threads: int | None = None,
        on_build: Progress | None = None,
        work: Unhurried | None = None,
        weights: str = EYE_WEIGHTS[0],
    ) -> None:
        self._work = work or Unhurried()
        self._camera = camera
        self._networks = Networks(
            engine_name,
            preprocess,
            self._work,
            threads=threads or min(_MOST_THREADS, len(os.sched_getaffinity(0))),
            weights=weights,
            options=options,
            on_build=on_build,
        )
        self._preprocess = self._networks.preprocess
        self._histogram = np.zeros(256, np.uint32)
        self._levels = [np.zeros(256, np.uint32) for _ in range(5)]
        self._sight = Sight()
        self._points: Points = np.zeros((LANDMARK_COUNT, 3), np.float32)
        self._quick_points: Points = np.zeros((QUICK_COUNT, 3), np.float32)
        self._size: tuple[int, int] | None = None
        self._driver: DriverMeasure | None = None
        self._region: Region | None = None
        self._full_due = True
        self._quick_in_a_row = self._since_compared = 0
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
        quick = self._region is not None and self._quick_will_do(driver)
        p = (
            self._track(frame, self._networks.quick if quick else self._networks.full)
            if self._region is not None
            else 0.0
        )
        if self._region is None:
            quick = False
            if not work.allows(Task.DETECT):
                self._lost(driver)
                return Measurement(frame.t_ns, frame.seq, image=quality)
            self._region = self._networks.detect(frame, driver.camera)
            self.detector_runs += 1
            if self._region is not None:
                p = self._track(frame, self._networks.full)
            work.done(Task.DETECT)
            if self._region is not None and work.allows(Task.REFINE):
                # again, from the landmarks' own region: better placed than the detector's
                p = self._track(frame, self._networks.full)
                work.done(Task.REFINE)
        if self._region is None:
            self._lost(driver)
            return Measurement(frame.t_ns, frame.seq, image=quality, face_searched=True)
        driver.see(self._seen(frame, p))
        sample = self._measure_quick(driver, frame) if quick else self._measure_full(driver, frame)
        return Measurement(
            frame.t_ns,
            frame.seq,
            face=Face(p, regions.box(self._points[:QUICK_COUNT])),
            head=sample.head,
            gaze=sample.gaze,
            left_eye=sample.left_eye,
            right_eye=sample.right_eye,
            mouth=sample.mouth,
            image=quality,
            face_searched=True,
        )

    @property
    def copies(self) -> CopyLedger:
        """Bytes the CPU copied between the source's buffers and the engines' inputs."""
        return self._preprocess.copies

    def forget_driver(self) -> None:
        """Begin anew with the next picture: nothing is known of this driver's eyes, seat or looks any more."""
        self._driver = self._size = self._region = None
        self._networks.forget_driver()

    def wipe(self) -> None:
        """Before `close` where a camera's pictures were seen: nothing of them is left in the engines' memory."""
        self._networks.wipe()

    def close(self) -> None:
        """Let go of preprocessor and engines, in this order; may be called again."""
        self._networks.close()

    def __enter__(self) -> Perception:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def _lost(self, driver: DriverMeasure) -> None:
        driver.lost()
        self._networks.forget_driver()

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

    def _quick_will_do(self, driver: DriverMeasure) -> bool:
        return driver.quick_will_do and not self._full_due and self._quick_in_a_row < _QUICK_IN_A_ROW

    def _track(self, frame: Frame, network: LandmarkNetwork) -> float:
        """Landmarks in the region, and the region that follows from them (None: lost). Returns the probability."""
        region = self._region
        assert region is not None
        points = self._points[: network.count]
        p = self._networks.landmarks(frame, region, network, points)
        placed = regions.from_landmarks(self._points[:QUICK_COUNT], frame.width, frame.height)
        self._region = placed if p >= _ON_A_FACE else None
        return p

    def _measure_full(self, driver: DriverMeasure, frame: Frame) -> DriverSample:
        pose = driver.place(self._points)
        readings = None if pose is None else self._networks.eyes(frame, driver.patches(self._points, pose))
        self._full_due, self._quick_in_a_row = False, 0
        self._since_compared += 1
        due = driver.needs_comparison or self._since_compared >= _COMPARE_EVERY
        if due and pose is not None and self._region is not None:
            self._compare(driver, frame, self._region, pose)
        return driver.step(self._points, frame.t_ns, readings, pose)

    def _compare(self, driver: DriverMeasure, frame: Frame, region: Region, pose: HeadPose) -> None:
        """The quick network on a frame the full one has had: what their poses differ by."""
        self._since_compared = 0
        self._networks.landmarks(frame, region, self._networks.quick, self._quick_points)
        quick = driver.place_quick(self._quick_points)
        if quick is not None:
            driver.compare(self._points, pose, self._quick_points, quick)

    def _measure_quick(self, driver: DriverMeasure, frame: Frame) -> DriverSample:
        pose = driver.place_quick(self._points)
        self._quick_in_a_row += 1
        if pose is None:
            self._full_due = True
            return DriverSample()
        readings = self._networks.eyes(frame, driver.patches(self._points, pose, quick=True))
        self._full_due = driver.moved(readings)
        return driver.step_quick(pose, frame.t_ns, readings)


def _camera_for(camera: CameraGeometry, width: int, height: int) -> CameraGeometry:
    """The camera for frames of this size. One that nobody measured has its angle of view across the longer side."""
    if camera.mounting_known or height <= width:
        return camera.scaled_to(width, height)
    wide = camera.scaled_to(height, width)
    return CameraGeometry(
        width, height, wide.fx, wide.fy, wide.cy, wide.cx,
        wide.distortion, wide.rotation_vehicle_to_camera, wide.translation_mm, wide.mounting_known,
    )  # fmt: skip
