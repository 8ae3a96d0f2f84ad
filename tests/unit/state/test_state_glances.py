"""Glances where neither gaze nor head is measured: a face far out of its usual place is a look away."""

from __future__ import annotations

import pytest

from watchkeeper.board import load_board
from watchkeeper.clock import NS_PER_S
from watchkeeper.state.baseline import Baseline
from watchkeeper.state.glances import Glances
from watchkeeper.state.vehicle import Vehicle
from watchkeeper.types import Face, GazeZone, Measurement

FRAME_NS = NS_PER_S // 30
USUAL, BESIDE, BELOW = (270.0, 130.0, 120.0, 150.0), (30.0, 130.0, 120.0, 150.0), (270.0, 330.0, 120.0, 150.0)


class _Known(Baseline):
    """A driver whose usual place is known."""

    def leans(self, face: Face) -> bool | None:
        return None if face.box_px is USUAL else True


@pytest.mark.parametrize(
    ("box", "p", "away"), [(USUAL, 0.9, None), (BESIDE, 0.9, True), (BELOW, 0.9, True), (BESIDE, 0.1, None)]
)
def test_a_lean_is_away_and_an_ordinary_place_says_nothing(
    box: tuple[float, float, float, float], p: float, away: bool | None
) -> None:
    glances = Glances(load_board("host").cabin, NS_PER_S, _Known())
    for k in range(30):
        glances.step(Measurement(k * FRAME_NS, k, face=Face(p, box)), False, Vehicle(10.0), k * FRAME_NS)
    assert glances.away_now is away
    assert glances.zone is GazeZone.UNKNOWN
    assert glances.away.value is away


def test_nothing_is_known_of_a_place_before_it_is_learned() -> None:
    assert Baseline().leans(Face(0.9, BESIDE)) is None
