"""Cameras of a real Linux kernel in a virtual machine through the whole product: vivid and v4l2loopback. See tools/vm.

Skipped, with the reason, where QEMU, the kernel or (for the loopback camera) its headers cannot be had. The guest's
clock counts instructions. WATCHKEEPER_VM=full takes every format by every way of buffering and has the networks measure
a drive that went through the loopback camera. WATCHKEEPER_VM_KEEP=FOLDER keeps the results.
WATCHKEEPER_VM_KERNEL=PACKAGE takes another kernel that apt-get knows: one of 6.12 (Debian 12's backports) has the
dma-heaps that `io=dmabuf` needs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from machine import FULL, KERNEL, ROOT, kernel_module, run_in

pytestmark = [pytest.mark.vm, pytest.mark.timeout(4000 if FULL else 1260)]


WAYS = [f"{code}/{io}" for code in ("YUYV", "NV12") for io in ("mmap", "expbuf", "userptr", "dmabuf")] + ["GREY/mmap"]
BYTES = {"YUYV": ("YUYV", 2.0), "NV12": ("NV12", 1.5), "GREY": ("GREY8", 1.0)}
"""Of a pixel, and our name of the format."""


def test_the_test_camera_by_every_way_of_buffering(keep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Through the whole product; no byte that is read lies outside the driver's buffers. A fifth lost is counted."""
    ways = WAYS if FULL else ["NV12/userptr"]
    out = keep / "paths.json"
    seconds = 3600 if FULL else 1200
    assert run_in(f"{ROOT}/tests/vm/guest_paths.py {out} {' '.join(ways)} drop", keep, seconds=seconds) == 0
    *rows, drop = json.loads(out.read_text())
    with capsys.disabled():
        for row in (*rows, drop):
            print(f"\n  {row}", end="")
    assert [row["way"] for row in rows] == ways
    for row in rows:
        if "refused" in row:
            # Debian 12's own kernel has no dma-heaps
            assert (row["way"].endswith("dmabuf"), KERNEL) == (True, None), row
            continue
        code, io = row["way"].split("/")
        name, pixel_bytes = BYTES[code]
        assert (row["format"], row["size"], row["exit_status"], row["frames_ok"]) == (name, [640, 360], 0, True), row
        assert row["bytes_read"] >= row["frames"] * 640 * 360 * pixel_bytes, row
        assert row["copied"] == 0, row
        mapped = {"mmap": "/dev/video0", "userptr": "anonymous"}.get(io, "dmabuf")
        assert all(mapped in place for place in row["mappings"]), row
    assert 0.1 < drop["lost"] / (drop["lost"] + drop["judged"]) < 0.3, drop
    assert drop["told"] >= drop["lost"], drop
    assert (drop["copied"], drop["mappings"]) == (0, ["/dev/video0"]), drop
    assert "CameraLost" not in drop["causes"], drop


def _loopback(keep: Path) -> Path:
    """v4l2loopback for the guest's kernel, and the lamp's clip beside it."""
    module, why = kernel_module("v4l2loopback")
    if module is None:
        pytest.skip(f"v4l2loopback cannot be built here: {why}")
    subprocess.run([sys.executable, ROOT / "tests" / "vm" / "lamp.py", keep / "lamp.mkv"], check=True)
    return module


@pytest.mark.needs_models
def test_a_clip_from_a_loopback_camera_warns_as_it_does_from_a_file(
    keep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, module = keep / "loopback.json", _loopback(keep)
    drive = "--drive 30.4 33.4" if FULL else ""  # a microsleep: some 200 pictures for the networks, half a second each
    assert run_in(f"{ROOT}/tests/vm/guest_loopback.py {out} {module} {keep}/lamp.mkv {drive}", keep, seconds=3600) == 0
    rows = json.loads(out.read_text())
    with capsys.disabled():
        print(f"\n  {rows['bytes']}", *rows["runs"], sep="\n  ", end="")
    assert [(row["identical"], row["copied"]) for row in rows["bytes"]] == [(30, 0)] * 2
    as_file, *as_camera = (row["warnings"] for row in rows["runs"])
    assert {warning for _, warning, _ in as_file} >= {"Microsleep", "Sleep", "None"}
    for warnings in as_camera:
        assert [row[1:] for row in warnings] == [row[1:] for row in as_file]
        assert all(abs(a[0] - b[0]) <= 0.25 for a, b in zip(warnings, as_file, strict=True)), (warnings, as_file)
    if FULL:
        events = [_events(keep / f"{name}.jsonl") for name in ("file", "loopback")]
        with capsys.disabled():
            print(f"\n  the drive, by the networks: {events[1]}", end="")
        assert events[0] == events[1] != []


def _events(trace: Path) -> list[dict[str, Any]]:
    out = trace.with_suffix(".events")
    command = [
        sys.executable,
        "-m",
        "watchkeeper",
        "replay",
        str(trace),
        "--can-log",
        "/dev/null",
        "--events",
        str(out),
    ]
    subprocess.run(command, check=True)
    return [json.loads(line) for line in out.read_text().splitlines()]
