"""Nothing of a picture is left in vision's memory once it has ended in order, and no crop of a driver who has gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from watchkeeper.board import read_camera
from watchkeeper.capture.source import open_source
from watchkeeper.commands.privacy import planted
from watchkeeper.runtime.perception import Perception
from watchkeeper.types import ColorMatrix, Frame, PixelFormat

ROOT = Path(__file__).resolve().parents[3]
FRAMES = 150
ROWS = 6  # to be searched for: a search of all takes as long as the film
VISION = """
import os, sys
from watchkeeper.mailbox.layout import VEHICLE, VISION
from watchkeeper.mailbox.writer import Mailbox
from watchkeeper.runtime.confined import main
fds = ["--state-fd", str(Mailbox.create(VISION)), "--vehicle-fd", str(Mailbox.create(VEHICLE))]
status = main(["watchkeeper-vision", "--board", "host", *sys.argv[1:], *fds])
os.write(1, b"ended %d\\n" % status)
os.read(0, 1)
"""


@pytest.mark.needs_models
def test_planted_rows_are_in_vision_while_it_sees_and_gone_when_it_has_ended(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to look into the memory of a process that lets nobody else")
    clip = tmp_path / "planted.mkv"
    rows = planted.plant(ROOT / "demo" / "demo_drive.mp4", clip, FRAMES, seed=9)[:ROWS]
    seen = 0
    with subprocess.Popen(
        [sys.executable, "-c", VISION, "--source", f"file:{clip}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        end, told = time.monotonic() + 60, b""
        while not told:
            assert time.monotonic() < end
            seen = max(seen, planted.in_memory(process.pid, rows))
            told = process.stdout.read() or b""
            time.sleep(0.05)
        left = planted.in_memory(process.pid, rows)
        message = process.communicate(b"\n", timeout=20)[1].decode()
    assert told == b"ended 0\n", message
    assert seen == ROWS, "the search has to find what is there"
    assert left == 0


@pytest.mark.needs_models
def test_crops_go_with_the_driver_and_all_of_it_at_the_end(demo_clip: Path) -> None:
    camera = read_camera(ROOT / "demo" / "demo_drive.json")
    with (
        closing(open_source(f"file:{demo_clip}", paced=False)) as source,
        Perception(camera, threads=1) as perception,
    ):
        networks = perception._networks
        for _ in range(5):
            lease = source.next(10.0)
            assert lease is not None
            with lease:
                assert perception.process(lease.frame).face is not None
                size, t_ns = (lease.frame.width, lease.frame.height), lease.frame.t_ns
        detector, *of_a_driver = networks._all
        assert not detector.input(0).any(), "the detector is not run while there is a track"
        assert all(engine.input(0).any() for engine in of_a_driver)
        empty = np.full((size[1], size[0]), 90, np.uint8)
        nobody = Frame(t_ns + 1, 6, *size, PixelFormat.GREY8, ColorMatrix.BT601_FULL, (empty,), (size[0],))
        assert perception.process(nobody).face is None
        assert not any(engine.input(0).any() for engine in networks._all)

        lease = source.next(10.0)
        assert lease is not None
        with lease:
            assert perception.process(lease.frame).face is not None
        of_the_driver = [engine.output(0).copy() for engine in networks._all]
        perception.wipe()
        assert not any(engine.input(0).any() for engine in networks._all)
        for engine, before in zip(networks._all, of_the_driver, strict=True):
            assert not np.array_equal(engine.output(0), before), "the library's own memory is the last picture's"
