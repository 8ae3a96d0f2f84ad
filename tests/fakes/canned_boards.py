"""Machines as files, the way `doctor --tree` gets them: what the boards' kernels and packages put under these paths."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

BUILT_ON_1 = b"\x7fELF import numpy.core._multiarray_umath\0"
BUILT_ON_2 = b"\x7fELF numpy._core._multiarray_umath\0 numpy.core._multiarray_umath\0"
_SYSTEM = "usr/lib/python3/dist-packages"
LOCAL = "usr/local/lib/python3.11/dist-packages"


def distribution(folder: str, name: str, version: str, module: str | None = None) -> dict[str, str | bytes]:
    """The files of an installed package that doctor looks at."""
    return {
        f"{folder}/{module or name}/__init__.py": "",
        f"{folder}/{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    }


RASPBERRY_PI_5: dict[str, str | bytes] = {
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "boot/firmware/config.txt": "dtparam=spi=on\ndtoverlay=mcp251xfd,spi0-0,oscillator=40000000,interrupt=25\n",
    "sys/class/video4linux/v4l-subdev2/name": "imx219 10-0010\n",
    "sys/class/video4linux/video0/name": "rp1-cfe-csi2_ch0\n",
    "sys/class/thermal/thermal_zone0/temp": "52000\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
    "sys/class/net/can0/type": "280\n",
    "sys/class/net/can0/flags": "0x40081\n",
    "sys/class/net/can0/tx_queue_len": "10\n",
    "sys/module/mcp251xfd/refcnt": "1\n",
    "log/kernel.txt": "[    6.5] mcp251xfd spi0.0 can0: MCP2518FD rev0.0 (+ECC) successfully initialized.\n",
    "log/services.txt": "",
    **distribution(_SYSTEM, "numpy", "1.24.2"),
    **distribution(_SYSTEM, "picamera2", "0.3.27"),
    f"{_SYSTEM}/simplejpeg/_jpeg.cpython-311-aarch64-linux-gnu.so": BUILT_ON_1,
}

JETSON_ORIN_NANO: dict[str, str | bytes] = {
    "proc/device-tree/model": "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super\0",
    "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64\n",
    "sys/class/video4linux/video0/name": "vi-output, imx219 9-0010\n",
    "sys/class/thermal/thermal_zone0/temp": "55000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
    "sys/class/net/can0/type": "280\n",
    "sys/class/net/can0/flags": "0x40081\n",
    "sys/class/net/can0/tx_queue_len": "10\n",
    "sys/module/mttcan/refcnt": "1\n",
    "usr/lib/aarch64-linux-gnu/libnvinfer.so.10.3.0": b"",
    "log/kernel.txt": "[    3.663287] imx219 9-0010: tegracam sensor driver:imx219_v2.0.6\n",
    "log/services.txt": "",
    **distribution(_SYSTEM, "numpy", "1.21.5"),
    **distribution(_SYSTEM, "tensorrt", "10.3.0"),
}


def write_tree(root: Path, *parts: Mapping[str, str | bytes | None]) -> Path:
    """Later parts win; None leaves a file out."""
    files: dict[str, str | bytes | None] = {}
    for part in parts:
        files.update(part)
    for name, content in files.items():
        if content is None:
            continue
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root
