"""The v4l2 source against a real kernel and its test camera, in a virtual machine: seconds to a minute, on demand.

WATCHKEEPER_VM=1 asks for it; WATCHKEEPER_VMRUN names a script `vmrun COMMAND` that boots a Debian kernel over this
machine's root and runs the command as root in it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_GUEST = Path(__file__).with_name("guest_v4l2.py")


def _why_not() -> str | None:
    if os.environ.get("WATCHKEEPER_VM") != "1":
        return "boots a virtual machine: set WATCHKEEPER_VM=1"
    if not os.access(os.environ.get("WATCHKEEPER_VMRUN", ""), os.X_OK):
        return "needs a script that runs a command in a virtual machine: set WATCHKEEPER_VMRUN"
    missing = [name for name in ("qemu-system-x86_64", "busybox", "cpio", "zstd") if shutil.which(name) is None]
    return f"needs {', '.join(missing)}" if missing else None


@pytest.mark.skipif(_why_not() is not None, reason=str(_why_not()))
@pytest.mark.timeout(900)
def test_vivid_by_every_way_of_buffering() -> None:
    command = f"modprobe vivid n_devs=1 node_types=0x1 && {sys.executable} {_GUEST} /dev/video0"
    done = subprocess.run(
        [os.environ["WATCHKEEPER_VMRUN"], command], capture_output=True, text=True, check=False, timeout=800,
        env={**os.environ, "VMRUN_MEM": "1536", "VMRUN_TIMEOUT": "700"},
    )  # fmt: skip
    rows: list[dict[str, Any]] = [json.loads(line[3:]) for line in done.stdout.splitlines() if line.startswith("VM ")]
    print("\n".join(map(str, rows)))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    runs = [row for row in rows if "io" in row]
    assert [(row["format"], row["io"]) for row in runs[:5]] == [
        ("YUYV", "mmap"), ("NV12", "mmap"), ("GREY", "mmap"), ("NV12", "expbuf"), ("NV12", "userptr"),
    ]  # fmt: skip
    for row in runs:
        if row["io"] == "dmabuf" and "dma_heap" in row.get("refused", ""):
            continue  # Debian 12's own kernel has no dma-heaps
        assert row["in_place"], row
        assert row["copied"] == 0, row
        assert row["ours"] in (None, True), row
    for row in rows[len(runs) :]:
        assert row["lost"], row
