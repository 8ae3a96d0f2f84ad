"""`run --service`: one process for systemd to believe, which becomes the supervisor."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from watchkeeper.board import load_board
from watchkeeper.cli import main
from watchkeeper.commands.run_service import service_options

JETSON, PI = load_board("jetson-orin-nano"), load_board("raspberry-pi-5")


def test_what_the_unit_gives_becomes_options() -> None:
    assert service_options(JETSON, {}) == ["--keep-fault"]
    assert service_options(JETSON, {"RUNTIME_DIRECTORY": "/run/watchkeeper"}) == [
        "--keep-fault", "--camera-service-restart", "touch /run/watchkeeper/restart-camera",
    ]  # fmt: skip
    assert service_options(PI, {"RUNTIME_DIRECTORY": "/run/watchkeeper:/run/b", "STATE_DIRECTORY": "/var/lib/w"}) == [
        "--keep-fault", "--board-restart", "touch /run/watchkeeper/restart-board",
    ]  # fmt: skip


@pytest.mark.parametrize("option", [["--events", "e.jsonl"], ["--json"]])
def test_options_that_need_a_process_to_stay_are_refused(
    option: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--service", "--board", "host", *option]) == 2
    assert f"{option[0]}: expected without --service" in capsys.readouterr().err


@pytest.mark.needs_models
def test_the_process_that_was_started_is_the_one_that_says_ready(tmp_path: Path) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        manager.settimeout(60)
        (tmp_path / "state").mkdir()
        environment = {
            **os.environ, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "3000000",
            "RUNTIME_DIRECTORY": str(tmp_path), "STATE_DIRECTORY": str(tmp_path / "state"),
        }  # fmt: skip
        command = [sys.executable, "-m", "watchkeeper", "run", "--service", "--board", "host", "--source",
                   "pattern:64x48@10", "--can", f"virtual:service-{os.getpid()}"]  # fmt: skip
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            said: list[str] = []
            while not {"READY=1", "WATCHDOG=1"} <= set(said):
                data, ancillary, _, _ = manager.recvmsg(4096, socket.CMSG_SPACE(12))
                said.append(data.decode())
                (credentials,) = (content for _, kind, content in ancillary if kind == socket.SCM_CREDENTIALS)
                assert int.from_bytes(credentials[:4], sys.byteorder) == process.pid
            assert b"watchkeeper-supervisor" in Path(f"/proc/{process.pid}/cmdline").read_bytes()
            process.terminate()
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "board host, source pattern:64x48@10" in errors
    assert (tmp_path / "state/diagnostics").exists() or list((tmp_path / "state").iterdir())
