"""`run --glass-test`: brightness before the lens becomes the lids on the bus. For docs/glass-to-can.md, never a drive.

The whole way of a real frame is kept (driver, hand-over, preprocess, state machine, mailbox, supervisor); only the
networks are left out, and their time is in the recorder's figures of an ordinary run.
"""

from __future__ import annotations

import numpy as np

from watchkeeper.preprocess.backends import Preprocessor, open_preprocessor
from watchkeeper.runtime.frame_work import Unhurried
from watchkeeper.trace.rows import Kind
from watchkeeper.types import Eye, Face, Frame, Measurement

_STEP_PX = 4
_ON_ABOVE, _OFF_BELOW = 144.0, 112.0  # mean grey level 0..255; between them the last state holds
_LEVELS = np.arange(256, dtype=np.float64)


class GlassTest:
    """A perception of one lamp: lit is both lids open, dark both closed, in DMS_Driver.EyeLeft and EyeRight."""

    def __init__(self, work: Unhurried, preprocessor: Preprocessor | None = None) -> None:
        self._work = work
        self._preprocess = preprocessor or open_preprocessor("cpu")
        self._histogram = np.zeros(256, np.uint32)
        self._lit = False

    def process(self, frame: Frame) -> Measurement:
        """The lamp in this frame."""
        histogram = self._preprocess.statistics(frame, None, _STEP_PX, self._histogram)
        mean = float(histogram @ _LEVELS) / max(1, int(histogram.sum()))
        self._work.mark(Kind.QUALITY)
        self._lit = mean > _ON_ABOVE or (self._lit and mean >= _OFF_BELOW)
        eye = Eye(1.0 if self._lit else 0.0, p_visible=1.0)
        face = Face(1.0, (0.0, 0.0, float(frame.width), float(frame.height)))
        return Measurement(frame.t_ns, frame.seq, face=face, left_eye=eye, right_eye=eye, face_searched=True)

    def refine(self) -> None:
        """Nothing is left to do."""

    def forget_driver(self) -> None:
        """Nobody is known."""

    def wipe(self) -> None:
        """No picture is held."""

    def close(self) -> None:
        """Nothing is held."""
