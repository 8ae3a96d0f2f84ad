"""`bench pipeline` without a peer: the copies it tells, by place."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from watchkeeper.cli import main
from watchkeeper.commands import bench_loop

pytestmark = pytest.mark.needs_models
PLACES = ("decode", "upload", "download")


def _copied(source: str, out: Path) -> dict[str, float]:
    assert main(["bench", "pipeline", "--source", source, "--frames", "30", "--json", str(out)]) == 0
    rows = {row["metric"]: row["ours"] for row in json.loads(out.read_text())["results"]}
    assert rows["copied_bytes_per_frame"] == sum(rows[f"copied_bytes_per_frame.{place}"] for place in PLACES)
    return {place: rows[f"copied_bytes_per_frame.{place}"] for place in PLACES}


@pytest.mark.parametrize("source", ["pattern:64x48@30", "v4l2-fake:64x48@30?format=NV12&io=userptr"])
def test_zero_copy_sources_copy_nothing(source: str, tmp_path: Path) -> None:
    assert _copied(source, tmp_path / "out.json") == dict.fromkeys(PLACES, 0.0)


def test_a_format_that_has_to_be_converted_is_told_where(tmp_path: Path) -> None:
    path = tmp_path / "clip.nut"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        for number in range(10):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 9 * number, np.uint8), format="rgb24")
            picture = picture.reformat(format="yuv444p")
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert _copied(f"file:{path}", tmp_path / "out.json") == {"decode": 64 * 48 * 3, "upload": 0.0, "download": 0.0}


def test_times_without_all_of_the_work_are_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under a budget that no frame can hold the ladder leaves work out, which would look quick."""
    monkeypatch.setattr(bench_loop, "budget_ns", lambda milliseconds: 1)
    out = tmp_path / "out.json"
    assert main(["bench", "pipeline", "--source", "pattern:64x48@30", "--frames", "90", "--json", str(out)]) == 0
    made = json.loads(out.read_text())
    assert made["valid"] is False
    assert "work was left out of" in made["environment"]["invalid_because"]
    assert "these figures do not hold" in capsys.readouterr().err
