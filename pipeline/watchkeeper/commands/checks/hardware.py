"""Checks of what is plugged in: board, camera, overlays, CAN interface. They read files only, of any machine's tree."""

from __future__ import annotations

import re

from watchkeeper.board import Board, detect_board, device_tree_model, load_board
from watchkeeper.commands.checks import FAIL, PASS, SKIP, WARN, Finding
from watchkeeper.commands.checks.tree import Tree

_DEVICE_TREE = "proc/device-tree"
_CONFIG = "boot/firmware/config.txt", "boot/config.txt"
_IFF_UP = 1  # <linux/if.h>
_ARPHRD_CAN = "280"  # <linux/if_arp.h>
_QUEUE = 10  # boards/common/system/25-watchkeeper-can.link
# Names of the devices that hand out pictures of a CSI sensor: Raspberry Pi 4 and Zero, Raspberry Pi 5, Jetson.
_CSI = {"unicam-image", "unicam", "rp1-cfe-csi2_ch0", "rp1-cfe-fe_image0"}
_UBUNTU = {"jammy": "jetpack6", "noble": "jetpack7"}  # what JetPack calls its system
_SENSOR = re.compile(r"(?:vi-output, )?((?:imx|ov|ar|gc|os|mt)\d+\w*)\b")


def board_of(tree: Tree) -> Board:
    """The board this tree is of. Raises BadInputError for a wrong board file."""
    return load_board(detect_board(tree.path(_DEVICE_TREE)))


def board(tree: Tree) -> Finding:
    """The board this machine is, and that its file is right."""
    found = board_of(tree)
    model = device_tree_model(tree.path(_DEVICE_TREE))
    if found.name == "host" and model is not None:
        return Finding(WARN, f"{model}: no board file for it, runs as host", "tools/new_board NAME makes one")
    return Finding(PASS, f"{found.name}, engines {', '.join(found.engines)}", data={"board": found.name})


def distribution(tree: Tree) -> Finding:
    """Is the system one that there is a package for on this board?"""
    known = board_of(tree).hardware.distributions
    match = re.search(r"^VERSION_CODENAME=(\w+)", tree.text("etc/os-release") or "", re.MULTILINE)
    if not known or match is None:
        return Finding(SKIP, "nothing is asked of the system here")
    name = _UBUNTU.get(match[1], match[1])
    if name in known:
        return Finding(PASS, name)
    return Finding(
        WARN, f"{match[1]}; there are packages for {', '.join(known)}", "write the card anew with one of these"
    )


def camera(tree: Tree) -> Finding:
    """Is the board's camera there?"""
    source = board_of(tree).source
    scheme, _, rest = source.partition(":")
    if scheme == "v4l2":
        device = rest.partition("?")[0]
        if tree.path(device.lstrip("/")).exists():
            return Finding(PASS, device)
        return Finding(
            FAIL, f"{device} is not there", "plug the camera in; `v4l2-ctl --list-devices` shows what there is"
        )
    if scheme not in ("csi", "picamera2"):
        return Finding(PASS, f"none needed for {source}")
    names = [text for path in sorted(tree.path("sys/class/video4linux").glob("*/name"))
             if (text := tree.text(str(path.relative_to(tree.root)))) is not None]  # fmt: skip
    sensors = sorted({match[1] for name in names if (match := _SENSOR.match(name))})
    if sensors:
        return Finding(PASS, ", ".join(sensors), data={"sensors": sensors})
    if scheme == "csi":
        action = "sudo /opt/nvidia/jetson-io/jetson-io.py: choose the camera, reboot; then check the ribbon cable"
    elif _CSI & set(names):
        action = "switch off and press the ribbon cable in at both ends"
    else:
        action = f"camera_auto_detect=1 in {_config(tree)[0]}, reboot; then check the ribbon cable"
    return Finding(FAIL, f"no camera sensor for {source}", action)


def overlays(tree: Tree) -> Finding:
    """Raspberry Pi: are the board file's overlays in config.txt?"""
    wanted = board_of(tree).hardware.overlays
    if not wanted:
        return Finding(SKIP, "this board needs none")
    name, text = _config(tree)
    if text is None:
        return Finding(FAIL, f"/{name} is not there", "mount the boot partition")
    active = set(re.findall(r"^\s*dtoverlay=([\w-]+)", text, re.MULTILINE))
    missing = [overlay for overlay in wanted if overlay not in active]
    others = sorted(overlay for overlay in active if overlay.startswith("mcp251"))
    if not missing or others:  # a hat of another make is as good
        return Finding(PASS, ", ".join(others or wanted))
    return Finding(
        FAIL, f"{', '.join(missing)} not in {name}", f"put the lines of docs/wiring.md for your hat into {name}, reboot"
    )


def bus(tree: Tree) -> Finding:
    """Is the board's CAN interface there, up, and with a short queue?"""
    found = board_of(tree)
    scheme, _, channel = found.bus.partition(":")
    if scheme == "slcan":
        device = channel.partition("@")[0]
        there = tree.path(device.lstrip("/")).exists()
        return Finding(PASS, device) if there else Finding(FAIL, f"{device} is not there", "plug the adapter in")
    if scheme != "socketcan":
        return Finding(PASS, f"{found.bus} needs no interface")
    base = f"sys/class/net/{channel}"
    if not tree.path(base).exists():
        return _no_interface(tree, channel, found.hardware.can_driver)
    if tree.text(f"{base}/type") != _ARPHRD_CAN:
        return Finding(FAIL, f"{channel} is no CAN interface", "name the CAN interface with --can socketcan:NAME")
    if not int(tree.text(f"{base}/flags") or "0", 16) & _IFF_UP:
        return Finding(FAIL, f"{channel} is down", "sudo systemctl enable --now systemd-networkd (docs/wiring.md)")
    queue = int(tree.text(f"{base}/tx_queue_len") or _QUEUE)
    if queue > _QUEUE:
        action = f"sudo ip link set {channel} txqueuelen {_QUEUE}, or install 25-watchkeeper-can.link"
        return Finding(WARN, f"{channel} queues {queue} frames: on a stuck bus old ones leave late", action)
    return Finding(PASS, f"{channel} is up")


def _no_interface(tree: Tree, channel: str, driver: str | None) -> Finding:
    if driver is not None and not tree.path(f"sys/module/{driver}").exists():
        return Finding(FAIL, f"no {channel}, and its driver {driver} is not loaded",
                       f"sudo modprobe {driver}; Raspberry Pi: the hat's overlay (docs/wiring.md)")  # fmt: skip
    return Finding(FAIL, f"no {channel}", "`dmesg | grep -i can` says why the driver found no controller")


def _config(tree: Tree) -> tuple[str, str | None]:
    for name in _CONFIG:
        if (text := tree.text(name)) is not None:
            return name, text
    return _CONFIG[0], None
