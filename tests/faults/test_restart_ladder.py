"""The ladder's upper rungs from a board file to a real, harmless command, run by a real supervisor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rig import PATIENCE_S

from watchkeeper.data import data_path
from watchkeeper.supervisor.ladder import CAMERA_SERVICE_AFTER

pytestmark = pytest.mark.faults
_HOST = data_path("boards", "host", "board.toml")
# the supervisor's own main, with this file's board in the place of the installation's
_PROGRAM = """
import sys
from pathlib import Path
from watchkeeper.board import read_board
from watchkeeper.supervisor import main
main.load_board = lambda name: read_board(Path(sys.argv[1]))
sys.exit(main.main(sys.argv[2:]))
"""


def _supervisor(board: Path, *options: str) -> subprocess.Popen[str]:
    bus = f"virtual:ladder-{os.getpid()}-{board.parent.name}"
    vision = (sys.executable, "-c", "import sys; sys.exit(1)", "watchkeeper-vision")
    own = ("watchkeeper-supervisor", "--can", bus, "--keep-fault", *options)
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(board), *own, "--", *vision], stderr=subprocess.PIPE, text=True
    )


def test_a_vision_that_never_measures_gets_the_boards_camera_service_restarted(tmp_path: Path) -> None:
    """And another command of the option's in its place, and none where the option says so."""
    board, made, other = tmp_path / "board.toml", tmp_path / "made", tmp_path / "other"
    touch = "/usr/bin/touch" if Path("/usr/bin/touch").exists() else "/bin/touch"
    restart = f'[restart]\ncamera_service = ["{touch}", "{made}"]\nboard = ["/bin/false"]\n'
    board.write_text(f"{_HOST.read_text()}\n{restart}")
    for options, expected in (((), made), (("--camera-service-restart", f"{touch} {other}"), other)):
        process = _supervisor(board, *options)
        end = time.monotonic() + PATIENCE_S
        while not expected.exists():
            assert process.poll() is None
            assert time.monotonic() < end, "the command was not run"
            time.sleep(0.05)
        process.terminate()
        _, said = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, said
        assert "vision does not come back: restarting the camera service" in said
        assert not (other if expected == made else made).exists()
        made.unlink(missing_ok=True)


def test_a_command_that_fails_is_said_and_counted_and_the_bus_goes_on(tmp_path: Path) -> None:
    board, kept = tmp_path / "board.toml", tmp_path / "restarts.json"
    board.write_text(f'{_HOST.read_text()}\n[restart]\ncamera_service = ["/bin/false"]\n')
    process = _supervisor(board, "--restart-state", str(kept))
    end = time.monotonic() + PATIENCE_S
    while not kept.exists() or json.loads(kept.read_text())["camera_service"] < 1:
        assert process.poll() is None
        assert time.monotonic() < end, "not counted"
        time.sleep(0.05)
    time.sleep(1)
    process.terminate()
    _, said = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, "/bin/false ended with status 1" in said) == (0, True), said
    counts = json.loads(kept.read_text())
    assert counts["vision"] >= CAMERA_SERVICE_AFTER - 1
    assert (counts["camera_service"], counts["board"]) == (1, 0)
