"""The virtual machine as the tests use it: whether there is one, and a guest's script run in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FULL = os.environ.get("WATCHKEEPER_VM") == "full"
KERNEL = os.environ.get("WATCHKEEPER_VM_KERNEL")


def skip_without() -> None:
    """Skips the test, with the reason, where QEMU or the kernel cannot be had."""
    if Path("/tmp") in ROOT.parents:
        pytest.skip("the guest has a /tmp of its own and cannot see this checkout: put it elsewhere")
    try:
        got = subprocess.run([ROOT / "tools" / "vm", "--prepare"], capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        pytest.skip("the virtual machine's parts could not be fetched in 240 s")
    if got.returncode:
        pytest.skip(f"no virtual machine here: {got.stderr.strip().splitlines()[-1:]}")


def results(tmp_path: Path) -> Path:
    """Where the guest writes: WATCHKEEPER_VM_KEEP's folder, or the test's own."""
    named = os.environ.get("WATCHKEEPER_VM_KEEP")
    if named is None:
        return tmp_path
    folder = Path(named).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def kernel_module(name: str) -> tuple[Path | None, str]:
    """A module for the guest's kernel (kernel_module.py), made once; or None and why it cannot be had here."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "watchkeeper" / "vm-modules"
    cache.mkdir(parents=True, exist_ok=True)
    tool = ROOT / "tests" / "vm" / "kernel_module.py"
    got = subprocess.run([sys.executable, tool, name, cache], capture_output=True, text=True)
    if got.returncode:
        return None, (got.stderr.strip().splitlines() or ["no reason given"])[-1]
    return Path(got.stdout.strip()), ""


def run_in(command: str, keep: Path, *devices: str, more: tuple[str, ...] = (), seconds: float = 1200) -> int:
    """`command` is a script of tests/vm with its arguments; what it writes below `keep` stays. Its exit status. more:
    options of tools/vm."""
    run = [
        str(ROOT / "tools" / "vm"), "--virtual-time", *more, "--keep", str(keep), "--timeout", str(seconds),
        "--memory", "1536",
    ]  # fmt: skip
    run += [word for device in devices for word in ("--device", device)]
    if KERNEL:
        run += ["--kernel", KERNEL, "--cache", str(keep / "vm")]
    prefix = f"cd {ROOT} && export PYTHONPATH={ROOT}/tests/faults PYTHONDONTWRITEBYTECODE=1 && {sys.executable} "
    done = subprocess.run([*run, prefix + command], capture_output=True, text=True, cwd=ROOT)
    print(done.stdout[-6000:], done.stderr[-2000:])
    return done.returncode
