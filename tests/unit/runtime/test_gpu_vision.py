"""The GPU as a board file asks for it, up to the vision process, over the fakes."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import fake_gpu
import pytest

from watchkeeper.board import load_board, read_board
from watchkeeper.errors import BadInputError
from watchkeeper.runtime import settings
from watchkeeper.runtime.perception import Perception

pytestmark = pytest.mark.needs_models


def test_a_board_file_chooses_the_gpu(gpu: None, tmp_path: Path, drive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = load_board("host").path.read_text()
    changed = text.replace('engines = ["litert"]', 'engines = ["tensorrt", "litert"]\npreprocess = "cuda"')
    (tmp_path / "board.toml").write_text(changed)
    jetson = read_board(tmp_path / "board.toml")
    assert jetson.preprocess == "cuda"
    monkeypatch.setattr(settings, "load_board", lambda *_: jetson)
    chosen = settings.resolve("any", None, None, None)
    assert (chosen.engine, chosen.preprocess) == ("tensorrt", "cuda")
    with Perception(chosen.camera, chosen.engine, chosen.preprocess) as perception:
        assert type(perception._preprocess).__name__ == "CudaPreprocessor"
        assert type(perception._networks.full.engine).__name__ == "TensorRtEngine"
    (tmp_path / "board.toml").write_text(changed.replace('"cuda"', '"opencl"'))
    with pytest.raises(BadInputError, match=r"board\.toml:\d+: preprocess: expected one of cpu, cuda, got 'opencl'"):
        read_board(tmp_path / "board.toml")


_VISION = """
import json, sys
sys.path[:0] = [sys.argv[1]]
import fake_gpu
from pathlib import Path
from install import installed
from watchkeeper.board import read_board
from watchkeeper.mailbox.layout import VEHICLE, VISION
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox, Writer
from watchkeeper.runtime import settings, vision
from watchkeeper.types import VehicleReport
board = read_board(Path(sys.argv[2]))
settings.load_board = lambda *_: board
state, vehicle = Mailbox.create(VISION), Mailbox.create(VEHICLE)
Writer(vehicle, VEHICLE).write(VehicleReport())
with installed():
    status = vision.main(
        ["watchkeeper-vision", "--source", sys.argv[3], "--state-fd", str(state), "--vehicle-fd", str(vehicle)]
    )
    report = Reader(state, VISION).read()
    print(json.dumps({
        "status": status, "ended": report.ended, "processed": report.health.frames_processed,
        "written": len(fake_gpu.gpu.written), "graphs": len(fake_gpu.gpu.graphs), "launches": fake_gpu.gpu.launches,
    }))
"""


def test_the_vision_process_runs_on_the_gpu_its_board_names(cache: Path, demo_clip: Path, tmp_path: Path) -> None:
    """From the command line of `watchkeeper-vision` to a published report; the source is a short cut of the drive."""
    clip = tmp_path / "short.mp4"
    with av.open(str(demo_clip)) as whole, av.open(str(clip), "w") as short:
        stream = short.add_stream_from_template(whole.streams.video[0])
        for packet in itertools.islice(whole.demux(video=0), 30):
            packet.stream = stream
            short.mux(packet)
    text = load_board("host").path.read_text()
    changed = text.replace('engines = ["litert"]', 'engines = ["tensorrt"]\npreprocess = "cuda"')
    (tmp_path / "board.toml").write_text(changed)
    fakes = str(Path(fake_gpu.__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", _VISION, fakes, str(tmp_path / "board.toml"), f"file:{clip}"],
        env={**os.environ, "WATCHKEEPER_CACHE": str(cache)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["status"], said["ended"]) == (0, True)
    assert said["processed"] >= 1
    assert said["launches"] > 8
    assert said["written"] >= 2  # the inputs of both engines, in place
    assert said["graphs"] == 0  # all given back
