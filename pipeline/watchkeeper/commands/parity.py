"""What the converted networks differ by from LiteRT, on real pictures: crops of a drive, as perception cuts them.

For every network the input is what it sees in use: the whole picture for the face detector, the tracked face for the
landmark networks, an eye for the iris network, both for the eye networks; the blendshape network gets landmarks of that
face.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from watchkeeper.board import load_board
from watchkeeper.capture.source import EndOfSource, open_source
from watchkeeper.errors import BadInputError
from watchkeeper.inference.engine import Engine, open_engine
from watchkeeper.inference.manifest import Manifest, fill, load_manifest
from watchkeeper.measure import face, regions
from watchkeeper.measure.points import LANDMARK_COUNT, LEFT_EYE, RIGHT_EYE, EyePoints, Points
from watchkeeper.preprocess import plan
from watchkeeper.preprocess.backends import open_preprocessor
from watchkeeper.preprocess.spec import OutputSpec
from watchkeeper.types import Frame, Region

Inputs = dict[str, NDArray[np.float32]]
_EYE_MARGIN = 2.3  # the iris network's crop, as its makers cut it: this many eye widths


@dataclass(slots=True)
class Difference:
    """Absolute difference of one output over all frames, in the output's own unit."""

    sums: float = 0.0
    count: int = 0
    largest: float = 0.0
    frames: int = 0
    worst_frame_mean: float = 0.0

    def add(self, a: NDArray[np.float32], b: NDArray[np.float32]) -> None:
        """Another frame's output of both."""
        difference = np.abs(a.astype(np.float64) - b)
        self.sums += float(difference.sum())
        self.count += difference.size
        self.frames += 1
        self.largest = max(self.largest, float(difference.max()))
        self.worst_frame_mean = max(self.worst_frame_mean, float(difference.mean()))

    @property
    def mean(self) -> float:
        """Over all elements of all frames; NaN before the first."""
        return self.sums / self.count if self.count else math.nan


@dataclass(slots=True)
class Comparison:
    """One network in one engine against LiteRT: differences by output."""

    model: str
    outputs: dict[str, Difference] = field(default_factory=dict)


def compare(others: dict[str, Engine], frames: int, source: str = "demo:") -> list[Comparison]:
    """Run LiteRT and `others` (by model) on the same inputs from `frames` pictures spread over the source.

    Raises BadInputError when no face is found in the source.
    """
    models = {name: load_manifest(name) for name in others}
    made = {name: Comparison(name) for name in others}
    with ExitStack() as stack:
        ours = {name: stack.enter_context(open_engine("litert", model)) for name, model in models.items()}
        for inputs in real_inputs(source, frames):
            for name, other in others.items():
                entry = models[name].inputs[0]
                for engine in (ours[name], other):
                    fill(engine, entry, inputs[name])
                    engine.run()
                for output in models[name].outputs:
                    key = output.spec.name
                    made[name].outputs.setdefault(key, Difference()).add(ours[name].output(key), other.output(key))
    return list(made.values())


def real_inputs(source: str, frames: int) -> Iterator[Inputs]:
    """Inputs of all networks from pictures spread evenly over `source`, whose first 1350 frames are looked at."""
    step, found = max(1, 1350 // frames), 0
    with closing(open_source(source, paced=False, repeat=True)) as opened, _Cropper() as cropper:
        for count in range(step * frames):
            try:
                lease = opened.next(timeout_s=10.0)
            except EndOfSource:
                break
            if lease is None:
                raise BadInputError(f"{source}: no frame within 10 s")
            with lease:
                inputs = cropper.inputs(lease.frame) if count % step == 0 else None
            if inputs is not None:
                found += 1
                yield inputs
    if not found:
        raise BadInputError(f"{source}: no face found in it; expected a film of a driver")


class _Cropper:
    """LiteRT's own detector and landmarks say where to cut; every frame stands for itself, nothing is tracked."""

    def __init__(self) -> None:
        self._models = {name: load_manifest(name) for name in _PICTURES}
        self._eyes = {name: load_manifest(name) for name in _BOTH_EYES}
        self._points_model = load_manifest("face_blendshapes")
        self._detector = open_engine("litert", self._models["face_detector"])
        self._landmarks = open_engine("litert", self._models["face_landmarks_478"])
        self._preprocess = open_preprocessor("cpu")
        self._camera = load_board("host").camera  # nobody measured it: the face in the middle is the driver's
        self._points: Points = np.zeros((LANDMARK_COUNT, 3), np.float32)

    def inputs(self, frame: Frame) -> Inputs | None:
        """None where there is no face."""
        whole = plan.full_frame(frame.width, frame.height)
        made = {"face_detector": self._cut("face_detector", frame, whole)}
        fill(self._detector, self._models["face_detector"].inputs[0], made["face_detector"])
        self._detector.run()
        faces = face.decode(self._detector.output("regressors"), self._detector.output("classificators"), whole)
        driver = face.choose_driver(faces, self._camera.scaled_to(frame.width, frame.height))
        if driver is None:
            return None
        region = regions.from_detection(driver)
        for name in ("face_landmarks", "face_landmarks_478"):
            made[name] = self._cut(name, frame, region)
        fill(self._landmarks, self._models["face_landmarks_478"].inputs[0], made["face_landmarks_478"])
        self._landmarks.run()
        raw = self._landmarks.output(0).reshape(LANDMARK_COUNT, 3)
        regions.to_image(raw, self._models["face_landmarks_478"].inputs[0].spec.shape[1], region, self._points)
        left = _eye(self._points, LEFT_EYE, _EYE_MARGIN, region.rotation_rad)
        made["iris_landmarks"] = self._cut("iris_landmarks", frame, left)
        for name in _BOTH_EYES:
            entry = self._eyes[name].inputs[0]
            _, height, width, channels = entry.spec.shape
            spec = OutputSpec.ranged(width, height, entry.low, entry.high, channels=channels)
            made[name] = np.empty(entry.spec.shape, np.float32)
            where = [_eye(self._points, eye, _PATCH_MARGIN, region.rotation_rad) for eye in (LEFT_EYE, RIGHT_EYE)]
            self._preprocess.run_many(frame, where, spec, [made[name][i : i + 1] for i in (0, 1)])
        shape = self._points_model.inputs[0].spec.shape
        made["face_blendshapes"] = self._points[: shape[1], :2].reshape(shape).copy()
        return made

    def _cut(self, name: str, frame: Frame, region: Region) -> NDArray[np.float32]:
        spec = _nhwc(self._models[name])
        picture = np.empty(spec.shape, np.float32)
        self._preprocess.run(frame, region, spec, picture)
        return picture

    def __enter__(self) -> _Cropper:
        return self

    def __exit__(self, *_: object) -> None:
        self._detector.close()
        self._landmarks.close()


_PICTURES = ("face_detector", "face_landmarks", "face_landmarks_478", "iris_landmarks")
_BOTH_EYES = ("eye_clear", "eye_research")
_PATCH_MARGIN = 1.46  # the eye networks' crop from the front, as perception cuts it: this many eye widths


def _nhwc(model: Manifest) -> OutputSpec:
    entry = model.inputs[0]
    _, height, width, channels = entry.spec.shape
    return OutputSpec.ranged(width, height, entry.low, entry.high, channels=channels)


def _eye(points: Points, eye: EyePoints, margin: float, rotation_rad: float) -> Region:
    inner, outer = points[eye.inner, :2], points[eye.outer, :2]
    x, y = (float(v) for v in (inner + outer) / 2)
    side = max(margin * float(np.hypot(*(outer - inner))), 8.0)
    return Region(x, y, side, side, rotation_rad)
