"""The test pattern: its picture, and what a wrong argument says."""

from __future__ import annotations

import numpy as np
import pytest

from watchkeeper.capture.source import open_source
from watchkeeper.errors import BadInputError


@pytest.mark.parametrize(
    "argument",
    ["", "640x480", "640x480@", "640x480@0", "640x480@1001", "641x480@30", "640x481@30", "8x8@30", "16384x16@30",
     "640x480@30fps", "-640x480@30", "640x480@nan"],
)  # fmt: skip
def test_bad_argument_says_what_was_expected(argument: str) -> None:
    with pytest.raises(BadInputError, match=r"expected WxH@FPS .* such as pattern:1280x720@30"):
        open_source(f"pattern:{argument}", paced=False)


def test_every_window_is_inside_the_drawing_and_in_limited_range() -> None:
    source = open_source("pattern:64x48@29.97", paced=False)
    assert source.info.fps == 29.97
    starts = set()
    for _ in range(200):  # more than there and back
        lease = source.next(0.0)
        assert lease is not None
        with lease:
            frame = lease.frame
            for plane, stride, halved in zip(frame.planes, frame.strides, (1, 2, 2), strict=True):
                assert len(plane) == (48 // halved - 1) * stride + 64 // halved
                values = np.frombuffer(plane, np.uint8)
                assert values.min() >= 16
                assert values.max() <= 240
                starts.add(values.ctypes.data)
    assert len(starts) == 3 * 33  # 0 to 64 pixels in steps of two, three planes
    source.close()
