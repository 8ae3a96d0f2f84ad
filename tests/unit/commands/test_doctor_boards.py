"""Doctor on canned boards: exit status, which checks fail, what is found and the one next action."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from canned_boards import BUILT_ON_1, BUILT_ON_2, JETSON_ORIN_NANO, LOCAL, RASPBERRY_PI_5, distribution, write_tree

from watchkeeper.cli import main
from watchkeeper.commands.checks import OF_TREE

Files = Mapping[str, str | bytes | None]
SIMPLEJPEG = "usr/lib/python3/dist-packages/simplejpeg/_jpeg.cpython-311-aarch64-linux-gnu.so"

# name -> (base, what differs, {check: (status, part of what is found, part of the action)})
CANNED: dict[str, tuple[Files, Files, dict[str, tuple[str, str, str]]]] = {
    "good raspberry pi": (RASPBERRY_PI_5, {}, {}),
    "good jetson": (JETSON_ORIN_NANO, {}, {}),
    "good debian": (RASPBERRY_PI_5, {"usr/lib/python3.11/dist-packages/numpy/core/include/ndarraytypes.h": ""}, {}),
    "a system without a package": (
        JETSON_ORIN_NANO,
        {"etc/os-release": "NAME=Ubuntu\nVERSION_CODENAME=focal\n"},
        {"distribution": ("warn", "focal; there are packages for jetpack6, jetpack7", "write the card anew")},
    ),
    "good jetpack 6": (JETSON_ORIN_NANO, {"etc/os-release": "NAME=Ubuntu\nVERSION_CODENAME=jammy\n"}, {}),
    "no camera": (
        RASPBERRY_PI_5,
        {"sys/class/video4linux/v4l-subdev2/name": None, "sys/class/video4linux/video0/name": None,
         "log/kernel.txt": "[    6.402399] imx219: probe of 10-0010 failed with error -5\n"},
        {"camera": ("fail", "no camera sensor for picamera2:0", "camera_auto_detect=1 in boot/firmware/config.txt"),
         "camera-log": ("fail", "does not answer on I2C: [    6.402399] imx219", "press the ribbon cable in")},
    ),
    "no camera, jetson": (
        JETSON_ORIN_NANO,
        {"sys/class/video4linux/video0/name": None},
        {"camera": ("fail", "no camera sensor for csi:0", "jetson-io.py")},
    ),
    "wrong numpy": (
        RASPBERRY_PI_5,
        distribution(LOCAL, "numpy", "2.2.6"),
        {"numpy-abi": ("fail", f"{SIMPLEJPEG} was built against numpy 1, but numpy 2.2.6 in", f"{LOCAL}/numpy (pip un"),
         "installed-twice": ("warn", f"{LOCAL}/numpy (2.2.6) hides", "pip uninstall numpy")},
    ),
    "two OpenCVs": (
        JETSON_ORIN_NANO,
        {**distribution(LOCAL, "opencv_python", "4.12.0", "cv2"),
         **distribution("usr/lib/python3/dist-packages", "opencv", "4.8.0", "cv2")},
        {"installed-twice": ("warn", f"{LOCAL}/cv2 (4.12.0) hides", "pip uninstall opencv-python")},
    ),
    "another TensorRT than its library": (
        JETSON_ORIN_NANO,
        distribution(LOCAL, "tensorrt", "11.4.0"),
        {"tensorrt-version": ("fail", "tensorrt is 11.4.0, ", "python3-libnvinfer=10.3.0*"),
         "installed-twice": ("warn", "tensorrt (11.4.0) hides", "pip uninstall tensorrt")},
    ),
    "another TensorRT than JetPack's": (
        JETSON_ORIN_NANO,
        {"etc/nv_tegra_release": "# R36 (release), REVISION: 3.0, GCID: 36191598\n"},
        {"tensorrt-version": ("warn", "TensorRT 10.3.0 in", "nvidia-jetpack")},
    ),
    "missing overlay": (
        RASPBERRY_PI_5,
        {"boot/firmware/config.txt": "# dtoverlay=mcp251xfd\ndtparam=spi=on\n", "sys/class/net/can0/type": None,
         "sys/class/net/can0/flags": None, "sys/class/net/can0/tx_queue_len": None,
         "sys/module/mcp251xfd/refcnt": None},
        {"overlays": ("fail", "mcp251xfd not in boot/firmware/config.txt", "docs/wiring.md"),
         "bus": ("fail", "no can0, and its driver mcp251xfd is not loaded", "modprobe mcp251xfd")},
    ),
    "throttled": (
        RASPBERRY_PI_5,
        {"sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
         "sys/class/thermal/thermal_zone0/temp": "83000",
         "log/kernel.txt": "[  202.514923] hwmon hwmon1: Undervoltage detected!\n"},
        {"throttling": ("fail", "under-voltage, throttled", "check supply and cooling"),
         "heat": ("fail", "83 degC", "cool the box"),
         "power-log": ("fail", "the supply is too weak", "board maker's supply")},
    ),
    "bus down": (
        RASPBERRY_PI_5,
        {"sys/class/net/can0/flags": "0x40080\n", "log/kernel.txt": "[  233.100412] mcp251xfd spi0.0 can0: bus-off\n"},
        {"bus": ("fail", "can0 is down", "systemctl enable --now systemd-networkd"),
         "can-log": ("fail", "left the bus after too many errors", "check termination")},
    ),
    "long queue": (
        JETSON_ORIN_NANO,
        {"sys/class/net/can0/tx_queue_len": "1000\n"},
        {"bus": ("warn", "can0 queues 1000 frames", "txqueuelen 10")},
    ),
    "a board nobody described": (
        {"proc/device-tree/model": "Radxa ROCK 5B\0", "log/kernel.txt": "", **distribution(LOCAL, "numpy", "2.2.6")},
        {SIMPLEJPEG: BUILT_ON_2},
        {"board": ("warn", "Radxa ROCK 5B: no board file for it", "tools/new_board")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CANNED)
def test_a_canned_board(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    base, differs, wrong = CANNED[name]
    write_tree(tmp_path, base, differs)
    status = main(["doctor", "--tree", str(tmp_path), "--json"])
    rows = {row["check"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == OF_TREE
    told = {check: row["status"] for check, row in rows.items() if row["status"] in ("warn", "fail")}
    assert told == {check: expected[0] for check, expected in wrong.items()}
    for check, (_, found, action) in wrong.items():
        assert found in rows[check]["found"]
        assert action in rows[check]["action"]
    assert all(row["action"] == "" for row in rows.values() if row["status"] == "pass")
    assert status == int("fail" in told.values())


def test_the_text_names_check_finding_and_action(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, differs, _ = CANNED["bus down"]
    assert main(["doctor", "--tree", str(write_tree(tmp_path, base, differs))]) == 1
    assert (
        "fail  bus                      can0 is down  -> sudo systemctl enable --now systemd-networkd (docs/wiring.md)"
        in capsys.readouterr().out.splitlines()
    )


def test_a_module_built_for_both_is_no_conflict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tree(tmp_path, RASPBERRY_PI_5, distribution(LOCAL, "numpy", "2.2.6"), {SIMPLEJPEG: BUILT_ON_2})
    assert main(["doctor", "--tree", str(tmp_path)]) == 0
    assert BUILT_ON_1 not in (tmp_path / SIMPLEJPEG).read_bytes()


def test_logs_nobody_may_read_are_told_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tree(tmp_path, RASPBERRY_PI_5, {"log/kernel.txt": None, "log/services.txt": None})
    assert main(["doctor", "--tree", str(tmp_path), "--json"]) == 0
    rows = {row["check"]: row for row in json.loads(capsys.readouterr().out)}
    assert (rows["can-log"]["status"], rows["can-log"]["found"]) == ("skip", "the logs cannot be read")


def test_no_such_tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--tree", str(tmp_path / "none")]) == 2
    assert "expected the folder of a machine's copied files" in capsys.readouterr().err
