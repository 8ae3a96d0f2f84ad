"""Drives as timelines: what the driver does, sampled as a camera would, judged by the real state machine."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from watchkeeper.board import load_board
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import (
    DriverState,
    Eye,
    Face,
    Gaze,
    Head,
    ImageQuality,
    Measurement,
    Mouth,
    Phase,
    VehicleSignals,
)

LAP, INFOTAINMENT, AHEAD = (-8.0, -48.0), (-30.0, -18.0), (0.0, 0.0)


@dataclass
class Span:
    """A stretch of time in which the driver does one thing. lids, p_visible: left, right. None: not measured."""

    seconds: float
    gaze: tuple[float, float] | None = AHEAD
    head: tuple[float, float] | None = AHEAD
    lids: tuple[float, float] | None = (1.0, 1.0)
    p_visible: tuple[float, float] = (0.99, 0.99)
    speed_kph: float | None = 80.0
    face: bool | None = None  # None: the trace does not say
    face_px: float = 220.0
    image: ImageQuality | None = None
    acknowledge: bool = False
    mouth: float | None = None
    frames: bool = True  # False: no frame arrives at all


@dataclass
class Played:
    """What came of a drive. Times in seconds from its start."""

    states: list[DriverState] = field(default_factory=list)
    machine: DriverStateMachine | None = None
    t0_ns: int = 0

    @property
    def events(self) -> list[tuple[float, str, str, int]]:
        events = [event for state in self.states for event in state.events]
        return [((e.t_ns - self.t0_ns) / 1e9, e.warning.label, e.phase.value, e.level) for e in events]

    @property
    def names(self) -> list[tuple[str, str]]:
        return [(name, phase) for _, name, phase, _ in self.events]

    def onsets(self, name: str | None = None) -> list[float]:
        return [t for t, n, phase, _ in self.events if phase == Phase.ONSET.value and name in (None, n)]

    def ends(self, name: str) -> list[float]:
        return [t for t, n, phase, _ in self.events if phase == Phase.END.value and n == name]

    def at(self, seconds: float) -> DriverState:
        """The newest state at that time."""
        return [s for s in self.states if s.t_ns - self.t0_ns <= seconds * 1e9][-1]


class Drive:
    """`Drive().ahead(5).look(3.7, LAP).ahead(5).play(fps=15)`."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def span(self, seconds: float, **what: Any) -> Drive:
        self.spans.append(replace(Span(seconds), **what))  # a typo is a TypeError at run time
        return self

    def ahead(self, seconds: float, **what: object) -> Drive:
        return self.span(seconds, **what)

    def look(self, seconds: float, gaze: tuple[float, float], **what: object) -> Drive:
        return self.span(seconds, **{"gaze": gaze, "head": (gaze[0] * 0.6, gaze[1] * 0.5), **what})

    def shut(self, seconds: float, **what: object) -> Drive:
        return self.span(seconds, **{"lids": (0.02, 0.02), **what})

    def play(
        self,
        fps: float = 30.0,
        jitter_ms: float = 0.0,
        lost: float = 0.0,
        lid_noise: float = 0.0,
        gaze_noise_deg: float = 0.0,
        seed: int = 1,
        t0_ns: int = 5_000_000_000,
    ) -> Played:
        """Sample and judge. jitter_ms: even, each way. lost: share of frames. Noise: one standard deviation."""
        rng = random.Random(seed)
        machine = DriverStateMachine(get_profile("euroncap-2026"), load_board("host").cabin)
        played = Played(t0_ns=t0_ns, machine=machine)
        total = sum(span.seconds for span in self.spans)
        for k in range(round(total * fps)):
            t = max(0.0, k / fps + rng.uniform(-jitter_ms, jitter_ms) / 1000)
            noise = [rng.gauss(0.0, 1.0) for _ in range(6)]
            if rng.random() < lost:
                continue
            span = self._at(t)
            if not span.frames:
                continue
            t_ns = t0_ns + round(t * 1e9)
            frame = _measurement(span, t_ns, k + 1, noise, lid_noise, gaze_noise_deg)
            car = VehicleSignals(span.speed_kph, acknowledge=span.acknowledge)
            played.states.append(machine.step(frame, car, t_ns))
        return played

    def _at(self, t: float) -> Span:
        for span in self.spans:
            if t < span.seconds:
                return span
            t -= span.seconds
        return self.spans[-1]


def _measurement(
    span: Span, t_ns: int, seq: int, noise: list[float], lid_noise: float, gaze_noise_deg: float
) -> Measurement:
    def lid(k: int) -> Eye | None:
        if span.lids is None:
            return None
        return Eye(min(1.1, max(0.0, span.lids[k] + lid_noise * noise[k])), None, span.p_visible[k])

    def gaze() -> Gaze | None:
        if span.gaze is None:
            return None
        return Gaze(span.gaze[0] + gaze_noise_deg * noise[2], span.gaze[1] + gaze_noise_deg * noise[3])

    return Measurement(
        t_ns=t_ns,
        seq=seq,
        face=Face(0.98, (200.0, 100.0, 180.0, span.face_px)) if span.face else None,
        face_searched=span.face is False,
        head=Head(span.head[0], span.head[1], 0.0) if span.head is not None else None,
        gaze=gaze(),
        left_eye=lid(0),
        right_eye=lid(1),
        mouth=Mouth(span.mouth) if span.mouth is not None else None,
        image=span.image,
    )


@pytest.fixture
def drive() -> Callable[[], Drive]:
    """Begins a new drive."""
    return Drive


# How cameras deliver: name -> arguments of `Drive.play`, and by how much that alone may delay an onset (two frames, as
# the one at the limit may be lost).
CAMERAS: dict[str, dict[str, float]] = {
    "10fps": {"fps": 10},
    "15fps": {"fps": 15},
    "30fps": {"fps": 30},
    "60fps": {"fps": 60},
    "30fps-jitter": {"fps": 30, "jitter_ms": 15},
    "30fps-lost": {"fps": 30, "lost": 0.2},
    "15fps-lost-jitter": {"fps": 15, "lost": 0.2, "jitter_ms": 20},
    "60fps-noise": {"fps": 60, "lid_noise": 0.06, "gaze_noise_deg": 3.0},
    "30fps-noise-lost": {"fps": 30, "lid_noise": 0.06, "gaze_noise_deg": 3.0, "lost": 0.2},
}


@pytest.fixture(params=CAMERAS, ids=str)
def camera(request: pytest.FixtureRequest) -> dict[str, float]:
    """Every way a camera may deliver."""
    return CAMERAS[request.param]
