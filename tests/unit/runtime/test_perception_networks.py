"""Which landmark network runs on which frame, and that nothing jumps between them. On the packaged drive."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from watchkeeper.board import read_camera
from watchkeeper.capture.source import open_source
from watchkeeper.errors import BadInputError
from watchkeeper.runtime.frame_work import Unhurried
from watchkeeper.runtime.perception import Perception
from watchkeeper.trace.rows import Kind, Network
from watchkeeper.types import CameraGeometry, Measurement

FRAMES = 75


class _Noted(Unhurried):
    """Remembers which networks ran, before a frame's result and after it."""

    def __init__(self) -> None:
        self.ran: list[Network] = []
        self.refined: int = 0

    def mark(self, kind: Kind, detail: int = 0) -> int:
        if kind is Kind.INFER:
            self.ran.append(Network(detail))
        return 0

    def beside(self, kind: Kind, began_ns: int) -> None:
        self.refined += kind is Kind.REFINE


@pytest.fixture(scope="module")
def camera() -> CameraGeometry:
    return read_camera(Path(__file__).resolve().parents[3] / "demo" / "demo_drive.json")


@pytest.mark.needs_models
def test_the_full_network_runs_after_a_part_of_the_frames_and_the_head_does_not_jump(
    camera: CameraGeometry, demo_clip: Path
) -> None:
    measured: list[tuple[Measurement, list[Network]]] = []
    refined: list[bool] = []
    work = _Noted()
    with (
        closing(open_source(f"file:{demo_clip}", paced=False)) as source,
        Perception(camera, threads=1, work=work) as perception,
    ):
        for _ in range(FRAMES):
            lease = source.next(10.0)
            assert lease is not None
            with lease:
                work.ran, before = [], work.refined
                measured.append((perception.process(lease.frame), work.ran))
            assert work.refined == before
            perception.refine()
            refined.append(work.refined > before)
    assert all(m.face is not None and m.head is not None for m, _ in measured)
    assert all(Network.EYES in ran for _, ran in measured)
    waited = [Network.LANDMARKS in ran for _, ran in measured]
    assert waited == [True] * 3 + [False] * (FRAMES - 3)  # only until both networks have been compared
    assert 0.2 < sum(refined) / FRAMES <= 0.6
    assert all(any(refined[i : i + 4]) for i in range(3, FRAMES - 3))  # never more than three frames without
    # The drive begins with the head held still: what changes is noise and the change of networks, half a stated std.
    yaws = [m.head.yaw_deg for m, _ in measured if m.head is not None]
    pitches = [m.head.pitch_deg for m, _ in measured if m.head is not None]
    for angles in (yaws, pitches):
        assert max(abs(b - a) for a, b in pairwise(angles[20:])) < 1.5


@pytest.mark.needs_models
def test_it_makes_no_difference_who_lets_the_last_frame_be_refined(camera: CameraGeometry, demo_clip: Path) -> None:
    said = []
    for asked in (True, False):
        with (
            closing(open_source(f"file:{demo_clip}", paced=False)) as source,
            Perception(camera, threads=1) as perception,
        ):
            measured = []
            for _ in range(40):
                lease = source.next(10.0)
                assert lease is not None
                with lease:
                    measured.append(perception.process(lease.frame))
                if asked:
                    perception.refine()
                    perception.refine()  # there is nothing left to do
            said.append(measured)
    assert said[0] == said[1]


def test_unknown_eye_weights_are_refused(camera: CameraGeometry) -> None:
    with pytest.raises(BadInputError, match="eye weights best: unknown; known are clear, research"):
        Perception(camera, weights="best")
