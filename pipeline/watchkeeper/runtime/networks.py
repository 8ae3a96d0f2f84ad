"""The networks a frame may go through, each with the crop it looks at. What runs when is perception.py's to say."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from contextlib import ExitStack, closing
from dataclasses import dataclass

from watchkeeper.board import EYE_WEIGHTS
from watchkeeper.errors import BadInputError
from watchkeeper.inference.allowed import production_model
from watchkeeper.inference.build_options import BuildOptions
from watchkeeper.inference.engine import Engine, EngineError, Progress, open_engine
from watchkeeper.inference.manifest import Manifest
from watchkeeper.measure import eye_patch, face, regions
from watchkeeper.measure.eye_patch import EyeReading
from watchkeeper.measure.points import LANDMARK_COUNT, QUICK_COUNT, Points
from watchkeeper.memory.wipe import guard
from watchkeeper.preprocess import plan
from watchkeeper.preprocess.backends import Preprocessor, open_preprocessor
from watchkeeper.preprocess.spec import Layout, OutputSpec
from watchkeeper.runtime.frame_work import Unhurried
from watchkeeper.trace.rows import Kind, Network
from watchkeeper.types import CameraGeometry, Frame, Region

DETECTOR, LANDMARKS, QUICK = "face_detector", "face_landmarks_478", "face_landmarks"


def network_names(weights: str) -> tuple[str, str, str, str]:
    """Detector, full and quick landmarks, eyes: the manifests' names. weights: of the eye network."""
    return DETECTOR, LANDMARKS, QUICK, f"eye_{weights}"


@dataclass(frozen=True, slots=True)
class LandmarkNetwork:
    """One of the two landmark networks, open. count: of its points."""

    engine: Engine
    spec: OutputSpec
    detail: Network
    count: int


class Networks:
    """Detector, both landmark networks and the eye network in one engine, and who cuts for them; stages are marked on
    `work`.

    preprocess: name of the back end, open as `preprocess`. options: how `tensorrt` builds. weights: of the eye network,
    of board.EYE_WEIGHTS. threads: of detector and landmarks.
    Raises BadInputError for an unknown engine or back end, unknown weights or missing ones; CudaError without the GPU
    they need.
    """

    def __init__(
        self,
        engine_name: str,
        preprocess: str,
        work: Unhurried,
        *,
        threads: int,
        weights: str,
        options: BuildOptions | None = None,
        on_build: Progress | None = None,
    ) -> None:
        if weights not in EYE_WEIGHTS:
            raise BadInputError(f"eye weights {weights}: unknown; known are {', '.join(EYE_WEIGHTS)}")
        self._work = work
        names = network_names(weights)
        eyes = names[-1]
        with ExitStack() as opening:  # closed in reverse: first who writes an engine's input, then the engine
            spec, engine = {}, {}
            for name in names:
                manifest = production_model(name)
                # the eye network is too small to gain from a second thread
                many = 1 if name == eyes else threads
                opened = open_engine(engine_name, manifest, threads=many, progress=on_build, options=options)
                engine[name] = opening.enter_context(opened)
                for entry in opened.inputs:
                    array = opened.input(entry.name)
                    guard(int(array.__array_interface__["data"][0]), array.nbytes)
                spec[name] = _input_spec(manifest, opened)
            self.preprocess: Preprocessor = opening.enter_context(closing(open_preprocessor(preprocess)))
            self._open = opening.pop_all()
        self._detector, self._detector_spec = engine[DETECTOR], spec[DETECTOR]
        self.full = LandmarkNetwork(engine[LANDMARKS], spec[LANDMARKS], Network.LANDMARKS, LANDMARK_COUNT)
        self.quick = LandmarkNetwork(engine[QUICK], spec[QUICK], Network.QUICK, QUICK_COUNT)
        self._eyes, self._eye_spec = engine[eyes], spec[eyes]
        self._patches = tuple(self._eyes.input(0)[i : i + 1] for i in (0, 1))
        self._all = tuple(engine.values())
        self._of_a_driver = (self.full.engine, self.quick.engine, self._eyes)
        self._has_driver = False

    def close(self) -> None:
        """Let go of preprocessor and engines, in this order; may be called again."""
        self._open.close()

    def forget_driver(self) -> None:
        """Nobody is seen any more: the crops of face and eyes would stay until somebody is."""
        if self._has_driver:
            self._has_driver = False
            for engine in self._of_a_driver:
                _empty(engine)

    def wipe(self) -> None:
        """Before an end: every network is run on an empty picture, which overwrites what the engine's library holds of
        the last one, from the crop over what the layers made of it to the output."""
        self._has_driver = False
        for engine in self._all:
            with contextlib.suppress(EngineError):  # a broken one: its crop is gone at least
                _empty(engine)
                engine.run()

    def detect(self, frame: Frame, camera: CameraGeometry) -> Region | None:
        """Where to look for the driver's landmarks; None when no face is found. camera: for frames of this size."""
        whole = plan.full_frame(frame.width, frame.height)
        self.preprocess.start_many(frame, (whole,), self._detector_spec, (self._detector.input(0),))
        self._work.mark(Kind.PREPROCESS, Network.DETECTOR)
        self._detector.run()
        self._work.mark(Kind.INFER, Network.DETECTOR)
        _empty(self._detector)  # with a track it is not run again for long: the whole picture would stay
        found = face.decode(self._detector.output("regressors"), self._detector.output("classificators"), whole)
        driver = face.choose_driver(found, camera)
        return None if driver is None else regions.from_detection(driver)

    def landmarks(self, frame: Frame, region: Region, network: LandmarkNetwork, points: Points) -> float:
        """The network's points in image pixels, written to `points`; the probability that they lie on a face."""
        self.cut(frame, region, network)
        p = self.read(region, network, points)
        self._work.mark(Kind.INFER, network.detail)
        return p

    def cut(self, frame: Frame, region: Region, network: LandmarkNetwork) -> None:
        """The first half of `landmarks`: the region into the network's input. Where a GPU cuts, the frame has to stay
        as it is until the second half is over."""
        self._has_driver = True
        self.preprocess.start_many(frame, (region,), network.spec, (network.engine.input(0),))
        self._work.mark(Kind.PREPROCESS, network.detail)

    def read(self, region: Region, network: LandmarkNetwork, points: Points) -> float:
        """The second half, at any time before the next cut for this network."""
        network.engine.run()
        regions.to_image(network.engine.output(0).reshape(network.count, 3), network.spec.width, region, points)
        return _probability(float(network.engine.output(1).reshape(-1)[0]))

    def eyes(self, frame: Frame, where: tuple[Region, Region]) -> tuple[EyeReading, EyeReading]:
        """Both eyes in one pass over the picture and one run of the eye network."""
        self.preprocess.start_many(frame, where, self._eye_spec, self._patches)
        self._work.mark(Kind.PREPROCESS, Network.EYES)
        self._eyes.run()
        self._work.mark(Kind.INFER, Network.EYES)
        left, right = self._eyes.output(0)
        return eye_patch.read(left), eye_patch.read(right)


def _empty(engine: Engine) -> None:
    for entry in engine.inputs:
        engine.input(entry.name).fill(0)


def _probability(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))


def _input_spec(model: Manifest, engine: Engine) -> OutputSpec:
    entry = model.inputs[0]
    _, height, width, channels = entry.spec.shape
    spec = OutputSpec.ranged(width, height, entry.low, entry.high, channels=channels)
    nhwc = engine.inputs[0].shape == entry.spec.shape
    return spec if nhwc else dataclasses.replace(spec, layout=Layout.NCHW)
