"""The supervisor process by itself: what it imports, what it says about bad use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from watchkeeper.mailbox.layout import SUPERVISOR, VISION
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox
from watchkeeper.supervisor.candump import read_log
from watchkeeper.supervisor.frames import decode
from watchkeeper.types import Cause, SystemState

# None in sys.modules makes an import fail as if the package were not installed.
_WITHOUT = """
import sys
for name in ("numpy", "av", "ai_edge_litert", "watchkeeper._kernels", "watchkeeper._geometry", "cv2"):
    sys.modules[name] = None
from watchkeeper.supervisor.main import main
status = main(sys.argv[1:])
assert not any(name.split(".")[0] in ("numpy", "av", "ai_edge_litert") for name, m in sys.modules.items() if m)
sys.exit(status)
"""


def _bus() -> str:
    return f"virtual:alone-{os.getpid()}"


def _run(*options: str, vision: tuple[str, ...] = ("-c", "raise SystemExit(2)")) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _WITHOUT, "watchkeeper-supervisor", "--can", _bus(), *options, "--"]
    return subprocess.run([*command, sys.executable, *vision], capture_output=True, text=True, timeout=60)


def test_it_runs_without_any_of_visions_packages_and_bad_input_shows_half_a_second(tmp_path: Path) -> None:
    log = tmp_path / "can.log"
    done = _run("--can-log", str(log))
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    frames = [(line.t_ns, decode(line.frame)) for line in read_log(log)]
    status = [(t, f.values) for t, f in frames if f is not None and f.name == "DMS_Status"]
    assert (status[0][1]["SystemState"], status[0][1]["Cause"]) == (SystemState.INIT, Cause.STARTING)
    faults = [t for t, v in status if (v["SystemState"], v["Cause"]) == (SystemState.FAULT, Cause.CONFIG_INVALID)]
    assert faults[-1] == status[-1][0]
    assert faults[-1] - faults[0] >= 500_000_000


def test_an_invalid_model_is_its_own_cause_and_told_to_whoever_shows_it() -> None:
    status_fd, vision_fd = Mailbox.create(SUPERVISOR), Mailbox.create(VISION)
    command = [
        sys.executable, "-m", "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--can", _bus(),
        "--status-fd", str(status_fd), "--vision-fd", str(vision_fd), "--", sys.executable, "-c", "raise SystemExit(3)",
    ]  # fmt: skip
    done = subprocess.run(command, pass_fds=(status_fd, vision_fd), stdin=subprocess.DEVNULL, timeout=60)
    report = Reader(status_fd, SUPERVISOR).read()
    os.close(status_fd)
    os.close(vision_fd)
    assert report is not None
    assert (report.state, report.cause) == (SystemState.FAULT, Cause.MODEL_INVALID)
    assert (report.finished, report.exit_status, done.returncode) == (True, 2, 2)
    assert report.frames_sent > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--board", "nosuch"), "unknown board"),
        (("--can", "teleport:x"), "unknown bus"),
        (("--base-id", "0x800"), "base id"),
        (("--can-log", "/nonexistent/x.log"), "/nonexistent/x.log"),
        (("--profile-number", "9"), "--profile-number 9"),
        (("--status-fd", "97"), "descriptor 97"),
        (("--state-dir", "/nonexistent"), "--state-dir /nonexistent"),
        (("--vision-fd", "97"), "descriptor 97"),
        (("--can", "virtual:has space"), "has space"),
    ],
)
def test_bad_use_is_one_line_and_exit_status_2(options: tuple[str, ...], said: str) -> None:
    done = _run(*options)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("option", "value"), [("--duration", "nan"), ("--duration", "-1"), ("--base-id", "x")])
def test_a_bad_number_is_named(option: str, value: str) -> None:
    done = _run(option, value)
    assert done.returncode == 2
    assert f"argument {option}: expected" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_vision_command_it_says_what_is_missing() -> None:
    command = [sys.executable, "-m", "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--can", _bus()]
    for tail in ([], ["--"]):
        done = subprocess.run([*command, *tail], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
        assert "VISION COMMAND" in done.stderr


def test_a_vision_that_is_not_there_is_a_configuration_fault() -> None:
    command = [sys.executable, "-m", "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--can", _bus()]
    done = subprocess.run([*command, "--", "/nonexistent/vision"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "/nonexistent/vision" in done.stderr
    assert "Traceback" not in done.stderr
