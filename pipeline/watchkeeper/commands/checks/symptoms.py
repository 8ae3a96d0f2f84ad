"""What kernel and camera services write into the logs, and the one thing to do next.

A pattern is one fixed piece of a real message (numbers left out); tests/data/doctor/logs has such messages. Order
within a group is gravity: what explains the others comes first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from watchkeeper.commands.checks import FAIL, WARN


@dataclass(frozen=True, slots=True)
class Symptom:
    """group: the check it belongs to. pattern: searched in every line of the logs."""

    group: str
    name: str
    status: str
    pattern: re.Pattern[str]
    meaning: str
    action: str


def _symptom(group: str, name: str, status: str, pattern: str, meaning: str, action: str) -> Symptom:
    return Symptom(group, name, status, re.compile(pattern), meaning, action)


SYMPTOMS = (
    _symptom(
        "power-log",
        "under-voltage",
        FAIL,
        "[Uu]nder-?voltage detected",
        "the supply is too weak",
        "use the board maker's supply and a short cable",
    ),
    _symptom(
        "power-log",
        "over-current",
        FAIL,
        "soctherm.*OC ALARM|System throttled due to over-?current",
        "the module draws more than its supply gives",
        "choose a lower power mode (nvpmodel) or a stronger supply",
    ),
    _symptom(
        "power-log",
        "too-hot",
        FAIL,
        "critical temperature reached|temperature reached critical",
        "the board switched off from heat",
        "give it a heat sink or a fan",
    ),
    _symptom(
        "storage-log",
        "card-errors",
        FAIL,
        r"mmc\d: error -\d+|I/O error, dev mmcblk\d",
        "the card does not answer",
        "replace the card; use one meant for constant writing",
    ),
    _symptom(
        "storage-log",
        "file-system-errors",
        FAIL,
        r"EXT4-fs error \(device",
        "the file system is damaged",
        "write the card anew; switch the supply off only after the system has halted, or use a read-only root",
    ),
    _symptom(
        "memory-log",
        "vision-out-of-memory",
        FAIL,
        r"(Out of memory|Memory cgroup out of memory): Killed process \d+ \((python3|watchkeeper)",
        "the kernel killed it for its memory",
        "use a smaller picture (`--source ...?size=640x480`) or a board with more memory",
    ),
    _symptom(
        "memory-log",
        "out-of-memory",
        WARN,
        "Out of memory: Killed process",
        "the kernel killed another program for memory",
        "stop what is not needed on this board (a desktop, a browser)",
    ),
    _symptom(
        "memory-log",
        "camera-memory",
        FAIL,
        r"cma: cma_alloc: .*alloc failed|dma_alloc_coherent of size \d+ failed",
        "no contiguous memory for the camera's buffers",
        "Raspberry Pi: dtoverlay=vc4-kms-v3d,cma-256 in config.txt, then reboot",
    ),
    _symptom(
        "camera-log",
        "sensor-not-found",
        FAIL,
        (
            r"failed to read chip id|error during i2c read probe|probe of \d+-00[0-9a-f]{2} failed with error|board "
            "setup failed"
        ),
        "the sensor does not answer on I2C",
        "switch off and press the ribbon cable in at both ends; then check the overlay",
    ),
    _symptom(
        "camera-log",
        "no-frames",
        FAIL,
        "uncorr_err: request timed out|PXL_SOF syncpt timeout|Camera frontend has timed out|waitCsiFrameStart",
        "the sensor is there, no picture arrives over CSI",
        "switch off and exchange the ribbon cable; keep it short and away from antennas",
    ),
    _symptom(
        "camera-log",
        "argus-stuck",
        FAIL,
        "nvargus-daemon.*(Error Timeout|Error InvalidState|HwEvents wait)|SCF: Error (Timeout|InvalidState)",
        "Argus hangs",
        "sudo systemctl restart nvargus-daemon; if it comes again, exchange the ribbon cable",
    ),
    _symptom(
        "camera-log",
        "usb-bandwidth",
        FAIL,
        "Not enough bandwidth for (new device state|altsetting)",
        "the USB bus has no room for this picture",
        "use a smaller picture or another USB port",
    ),
    _symptom(
        "camera-log",
        "usb-lost",
        WARN,
        "uvcvideo.*(Failed to (query|resubmit)|Non-zero status)|USB disconnect",
        "a USB device fell off the bus",
        "fasten the plug; use a shorter cable or a powered hub",
    ),
    _symptom(
        "can-log",
        "controller-not-found",
        FAIL,
        "Failed to detect MCP25|MCP251x didn't enter in conf mode|mcp251x.*Probe failed|mcp25xxfd.*hw not found",
        "the CAN controller does not answer on SPI",
        "check oscillator=, interrupt= and the chip select of the overlay against the hat",
    ),
    _symptom(
        "can-log",
        "spi-errors",
        FAIL,
        "mcp251xfd.*(CRC read error|CRC write command format error|ECC Error detected)",
        "frames between board and CAN controller are damaged",
        "lower the SPI clock (spimaxfrequency=10000000 in the overlay), check the hat's seat",
    ),
    _symptom(
        "can-log",
        "bus-off",
        FAIL,
        r"can\d+: (entered |)bus[- ]off|can\d+: bus-off",
        "the controller left the bus after too many errors",
        "check termination (60 ohm between CAN_H and CAN_L) and the bit rate (docs/wiring.md)",
    ),
    _symptom(
        "can-log",
        "error-passive",
        WARN,
        r"(mttcan|can\d+).*entered error passive|can\d+: error-passive",
        "nobody on the bus acknowledges, or it is disturbed",
        "check that another node is on the bus and CAN_H, CAN_L are not swapped",
    ),
    _symptom(
        "can-log",
        "receive-overflow",
        WARN,
        r"mcp251xfd.*RX-\d: FIFO overflow|mcp251x.*RX overflow",
        "frames from the vehicle were lost in the controller",
        "keep other programs off the SPI bus and off the CPU of its interrupt",
    ),
)

GROUPS = tuple(dict.fromkeys(symptom.group for symptom in SYMPTOMS))


def found_in(text: str, group: str) -> list[tuple[Symptom, str, int]]:
    """(symptom, its last line, how often), the gravest first."""
    hits: list[tuple[Symptom, str, int]] = []
    lines = text.splitlines()
    for symptom in SYMPTOMS:
        if symptom.group == group:
            matching = [line for line in lines if symptom.pattern.search(line)]
            if matching:
                hits.append((symptom, matching[-1].strip(), len(matching)))
    return sorted(hits, key=lambda hit: hit[0].status != FAIL)
