"""A lamp before the lens, up to the lids that the bus shows."""

from __future__ import annotations

import numpy as np

from watchkeeper.board import load_board
from watchkeeper.runtime.frame_work import Unhurried
from watchkeeper.runtime.glass_test import GlassTest
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import ColorMatrix, EyeState, Frame, PixelFormat


def test_an_edge_of_brightness_is_an_edge_of_the_lids_in_the_same_frame() -> None:
    glass = GlassTest(Unhurried())
    machine = DriverStateMachine(get_profile("euroncap-2026"), load_board("host").cabin)
    seen = []
    for seq, grey in enumerate((20, 20, 230, 128, 128, 20, 128, 230)):
        plane = np.full((48, 64), grey, np.uint8)
        frame = Frame(seq * 33_000_000, seq, 64, 48, PixelFormat.GREY8, ColorMatrix.BT601_FULL, (plane,), (64,))
        state = machine.step(glass.process(frame), None, frame.t_ns)
        assert state.left_eye is state.right_eye
        seen.append(state.left_eye)
    opened, closed = EyeState.OPEN, EyeState.CLOSED
    assert seen == [closed, closed, opened, opened, opened, closed, closed, opened]
    glass.close()
