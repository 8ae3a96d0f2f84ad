"""The same picture again and again: noticed in time, one cause through the restarts, over with the first other one."""

from __future__ import annotations

import numpy as np
import pytest

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.runtime.content import content_mark
from watchkeeper.supervisor.liveness import FROZEN_AFTER_NS, FrozenPicture, Liveness, VisionStatus
from watchkeeper.supervisor.restart import FROZEN_KILL_NS, Action, VisionKeeper
from watchkeeper.types import Cause, ColorMatrix, DriverState, Frame, PixelFormat, VisionReport

PERIOD_NS = 33 * NS_PER_MS


def _report(number: int, content: int, pid: int = 7) -> VisionReport:
    t_ns = NS_PER_S + number * PERIOD_NS
    return VisionReport(t_ns, pid, t_ns, Cause.NONE, driver=DriverState(t_ns, number + 1), content=content)


def test_frozen_after_its_time_and_over_at_once() -> None:
    liveness = Liveness()
    causes = []
    for number in range(30):
        report = _report(number, 5 if 3 <= number < 20 else 100 + number)
        causes.append(liveness.step(report, VisionStatus(), report.exposure_ns + 20 * NS_PER_MS))
    first = causes.index(Cause.CAMERA_FROZEN)
    assert (first - 3) * PERIOD_NS >= FROZEN_AFTER_NS > (first - 4) * PERIOD_NS
    assert causes[first:20] == [Cause.CAMERA_FROZEN] * (20 - first)
    assert {*causes[:first], *causes[20:]} == {Cause.NONE}


@pytest.mark.parametrize("content", [0])
def test_pictures_without_a_mark_are_never_frozen(content: int) -> None:
    watch = FrozenPicture()
    assert not any(watch.step(_report(number, content)) for number in range(100))


def test_one_picture_read_twice_is_no_repetition() -> None:
    watch = FrozenPicture()
    report = _report(0, 5)
    assert not any(watch.step(report) for _ in range(100))


def test_a_slow_camera_needs_repetitions_too() -> None:
    watch = FrozenPicture()
    assert [watch.step(_report(number * 20, 5)) for number in range(5)] == [False, False, False, True, True]


def test_the_keeper_starts_vision_anew_and_the_cause_stays() -> None:
    keeper = VisionKeeper()
    keeper.started(0)
    actions: list[Action] = []
    number = 0
    while not actions or actions[-1] is not Action.KILL:
        report = _report(number, 5)
        actions.append(keeper.step(None, False, report, report.exposure_ns))
        number += 1
        assert number < 200
    assert number * PERIOD_NS == pytest.approx(FROZEN_AFTER_NS + FROZEN_KILL_NS, abs=4 * PERIOD_NS)
    assert keeper.status.cause is Cause.CAMERA_FROZEN
    t_ns = NS_PER_S + number * PERIOD_NS
    assert keeper.step(-9, False, None, t_ns) is Action.START
    assert keeper.status.cause is Cause.CAMERA_FROZEN


def _frame(pixels: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> Frame:
    height, width = pixels.shape
    return Frame(0, 0, width, height, PixelFormat.GREY8, ColorMatrix.BT601_FULL, (pixels,), (width,))


def test_the_mark_is_of_the_content() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (480, 640), dtype=np.uint8)
    mark = content_mark(_frame(noise))
    assert mark == content_mark(_frame(noise.copy())) > 0
    other = noise.copy()
    other[200:210] ^= 1  # a few rows, the lowest bit
    assert content_mark(_frame(other)) not in (0, mark)


def test_a_picture_without_contrast_has_no_mark() -> None:
    assert content_mark(_frame(np.full((480, 640), 16, np.uint8))) == 0
