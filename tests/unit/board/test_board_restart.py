"""The upper rungs of the restart ladder as a board file has them: words, checked, run as they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from watchkeeper.board import load_board, read_board
from watchkeeper.board_restart import NO_RESTART, Restart
from watchkeeper.cli import main
from watchkeeper.commands import boards
from watchkeeper.data import data_path
from watchkeeper.errors import BadInputError

HOST = data_path("boards", "host", "board.toml")


def _board(folder: Path, lines: str) -> Path:
    path = folder / "board.toml"
    path.write_text(f"{HOST.read_text()}\n[restart]\n{lines}\n")
    return path


def test_what_a_board_says_is_what_is_run(tmp_path: Path) -> None:
    assert load_board("host").restart == NO_RESTART
    jetson = load_board("jetson-orin-nano").restart
    assert jetson.camera_service == ("systemctl", "try-restart", "nvargus-daemon.service")
    own = read_board(_board(tmp_path, 'camera_service = ["/opt/cam/reset", "--port=1"]')).restart
    assert own == Restart(("/opt/cam/reset", "--port=1"), None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('board = "reboot"', r"restart\.board: expected a list of texts"),
        ('board = []', r"restart\.board: expected 1 to 8 words, got 0"),
        ('board = ["reboot", "a", "b", "c", "d", "e", "f", "g", "h"]', r"restart\.board: expected 1 to 8 words, got 9"),
        ('board = ["reboot; rm"]', r"restart\.board: expected words of letters"),
        ('board = ["systemctl", "$(reboot)"]', r"restart\.board: expected words of letters"),
        ('board = ["systemctl", ""]', r"restart\.board: expected words of letters"),
        ('camera_service = ["touch", "x"]', r"restart\.camera_service: expected systemctl, reboot, shutdown or a path"),
        ('camera_service = ["../reset"]', r"restart\.camera_service: expected systemctl"),
        ('board = ["/bin/sh", "-c", "reboot"]', r"restart\.board: expected a program that runs no other"),
        ('camera = ["reboot"]', r"restart\.camera: unknown field; known are camera_service, board"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    path = _board(tmp_path, line)
    with pytest.raises(BadInputError, match=message) as caught:
        read_board(path)
    assert path.read_text().splitlines()[int(str(caught.value).split(":")[1]) - 1] == line


def test_the_units_that_act_on_a_request_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As watchkeeper-restart-camera.service calls it: with the service's options, of which --board counts."""
    assert main(["boards", "restart", "camera_service"]) == 2
    assert "restart.camera_service: expected a command to run: this board names none" in capsys.readouterr().err
    options = ["--can", "socketcan:can1", "--board", "raspberry-pi-5"]
    assert main(["boards", "restart", "camera_service", *options]) == 2
    assert "raspberry-pi-5" in capsys.readouterr().err
    missing = read_board(_board(tmp_path, 'board = ["/nowhere/reset"]'))
    monkeypatch.setattr(boards, "load_board", lambda _name: missing)
    assert main(["boards", "restart", "board"]) == 2
    assert "there is no /nowhere/reset" in capsys.readouterr().err


def test_a_harmless_command_is_really_run(tmp_path: Path) -> None:
    """The process becomes the command: its exit status and its words are the unit's."""
    path, made = _board(tmp_path, f'board = ["{_touch()}", "{tmp_path}/made"]'), tmp_path / "made"
    program = (
        "import sys\nfrom pathlib import Path\nfrom watchkeeper.board import read_board\n"
        "from watchkeeper.cli import main\nfrom watchkeeper.commands import boards\n"
        f"boards.load_board = lambda name: read_board(Path({str(path)!r}))\n"
        "sys.exit(main(['boards', 'restart', 'board']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, made.exists()) == (0, True), done.stderr
    assert "host restarts its board" in done.stderr


def _touch() -> str:
    return "/usr/bin/touch" if Path("/usr/bin/touch").exists() else "/bin/touch"
