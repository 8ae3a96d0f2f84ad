"""A long drive of an attentive driver: looks ahead, mirrors, cluster, short looks at the radio, blinks, talk, yawns."""

from __future__ import annotations

import random

from watchkeeper.scenarios.actions import PLACES, read_action
from watchkeeper.scenarios.model import Action, CameraModel, Noise, Readings, Scenario
from watchkeeper.scenarios.tokens import Words

_S = 1_000_000_000
# What an attentive driver looks at between looks ahead: place, share of these looks, shortest and longest look in s.
# Mirror glances last 0.75-1.10 s (reference table); NHTSA's guideline for other looks is 2 s at most.
_LOOKS = (
    ("left_mirror", 0.22, 0.75, 1.10),
    ("interior_mirror", 0.25, 0.75, 1.10),
    ("right_mirror", 0.13, 0.75, 1.10),
    ("cluster", 0.25, 0.5, 1.2),
    ("infotainment", 0.10, 0.6, 1.6),
    ("left_window", 0.05, 0.8, 1.5),
)
# Chosen here so that looks away take about a seventh of the time, none closer than this to the next.
_AHEAD_S = (3.0, 9.0)
_BLINK_EVERY_S, _BLINK_S = (1.5, 6.0), (0.10, 0.35)  # blinks last 100-400 ms
_TALK_EVERY_S, _TALK_S, _YAWN_EVERY_S = (60.0, 240.0), (5.0, 40.0), (900.0, 2400.0)
_BARE, _GLASSES = 0.03, 0.18  # putting glasses on raises what a closed eye reads about sixfold


def attentive_drive(duration_s: float, noise: tuple[Noise, ...], seed: int, fps: float = 15.0) -> Scenario:
    """A drive of that length without a single inattentive moment. Glasses go on half-way; the speed changes between
    town and motorway. The same arguments give the same drive."""
    rng = random.Random(seed)
    actions: list[Action] = []

    def do(text: str, start_s: float) -> None:
        settings, lasts_ns = read_action(Words(text, {}))
        start_ns = round(start_s * _S)
        end_ns = None if lasts_ns is None else start_ns + lasts_ns
        actions.extend(Action(track, value, start_ns, end_ns) for track, value in settings)

    def spread(every_s: tuple[float, float]) -> list[float]:
        times, t_s = [], rng.uniform(*every_s)
        while t_s < duration_s:
            times.append(t_s)
            t_s += rng.uniform(*every_s)
        return times

    weights = [share for _, share, _, _ in _LOOKS]
    t_s = rng.uniform(*_AHEAD_S)
    while t_s < duration_s:
        place, _, shortest_s, longest_s = rng.choices(_LOOKS, weights)[0]
        yaw, pitch = PLACES[place]
        look_s = rng.uniform(shortest_s, longest_s)
        do(f"gaze {yaw + rng.uniform(-3, 3):.2f} {pitch + rng.uniform(-2, 2):.2f} for {look_s:.3f} s", t_s)
        t_s += look_s
        if t_s < duration_s:  # back to the road, not to the same point of it each time
            do(f"gaze {rng.uniform(-4, 4):.2f} {rng.uniform(-2, 2):.2f}", t_s)
        t_s += rng.uniform(*_AHEAD_S)
    for blink_s in spread(_BLINK_EVERY_S):
        do(f"blink for {rng.uniform(*_BLINK_S):.3f} s", blink_s)
    for talk_s in spread(_TALK_EVERY_S):
        do(f"talk for {rng.uniform(*_TALK_S):.3f} s", talk_s)
    for yawn_s in spread(_YAWN_EVERY_S):
        do("yawn", yawn_s)
    for speed_s in spread((120.0, 600.0)):
        do(f"speed {rng.choice((35, 50, 80, 100, 130))}", speed_s)
    do("glasses on", duration_s / 2)
    return Scenario(
        source="attentive", title=f"Attentive driving, {duration_s / 60:g} min", clause="", profiles=(), limits=(),
        end_ns=round(duration_s * _S), camera=CameraModel(fps, 10_000_000, 0.05, 0, seed),
        readings=Readings(_BARE, _GLASSES), margin_ns=0, noise=noise, actions=tuple(actions),
    )  # fmt: skip
