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
    """Remembers which networks ran."""

    def __init__(self) -> None:
        self.ran: list[Network] = []

    def mark(self, kind: Kind, detail: int = 0) -> int:
        if kind is Kind.INFER:
            self.ran.append(Network(detail))
        return 0


@pytest.fixture(scope="module")
def camera() -> CameraGeometry:
    return read_camera(Path(__file__).resolve().parents[3] / "demo" / "demo_drive.json")


@pytest.mark.needs_models
def test_the_full_network_runs_on_a_part_of_the_frames_and_the_head_does_not_jump(
    camera: CameraGeometry, demo_clip: Path
) -> None:
    measured: list[tuple[Measurement, list[Network]]] = []
    work = _Noted()
    with (
        closing(open_source(f"file:{demo_clip}", paced=False)) as source,
        Perception(camera, threads=1, work=work) as perception,
    ):
        for _ in range(FRAMES):
            lease = source.next(10.0)
            assert lease is not None
            with lease:
                work.ran = []
                measured.append((perception.process(lease.frame), work.ran))
    assert all(m.face is not None and m.head is not None for m, _ in measured)
    assert all(Network.EYES in ran for _, ran in measured)
    quick = [Network.LANDMARKS not in ran for _, ran in measured]
    assert not quick[0]
    assert 0.4 < sum(quick) / FRAMES <= 0.75
    assert not any(all(quick[i : i + 4]) for i in range(FRAMES - 3))  # never more than three in a row
    # The drive begins with the head held still: what changes is noise and the change of networks, half a stated std.
    yaws = [m.head.yaw_deg for m, _ in measured if m.head is not None]
    pitches = [m.head.pitch_deg for m, _ in measured if m.head is not None]
    for angles in (yaws, pitches):
        assert max(abs(b - a) for a, b in pairwise(angles[20:])) < 1.5


def test_unknown_eye_weights_are_refused(camera: CameraGeometry) -> None:
    with pytest.raises(BadInputError, match="eye weights best: unknown; known are clear, research"):
        Perception(camera, weights="best")
