"""One picture in, one measurement out: which regions to cut, which network to run, what to make of it.

    with Perception(camera, engine_name="litert") as perception:
        measurement = perception.process(frame)

Mandatory work of a frame is one crop and the quick landmark network (468 points: head pose and place), both eyes'
patches in one pass and the eye network, and the geometry behind them. The full landmark network (478 points with lids
and irises, four times as long) refines what is known for the frames to come: eight times a second, on a turned head,
when the eyes have moved. Its crop is cut with the others; it runs in `refine`, which the loop calls once the frame's
result is out, or else at the beginning of the next frame, with the same numbers. It comes first only where nothing is
known yet, and where the quick one fails. The face detector runs only where there is no track, or where the track's
landmarks say they lie on no face. Nothing here reads a clock: time is the frame's own t_ns.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType

import numpy as np

from watchkeeper.board import EYE_WEIGHTS
from watchkeeper.inference.build_options import BuildOptions
from watchkeeper.inference.engine import Progress
from watchkeeper.measure import regions
from watchkeeper.measure.camera import camera_for
from watchkeeper.measure.driver import DriverMeasure
from watchkeeper.measure.driver_parts import DriverSample, QuickLook
from watchkeeper.measure.eye_patch import EyeReading
from watchkeeper.measure.head_pose import HeadPose
from watchkeeper.measure.points import LANDMARK_COUNT, QUICK_COUNT, Points
from watchkeeper.measure.pose_offset import RegionOffset
from watchkeeper.measure.quality import image_quality
from watchkeeper.memory.ledger import CopyLedger
from watchkeeper.preprocess.spec import Histogram
from watchkeeper.runtime.face_parts import FaceParts
from watchkeeper.runtime.frame_work import Unhurried
from watchkeeper.runtime.networks import LandmarkNetwork, Networks
from watchkeeper.trace.rows import Kind, Task
from watchkeeper.types import CameraGeometry, Face, Frame, Measurement, Region

_ON_A_FACE = 0.5  # landmark network's own probability
_SURELY_A_FACE = 0.9  # below, the quick network's doubt is looked into at once
_STATISTICS_STEP_PX = 4
_REFRESH_NS = 120_000_000  # irises are placed anew after so long, every fourth of 30 frames/s, if not called for before
# Two threads halve the latency of the landmark network where there are cores for them; more brought nothing.
_MOST_THREADS = 2


@dataclass(frozen=True, slots=True)
class _Due:
    """A frame whose full landmarks are still to come: the crop, of `region`, is in the network's input. placed: the
    region that follows from the quick landmarks; looked: FaceParts' by them; quick, readings: what the
    frame was judged by."""

    t_ns: int
    size: tuple[int, int]
    region: Region
    placed: Region
    quick: QuickLook
    readings: tuple[EyeReading, EyeReading]
    looked: list[Region]


@dataclass(frozen=True, slots=True)
class Placed:
    """The face of one frame: all landmarks, the head's pose, and the camera adapted to the frame's size."""

    points: Points
    pose: HeadPose
    camera: CameraGeometry


class Perception:
    """Face, landmarks and measures of one driver in front of one camera; `process` frames in order of time.

    camera: geometry as the board or a file gives it, adapted to the size of the frames that come. preprocess: name of
    the back end that cuts and converts; `cuda` writes an engine's input in place where that is mapped memory, as
    `tensorrt`'s is. options: how `tensorrt` builds. threads: of the engine, None for two where the process may use two
    cores. work: who is told of each stage and asked before each task that may be left out; None: everything is done.
    on_build: told while an engine has to be built first, which takes minutes. weights: of the eye network, one of
    board.EYE_WEIGHTS. thorough: the full landmark network on every frame. Raises BadInputError for an unknown engine or
    back end, unknown weights or missing ones; CudaError without the GPU they need.
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
        thorough: bool = False,
    ) -> None:
        self._work = work or Unhurried()
        self._thorough = thorough
        self.placed: Placed | None = None  # of the last frame; None without a face or all of its landmarks
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
        self._parts = FaceParts(self._preprocess)
        self._points: Points = np.zeros((LANDMARK_COUNT, 3), np.float32)
        self._full_points: Points = np.zeros((LANDMARK_COUNT, 3), np.float32)  # of `refine`
        self._quick_points: Points = np.zeros((QUICK_COUNT, 3), np.float32)
        self._size: tuple[int, int] | None = None
        self._driver: DriverMeasure | None = None
        self._region: Region | None = None
        self._due: _Due | None = None
        self._full_p = 1.0  # the full network's, as of its last run
        self._apart = RegionOffset()  # each network sees best in the square that its own landmarks give
        self._full_ns = 0  # t_ns of the frame of that
        self._later = preprocess == "cpu"  # a GPU still reads the picture when the crop's call returns
        self.detector_runs = 0

    def process(self, frame: Frame) -> Measurement:
        """Everything measured in this frame. Raises ValueError for a frame whose planes do not fit its size."""
        self.refine()  # what the caller has left
        driver, work = self._driver_for(frame), self._work
        self.placed = None
        quality = None
        if work.allows(Task.QUALITY):
            quality = image_quality(self._preprocess.statistics(frame, None, _STATISTICS_STEP_PX, self._histogram))
            work.done(Task.QUALITY)
        work.mark(Kind.QUALITY)
        if not work.allows(Task.LANDMARKS):
            return Measurement(frame.t_ns, frame.seq, image=quality)
        region, p = self._region, 0.0
        quick = self._quick_look(driver, frame) if region is not None and self._quick_will_do(driver) else None
        if quick is not None:
            p = min(quick.p, self._full_p)
        elif region is not None:
            self._region = region
            p = self._track(frame, self._networks.full)
        if self._region is None:
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
        driver.see(self._parts.step(frame, self._points, p, by_quick=quick is not None))
        if quick is None:
            sample = self._measure_full(driver, frame)
        else:
            sample = self._measure_quick(driver, frame, self._region, quick)
        around = regions.box(self._points[:QUICK_COUNT])
        if not self._later:
            self.refine()
        return Measurement(
            frame.t_ns,
            frame.seq,
            face=Face(p, around),
            head=sample.head,
            gaze=sample.gaze,
            left_eye=sample.left_eye,
            right_eye=sample.right_eye,
            mouth=sample.mouth,
            image=quality,
            face_searched=True,
        )

    def refine(self) -> None:
        """Run the full landmark network on the last frame, if that called for it: lids, irises and what the quick
        network is corrected by are the next frame's to use."""
        due, driver = self._due, self._driver
        self._due = None
        if due is None or driver is None:
            return
        began_ns = self._work.now()
        p = self._networks.read(due.region, self._networks.full, self._full_points)
        self._full_p, self._full_ns = p, due.t_ns
        placed = regions.from_landmarks(self._full_points[:QUICK_COUNT], *due.size) if p >= _ON_A_FACE else None
        pose = None if placed is None else driver.place(self._full_points)
        if placed is None or pose is None:
            self._region = None  # the next frame looks for the face anew
        else:
            self._apart.note(placed, due.placed)
            self._parts.note(self._full_points, due.looked)
            driver.compare(self._full_points, pose, due.quick)
            driver.step(self._full_points, due.t_ns, due.readings, pose)
        self._work.beside(Kind.REFINE, began_ns)

    @property
    def copies(self) -> CopyLedger:
        """Bytes the CPU copied between the source's buffers and the engines' inputs."""
        return self._preprocess.copies

    def light(self) -> Histogram:
        """Grey levels, (256,) counts, of the last frame's cheeks; of the whole picture while there is no face."""
        if self._region is None:
            return self._histogram
        return self._parts.cheeks()

    def levels(self, frame: Frame, region: Region, step_px: int, out: Histogram) -> Histogram:
        """Grey levels of `region`, (256,) counts written to `out`, as Preprocessor.statistics."""
        return self._preprocess.statistics(frame, region, step_px, out)

    def forget_driver(self) -> None:
        """Begin anew with the next picture: nothing is known of this driver's eyes, seat or looks any more."""
        self._driver = self._size = self._region = self._due = None
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
            self._driver = DriverMeasure(camera_for(self._camera, frame.width, frame.height))
            self._parts.reset()
            self._due, self._full_p, self._apart = None, 1.0, RegionOffset()
        return self._driver

    def _quick_will_do(self, driver: DriverMeasure) -> bool:
        return driver.quick_will_do and not self._thorough

    def _track(self, frame: Frame, network: LandmarkNetwork) -> float:
        """Landmarks in the region, and the region that follows from them (None: lost). Returns the probability."""
        region = self._region
        assert region is not None
        points = self._points[: network.count]
        p = self._networks.landmarks(frame, region, network, points)
        if network is self._networks.full:
            self._full_p, self._full_ns = p, frame.t_ns
        placed = regions.from_landmarks(self._points[:QUICK_COUNT], frame.width, frame.height)
        self._region = placed if p >= _ON_A_FACE else None
        return p

    def _measure_full(self, driver: DriverMeasure, frame: Frame) -> DriverSample:
        pose = driver.place(self._points)
        self.placed = None if pose is None else Placed(self._points, pose, driver.camera)
        readings = None if pose is None else self._networks.eyes(frame, driver.patches(self._points, pose))
        if driver.needs_comparison and pose is not None and self._region is not None:
            self._networks.landmarks(frame, self._region, self._networks.quick, self._quick_points)
            quick = driver.look_quick(self._quick_points)
            if quick is not None:
                driver.compare(self._points, pose, quick)
        return driver.step(self._points, frame.t_ns, readings, pose)

    def _quick_look(self, driver: DriverMeasure, frame: Frame) -> QuickLook | None:
        """Track and pose by the quick network; None where it finds no face that fits."""
        p = self._track(frame, self._networks.quick)
        return None if self._region is None else driver.look_quick(self._points[:QUICK_COUNT], p)

    def _measure_quick(self, driver: DriverMeasure, frame: Frame, placed: Region, quick: QuickLook) -> DriverSample:
        readings = self._networks.eyes(frame, driver.patches_quick(quick))
        sample = driver.step_quick(quick, frame.t_ns, readings)
        unsure = quick.p < _SURELY_A_FACE
        old = frame.t_ns - self._full_ns >= _REFRESH_NS
        if driver.moved(readings) or unsure or old or driver.full_is_due:
            region = self._apart.placed(placed)
            self._networks.cut(frame, region, self._networks.full)
            size = frame.width, frame.height
            self._due = _Due(frame.t_ns, size, region, placed, quick, readings, self._parts.looked)
        return sample
