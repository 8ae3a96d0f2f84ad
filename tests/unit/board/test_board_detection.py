"""Which board a device tree is, and that every board's file fits what the rest of the product knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.board import board_names, detect_board, device_tree_model, load_board
from watchkeeper.capture.source import check_uri
from watchkeeper.inference.engine import engine_names

# As the boards' own firmware names itself in /proc/device-tree/model, which ends in a NUL.
MODELS = {
    "Raspberry Pi 4 Model B Rev 1.4": "raspberry-pi-4",
    "Raspberry Pi Compute Module 4 Rev 1.1": "raspberry-pi-4",
    "Raspberry Pi 400 Rev 1.0": "raspberry-pi-4",
    "Raspberry Pi 5 Model B Rev 1.0": "raspberry-pi-5",
    "Raspberry Pi 500 Rev 1.0": "raspberry-pi-5",
    "Raspberry Pi Compute Module 5 Rev 1.0": "raspberry-pi-5",
    "Raspberry Pi Zero 2 W Rev 1.0": "raspberry-pi-zero-2w",
    "NVIDIA Orin Nano Developer Kit": "jetson-orin-nano",
    "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super": "jetson-orin-nano",
    "NVIDIA Jetson Orin NX Engineering Reference Developer Kit": "jetson-orin-nx",
    "Jetson AGX Orin Developer Kit": "jetson-agx-orin",
    "NVIDIA Jetson AGX Orin Developer Kit": "jetson-agx-orin",
    "NVIDIA Jetson AGX Thor Developer Kit": "jetson-agx-thor",
    "Raspberry Pi 3 Model B Plus Rev 1.3": "host",  # no board file: runs as host, doctor says so
    "Raspberry Pi Zero W Rev 1.1": "host",
    "linux,dummy-virt": "host",
}


@pytest.mark.parametrize("model", MODELS)
def test_the_model_names_the_board(tmp_path: Path, model: str) -> None:
    (tmp_path / "model").write_bytes(model.encode() + b"\0")
    assert device_tree_model(tmp_path) == model
    assert detect_board(tmp_path) == MODELS[model]


def test_a_machine_without_a_device_tree_is_the_host(tmp_path: Path) -> None:
    assert device_tree_model(tmp_path) is None
    assert detect_board(tmp_path) == "host"


def test_every_board_is_found_by_some_model() -> None:
    assert set(MODELS.values()) == set(board_names())


@pytest.mark.parametrize("name", board_names())
def test_a_board_names_only_what_there_is(name: str) -> None:
    board = load_board(name)
    check_uri(board.source)
    assert board.name == name
    assert set(board.engines) <= set(engine_names())
    assert set(board.buses) <= {"virtual", "socketcan", "slcan"}
    assert board.bus.partition(":")[0] in board.buses
    assert board.budget_ms <= 2 * board.frame_period_ms
    assert board.hardware.warm_c < board.hardware.hot_c
    if name != "host":
        assert board.watchdog is not None
        assert board.hardware.distributions
        # bcm2835_wdt counts to 15 s, tegra-wdt to 255
        assert board.watchdog.timeout_s <= (15 if name.startswith("raspberry") else 255)
