"""From a scenario to what a camera and perception would deliver of it: measurements at frame times."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from watchkeeper.scenarios.model import CameraModel, Noise, Readings, Scenario, Track
from watchkeeper.scenarios.tracks import Tracks
from watchkeeper.types import (
    Eye,
    Face,
    Gaze,
    Head,
    ImageQuality,
    Measurement,
    Mouth,
    Phone,
    VehicleSignals,
)

Row = tuple[Measurement, VehicleSignals | None]

_NS_PER_S = 1_000_000_000
_GAZE_STD_DEG, _HEAD_STD_DEG = 4.0, 2.0  # what perception states of its own angles
_OPEN_MM = 10.0  # lid gap of an open eye
_FACE_P = 0.98


def sample(scenario: Scenario, camera: CameraModel | None = None) -> Iterator[Row]:
    """Measurements of the drive in order, time from 0, each with what the vehicle said.

    camera: instead of the scenario's own. The same scenario and camera give the same rows; frames that are lost take
    their number (`seq`) with them.
    """
    camera = camera or scenario.camera
    rng = random.Random(camera.seed)
    tracks = Tracks(scenario.actions)
    noise = [_Walk(each, random.Random(f"{camera.seed} {k}")) for k, each in enumerate(scenario.noise)]
    last_ns = 0
    for seq in range(_count(scenario.end_ns, camera)):
        due_ns = camera.shift_ns + round(seq * _NS_PER_S / camera.fps)
        t_ns = max(last_ns, due_ns + round(rng.uniform(-camera.jitter_ns, camera.jitter_ns)))
        lost = rng.random() < camera.lost
        tracks.move_to(t_ns)
        if lost or tracks[Track.FRAMES] != (1.0,):
            continue
        last_ns = t_ns
        yield _measurement(tracks, t_ns, seq, _drawn(noise, t_ns), scenario.readings), _vehicle(tracks)


def _count(end_ns: int, camera: CameraModel) -> int:
    return max(0, math.ceil((end_ns - camera.shift_ns) * camera.fps / _NS_PER_S))


class _Walk:
    """One noise: normal, alike over `over_ns`. Drawn as two values a frame (yaw and pitch, left and right)."""

    def __init__(self, noise: Noise, rng: random.Random) -> None:
        self.signal = noise.signal
        self._std, self._over_ns, self._rng = noise.std, noise.over_ns, rng
        self._t_ns: int | None = None
        self._values = (0.0, 0.0)

    def step(self, t_ns: int) -> tuple[float, float]:
        keep = 0.0
        if self._over_ns and self._t_ns is not None:
            keep = math.exp(-(t_ns - self._t_ns) / self._over_ns)
        self._t_ns = t_ns
        fresh = self._std * math.sqrt(1.0 - keep * keep)
        a, b = self._values
        self._values = (keep * a + fresh * self._rng.gauss(0, 1), keep * b + fresh * self._rng.gauss(0, 1))
        return self._values


def _drawn(noise: list[_Walk], t_ns: int) -> dict[str, tuple[float, float]]:
    sums: dict[str, tuple[float, float]] = {}
    for walk in noise:
        a, b = walk.step(t_ns)
        before = sums.get(walk.signal, (0.0, 0.0))
        sums[walk.signal] = (before[0] + a, before[1] + b)
    return sums


_NONE = (0.0, 0.0)


def _measurement(
    tracks: Tracks, t_ns: int, seq: int, noise: dict[str, tuple[float, float]], readings: Readings
) -> Measurement:
    image, phone = tracks[Track.IMAGE], tracks[Track.PHONE]
    quality = ImageQuality(*image) if image is not None else None
    face = tracks[Track.FACE]
    if face == (0.0,):
        return Measurement(t_ns, seq, image=quality, face_searched=True)
    if face is None:
        return Measurement(t_ns, seq, image=quality)
    head, gaze, mouth, box = tracks[Track.HEAD], tracks[Track.GAZE], tracks[Track.MOUTH], tracks[Track.BOX]
    dg, dh, dm = (noise.get(signal, _NONE) for signal in ("gaze", "head", "mouth"))
    opening = None
    if mouth is not None:
        level, swing, hz = mouth
        opening = _within(level + swing * math.sin(2 * math.pi * hz * t_ns / _NS_PER_S) + dm[0], 1.0)
    left, right = _eyes(tracks, noise.get("lids", _NONE), readings)
    return Measurement(
        t_ns,
        seq,
        face=Face(_FACE_P, (box[0], box[1], box[2], box[3])) if box is not None else None,
        head=Head(head[0] + dh[0], head[1] + dh[1], head[2], _HEAD_STD_DEG) if head is not None else None,
        gaze=Gaze(gaze[0] + dg[0], gaze[1] + dg[1], _GAZE_STD_DEG) if gaze is not None else None,
        left_eye=left,
        right_eye=right,
        mouth=Mouth(opening) if opening is not None else None,
        phone=Phone(phone[0]) if phone is not None else None,
        image=quality,
        face_searched=True,
    )


def _eyes(tracks: Tracks, noise: tuple[float, float], readings: Readings) -> tuple[Eye | None, Eye | None]:
    lids, visible = tracks[Track.LIDS], tracks[Track.VISIBLE] or (0.0, 0.0)
    if lids is None:
        return None, None
    floor = readings.glasses if tracks[Track.GLASSES] == (1.0,) else readings.bare
    left, right = (_within(floor + (1 - floor) * lid + n, 1.1) for lid, n in zip(lids, noise, strict=True))
    return Eye(left, left * _OPEN_MM, visible[0]), Eye(right, right * _OPEN_MM, visible[1])


def _within(value: float, high: float) -> float:
    return min(high, max(0.0, value))


def _vehicle(tracks: Tracks) -> VehicleSignals | None:
    if tracks[Track.VEHICLE] != (1.0,):
        return None
    speed, steering, indicator = tracks[Track.SPEED], tracks[Track.STEERING], tracks[Track.INDICATOR] or (0.0, 0.0)
    return VehicleSignals(
        speed_kph=speed[0] if speed is not None else None,
        steering_deg=steering[0] if steering is not None else None,
        turn_left=indicator[0] > 0,
        turn_right=indicator[1] > 0,
        reverse=tracks[Track.REVERSE] == (1.0,),
        ignition=tracks[Track.IGNITION] == (1.0,),
        acknowledge=tracks[Track.ACKNOWLEDGE] == (1.0,),
    )
