"""Lids from two witnesses: what counts when they agree, contradict each other, or one is missing."""

from __future__ import annotations

import math

import pytest

from watchkeeper.measure.eye_patch import EyeReading
from watchkeeper.measure.eyes import EyeShape
from watchkeeper.measure.lid_fusion import LidFusion, Opening, fused, network_opening

BASELINE_MM = 10.0
FRAME_NS = 33_333_333


def _shape(gap_mm: float, visible: float = 1.0, camera_up_deg: float = 0.0) -> EyeShape:
    return EyeShape(gap_mm, 0.0, 0.0, visible, camera_up_deg)


def _reading(p_closed: float, gap_mm: float, visible: float = 0.95) -> EyeReading:
    return EyeReading(p_closed, visible, gap_mm, (0.0, 0.0))


def test_the_surer_witness_counts_more_and_doubt_is_as_wide_as_the_difference() -> None:
    both = fused(Opening(0.9, 0.1), Opening(0.5, 0.3))
    assert 0.85 < both.value < 0.9
    assert both.std == pytest.approx(0.2)
    assert fused(Opening(0.8, 0.1), Opening(0.8, 0.1)).std == pytest.approx(0.1 / math.sqrt(2))


@pytest.mark.parametrize(("p_closed", "gap_mm", "low", "high"), [(0.95, 4.0, 0.0, 0.15), (0.05, 0.2, 0.3, 0.4)])
def test_a_sure_network_bounds_its_own_opening(p_closed: float, gap_mm: float, low: float, high: float) -> None:
    assert low <= network_opening(_reading(p_closed, gap_mm), 7.5, 0.0).value <= high


def test_an_undecided_network_is_less_sure() -> None:
    sure, torn = (network_opening(_reading(p, 4.0), 7.5, 0.0).std for p in (0.02, 0.5))
    assert torn > 2 * sure


def test_a_look_down_is_taken_out_of_the_gap() -> None:
    ahead, down = (network_opening(_reading(0.02, 5.8), 7.5, deg).value for deg in (0.0, 30.0))
    assert down > ahead + 0.1


def test_without_a_network_the_contour_stands_as_it_is() -> None:
    eye = LidFusion().full(_shape(10.0), BASELINE_MM, 0.0, 0.0, None, 0)
    assert eye.open == pytest.approx(1.0)
    assert eye.open_std is not None


@pytest.mark.parametrize(
    ("gap_mm", "p_closed", "net_mm", "low", "high"), [(10, 0.02, 7.5, 0.9, 1), (0, 0.97, 0, 0, 0.1)]
)
def test_two_that_agree(gap_mm: float, p_closed: float, net_mm: float, low: float, high: float) -> None:
    eye = LidFusion().full(_shape(gap_mm), BASELINE_MM, 0.0, 0.0, _reading(p_closed, net_mm), 0)
    assert eye.open is not None
    assert low <= eye.open <= high


def test_two_that_contradict_each_other_say_nothing() -> None:
    eye = LidFusion().full(_shape(10.0), BASELINE_MM, 0.0, 0.0, _reading(0.97, 0.0), 0)
    assert eye.open is None
    assert eye.p_visible == 1.0  # the eye is there; it is the lids that are in doubt


def test_between_full_frames_the_last_correction_holds_until_the_lids_move() -> None:
    lids = LidFusion()
    full = lids.full(_shape(8.2), BASELINE_MM, 0.0, 0.0, _reading(0.02, 7.5), 0)  # contour 0.8, network 1.0
    assert full.open is not None
    still = lids.between(_shape(8.2), 0.0, _reading(0.02, 7.5), FRAME_NS)
    assert still.open == pytest.approx(full.open)
    closing = lids.between(_shape(8.2), 0.0, _reading(0.97, 0.3), 2 * FRAME_NS)
    assert closing.open is not None
    assert closing.open < 0.15


def test_an_undecided_network_alone_is_unknown_after_longer_than_lids_take() -> None:
    lids = LidFusion()
    lids.full(_shape(10.0), BASELINE_MM, 0.0, 0.0, _reading(0.02, 7.5), 0)
    lids.full(_shape(9.0), BASELINE_MM, 0.0, 0.0, _reading(0.5, 3.5), FRAME_NS)  # the contour is far from it
    answers = [lids.between(_shape(9.0), 0.0, _reading(0.5, 3.5), k * FRAME_NS).open for k in range(2, 15)]
    assert answers[0] is not None
    assert answers[-1] is None


def test_a_contour_near_an_undecided_network_is_enough() -> None:
    lids = LidFusion()
    for k in range(15):
        eye = lids.full(_shape(5.5), BASELINE_MM, 0.0, 0.0, _reading(0.5, 3.7), k * FRAME_NS)
    assert eye.open == pytest.approx(0.49, abs=0.05)


def test_seen_from_above_only_a_sure_open_eye_is_believed() -> None:
    above = _shape(1.0, camera_up_deg=20.0)
    lids = LidFusion()
    assert lids.full(above, BASELINE_MM, 0.0, 0.0, _reading(0.95, 0.5), 0).open is None
    assert lids.between(above, 0.0, _reading(0.95, 0.5), FRAME_NS).open is None
    seen = lids.full(above, BASELINE_MM, 0.0, 0.0, _reading(0.05, 7.0), 2 * FRAME_NS)
    assert seen.open is not None
    assert seen.open > 0.8


def test_an_eye_the_network_cannot_see_is_not_visible() -> None:
    eye = LidFusion().full(_shape(10.0), BASELINE_MM, 0.0, 0.0, _reading(0.1, 7.0, visible=0.02), 0)
    assert eye.p_visible == 0.0


def test_closed_eyes_never_teach_the_baseline() -> None:
    lids = LidFusion()
    before = lids.own_gap.value_mm
    for _ in range(100):
        lids.teach(_reading(0.9, 12.0), 0.1)
    assert lids.own_gap.value_mm == before
    for _ in range(100):
        lids.teach(_reading(0.05, 9.0), 0.1)
    assert lids.own_gap.value_mm == pytest.approx(9.0, abs=0.1)
