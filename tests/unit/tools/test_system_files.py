"""The service's unit and what is installed beside it: they fit each other, and systemd's own judge where it is here."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from watchkeeper.board import board_names, load_board
from watchkeeper.commands.run_service import BOARD_REQUEST, CAMERA_REQUEST
from watchkeeper.confine.account import SUPERVISOR_USER, VISION_USER

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]
SYSTEM, PACKAGING = ROOT / "boards/common/system", ROOT / "tools/packaging"
MOST_EXPOSED = 2.0


class _Unit(configparser.ConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr


def _unit(path: Path) -> _Unit:
    unit = _Unit(strict=False, interpolation=None, comment_prefixes=("#",), delimiters=("=",))
    unit.read_string(path.read_text())
    return unit


SERVICE = _unit(SYSTEM / "watchkeeper.service")


def test_systemd_believes_the_main_process_alone_and_watches_it() -> None:
    service = SERVICE["Service"]
    assert (service["Type"], service["NotifyAccess"], service["WatchdogSec"]) == ("notify", "main", "3s")
    assert service["ExecStart"].startswith("!/usr/bin/watchkeeper run --service")
    assert (service["Restart"], SERVICE["Unit"]["StartLimitIntervalSec"]) == ("always", "0")


def test_the_start_waits_for_no_network_and_no_clock() -> None:
    unit = SERVICE["Unit"]
    waited = f"{unit['After']} {unit['Wants']} {unit.get('Requires', '')}"
    assert unit["DefaultDependencies"] == "no"
    assert not re.search(r"network-online|time-sync|time-set|nvargus|multi-user", waited)


def test_what_systemd_itself_thinks_of_it() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(SYSTEM / "watchkeeper.service")]
    done = subprocess.run(command, capture_output=True, text=True)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze judges no file (before 250)")
    match = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert match, done.stdout + done.stderr
    assert float(match[1]) < MOST_EXPOSED


def test_requests_for_a_restart_meet_their_units() -> None:
    for what, request in (("camera", CAMERA_REQUEST), ("board", BOARD_REQUEST)):
        path = f"/run/{SERVICE['Service']['RuntimeDirectory']}/{request}"
        assert _unit(SYSTEM / f"watchkeeper-restart-{what}.path")["Path"]["PathExists"] == path
        assert f"rm -f {path}" in (SYSTEM / f"watchkeeper-restart-{what}.service").read_text()
    for what, key in (("camera", "camera_service"), ("board", "board")):
        service = (SYSTEM / f"watchkeeper-restart-{what}.service").read_text()
        assert f"ExecStart=/usr/bin/watchkeeper boards restart {key} $WATCHKEEPER_OPTIONS" in service
        assert "EnvironmentFile=-/etc/default/watchkeeper" in service
    for name in board_names():
        restart = load_board(name).restart
        assert restart.board == (None if name == "host" else ("systemctl", "--no-block", "reboot"))
        assert (restart.camera_service is not None) == name.startswith("jetson"), "Argus is a service, libcamera none"


def test_real_time_limits_cover_what_the_processes_ask_for() -> None:
    from watchkeeper.runtime.realtime import PRIORITY

    assert int(SERVICE["Service"]["LimitRTPRIO"]) >= 50 > PRIORITY
    assert SERVICE["Service"]["LimitMEMLOCK"] == "infinity"


def test_users_folders_and_rules_speak_of_the_same() -> None:
    user = SERVICE["Service"]["User"]
    assert f"u {user} " in (SYSTEM / "watchkeeper.sysusers").read_text()
    folder, mode = "/var/lib/" + SERVICE["Service"]["StateDirectory"], SERVICE["Service"]["StateDirectoryMode"]
    assert f"d {folder} {mode} {user} {user} -" in (SYSTEM / "watchkeeper.tmpfiles").read_text()
    assert f'GROUP="{user}"' in (SYSTEM / "60-watchkeeper.rules").read_text()
    lines = (SYSTEM / "watchkeeper.sysusers").read_text().splitlines()
    assert f"m {user} dialout" in lines
    assert {line.split()[2] for line in lines if line.startswith("m ")} <= {
        line.split()[1] for line in lines if line.startswith("g ")
    }


def test_vision_has_a_user_of_its_own_with_the_camera_and_nothing_of_the_supervisors() -> None:
    service, users = SERVICE["Service"], (SYSTEM / "watchkeeper.sysusers").read_text().splitlines()
    supervisor = service["User"]
    assert supervisor != VISION_USER
    assert any(line.startswith(f"u {VISION_USER} ") for line in users)
    assert [line.split()[2] for line in users if line.startswith(f"m {VISION_USER} ")] == ["video"]
    assert not [line for line in users if line.startswith(f"m {supervisor} ") and "video" in line]
    # enough to start it as another user, in the filter too; the user has to exist in the unit's namespace
    assert service["CapabilityBoundingSet"].split() == ["CAP_SETUID", "CAP_SETGID"]
    assert service["ExecStart"].startswith("!")
    assert supervisor == SUPERVISOR_USER
    unit = (SYSTEM / "watchkeeper.service").read_text()
    filters = [line for line in unit.splitlines() if line.startswith("SystemCallFilter=")]
    assert filters[-1] == "SystemCallFilter=@setuid capset"  # which ~@privileged before it forbids
    assert service.get("PrivateUsers", "no") == "no"
    assert "CacheDirectory" not in service  # systemd would give it to the supervisor
    assert (
        f"d {service['ReadWritePaths']} 0750 {VISION_USER} {supervisor} -"
        in (SYSTEM / "watchkeeper.tmpfiles").read_text()
    )
    assert f"for account in {VISION_USER} {supervisor}; do" in (PACKAGING / "postrm").read_text()


def test_a_jetson_opens_what_cuda_needs_and_nothing_else_does() -> None:
    jetsons = [name for name in board_names() if "tensorrt" in load_board(name).engines]
    for name in board_names():
        assert (ROOT / f"boards/{name}/system/50-accelerator.conf").exists() == (name in jetsons)
    texts = {(ROOT / f"boards/{name}/system/50-accelerator.conf").read_text() for name in jetsons}
    assert len(texts) == 1


def test_overlays_of_the_boards_are_in_their_config() -> None:
    for name in board_names():
        config = ROOT / f"boards/{name}/system/config.txt"
        for overlay in load_board(name).hardware.overlays:
            assert f"dtoverlay={overlay}," in config.read_text()


def test_targets_are_those_the_boards_name() -> None:
    targets = tomllib.loads((PACKAGING / "targets.toml").read_text())
    named = {name for board in board_names() for name in load_board(board).hardware.distributions}
    assert named == set(targets)
    python = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert python == ">=3.10"
    assert all(tuple(map(int, t["python"].split("."))) >= (3, 10) for t in targets.values())


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm", "assemble.sh", "in_root.sh"])
def test_scripts_are_scripts(script: str) -> None:
    done = subprocess.run(["sh", "-n", str(PACKAGING / script)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "set -e" in (PACKAGING / script).read_text()
