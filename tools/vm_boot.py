"""Boots the guest of tools/vm: options, the first file system, QEMU. Standard library only.

The guest's root is this machine's, over 9p (virtio), read-only, with memory on top. A first file system of busybox and
four modules mounts that and runs the command there. Output comes back on a serial port, the exit status in a file.

Sources: QEMU's manual (invocation, 9p), Linux Documentation/filesystems/{9p,overlayfs}.rst, driver-api/early-userspace
(cpio "newc"), kernel/params of 6.1.
"""

from __future__ import annotations

import argparse
import ctypes
import lzma
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vm_kernel import VmError, prepare_kernel, search_path, version

INSTRUCTION_SHIFT = 1  # 2 ** 1 ns an instruction
STATUS_RESET, STATUS_TIME_OUT, STATUS_BAD_USE = 125, 124, 2
BOOT_MODULES = ("virtio_pci", "9p", "9pnet_virtio", "overlay")
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
SHARE = "/run/vm"  # in the guest: the command, its status
NINE_P = "trans=virtio,version=9p2000.L,msize=512000"

INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev
for m in {modules}; do $b insmod /modules/$m; done
$b mount -t 9p -o ro,cache=loose,{nine_p} root /below || $b poweroff -f
$b mount -t tmpfs -o size=70% above /above; $b mkdir /above/upper /above/work
$b mount -t overlay -o lowerdir=/below,upperdir=/above/upper,workdir=/above/work root /root || $b poweroff -f
$b mkdir -p /root/usr/lib/modules
$b mount -o bind /root{kernel}/root/lib/modules /root/usr/lib/modules
for d in proc sys dev; do $b mount -o rbind /$d /root/$d; done
$b mkdir -p /root/dev/pts /root/dev/shm
$b mount -t devpts pts /root/dev/pts
for d in dev/shm tmp run; do $b mount -t tmpfs $d /root/$d; done
$b mkdir -p /root{share}
$b mount -t 9p -o rw,cache=none,{nine_p} share /root{share}
{visible}
$b ifconfig lo 127.0.0.1 up
cd /root
$b chroot . /bin/bash {share}/command </dev/null >/dev/ttyS1 2>&1
echo $? >/root{share}/status
$b poweroff -f
"""


def main() -> int:
    """Boot, run, return the exit status of tools/vm."""
    args = _arguments()
    try:
        kernel = prepare_kernel(args.cache, args.kernel)
        if args.prepare:
            return 0
        return boot(kernel, args)
    except VmError as error:
        print(f"vm: {error}", file=sys.stderr)
        return STATUS_BAD_USE


def _arguments() -> argparse.Namespace:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "watchkeeper" / "vm"
    parser = argparse.ArgumentParser(prog="tools/vm", description="Run a command on a Linux kernel of its own.")
    parser.add_argument("command", nargs="?", help="for bash, as root, in the working folder of now")
    parser.add_argument("--prepare", action="store_true", help="fetch the kernel, boot nothing")
    parser.add_argument("--module", action="append", default=[], metavar="NAME", help="modprobe this first")
    parser.add_argument(
        "--device", action="append", default=[], metavar="ARGS", help="options for QEMU, e.g. -device X"
    )
    parser.add_argument("--keep", metavar="DIR", type=Path, help="what the guest writes below DIR stays")
    parser.add_argument("--memory", metavar="MIB", type=int, default=1024)
    parser.add_argument("--cpus", metavar="N", type=int, default=2)
    parser.add_argument(
        "--virtual-time",
        action="store_true",
        help="one processor whose clock counts instructions: a busy host makes the guest take longer, but its clock "
        "does not see it, except that it may wake late from idling",
    )
    parser.add_argument(
        "--skip-idle",
        action="store_true",
        help="with --virtual-time: idling takes no time of the host's, so that the guest's clock is wholly its own. "
        "For what waits for timers alone: waiting for the host (files not read before) takes any time on it",
    )
    parser.add_argument("--timeout", metavar="S", type=float, default=300.0)
    parser.add_argument("--kernel", metavar="PACKAGE", help="Debian package (default: what linux-image-amd64 needs)")
    parser.add_argument("--cache", metavar="DIR", type=Path, default=cache, help=f"default: {cache}")
    parser.add_argument("--console", metavar="FILE", type=Path, help="kernel messages go here (default: nowhere)")
    args = parser.parse_args()
    if not args.prepare and not args.command:
        parser.error("expected a COMMAND")
    if args.skip_idle and not args.virtual_time:
        parser.error("--skip-idle: expected --virtual-time too")
    return args


# --- the first file system --------------------------------------------------------------------------------------------


def _modules(folder: Path) -> list[Path]:
    """Files of BOOT_MODULES with all they depend on, in the order of loading (modules.dep of depmod)."""
    base = folder / "root" / "lib" / "modules" / version(folder)
    needs: dict[str, list[str]] = {}
    for line in (base / "modules.dep").read_text().splitlines():
        name, _, rest = line.partition(":")
        needs[name] = rest.split()
    by_name = {Path(file).name.partition(".ko")[0].replace("-", "_"): file for file in needs}
    order: list[str] = []
    for module in BOOT_MODULES:
        file = by_name.get(module)
        if file is None:
            continue  # built in
        order += [needed for needed in (*reversed(needs[file]), file) if needed not in order]
    return [base / file for file in order]


def _cpio(entries: Iterator[tuple[str, int, bytes]]) -> bytes:
    """An archive in the format "newc" of (name, mode, content)."""
    out = bytearray()
    for number, (name, mode, content) in enumerate((*entries, ("TRAILER!!!", 0, b"")), start=1):
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        out += b"070701" + "".join(f"{field:08X}" for field in fields).encode() + name.encode() + b"\0"
        out += bytes(-len(out) % 4)
        out += content
        out += bytes(-len(out) % 4)
    return bytes(out)


def _first_files(folder: Path, init: str, modules: list[Path]) -> Iterator[tuple[str, int, bytes]]:
    for name in ("bin", "modules", "proc", "sys", "dev", "below", "above", "root"):
        yield name, 0o040755, b""
    yield "bin/busybox", 0o100755, Path(_which("busybox")).read_bytes()
    for path in modules:
        content = path.read_bytes()
        yield (
            f"modules/{path.name.removesuffix('.xz')}",
            0o100644,
            lzma.decompress(content) if path.suffix == ".xz" else content,
        )
    yield "init", 0o100755, init.encode()


# --- the machine ------------------------------------------------------------------------------------------------------


def boot(folder: Path, args: argparse.Namespace) -> int:
    """Run the guest once; its command's exit status."""
    modules = _modules(folder)
    mounts = []
    visible = []
    if args.keep is not None:
        keep = args.keep.resolve()
        if not keep.is_dir():
            raise VmError(f"--keep {args.keep}: expected an existing folder")
        mounts.append((str(keep), "keep", ""))
        visible = [f"$b mkdir -p /root{keep}", f"$b mount -t 9p -o rw,cache=none,{NINE_P} keep /root{keep}"]
    init = INIT.format(
        modules=" ".join(path.name.removesuffix(".xz") for path in modules), nine_p=NINE_P, kernel=folder.resolve(),
        share=SHARE, visible="\n".join(visible),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="run-", dir=args.cache) as name:
        work = Path(name)
        share = work / "share"
        share.mkdir()
        (share / "command").write_text(_script(args))
        (work / "initrd").write_bytes(_cpio(_first_files(folder, init, modules)))
        mounts += [(str(share), "share", ""), ("/", "root", ",readonly=on,multidevs=remap")]
        command = [
            _which("qemu-system-x86_64"), *_accelerator(args), "-machine", "pc", "-cpu", "max",
            "-m", str(args.memory), "-nodefaults", "-display", "none", "-nic", "none",
            "-no-reboot", "-kernel", str(folder / "vmlinux"), "-initrd", str(work / "initrd"),
            "-append", "console=ttyS0 quiet panic=-1 mitigations=off",
            "-serial", f"file:{args.console or os.devnull}", "-serial", "stdio",
        ]  # fmt: skip
        for path, tag, more in mounts:
            command += ["-virtfs", f"local,path={path},mount_tag={tag},security_model=none{more}"]
        for extra in args.device:
            command += extra.split()
        return _run(command, share / "status", args.timeout)


def _accelerator(args: argparse.Namespace) -> list[str]:
    if args.virtual_time:
        # 2 ns an instruction is a slow board; idling takes as long as it does, which a busy host prolongs
        icount = f"shift={INSTRUCTION_SHIFT},sleep={'off' if args.skip_idle else 'on'}"
        return ["-accel", "tcg,thread=single", "-icount", icount, "-rtc", "clock=vm", "-smp", "1"]
    return ["-accel", "tcg,thread=multi", "-smp", str(args.cpus)]


def _run(command: list[str], status: Path, timeout_s: float) -> int:
    # However this process ends (a test's time-out kills it), no machine is left behind.
    prctl = ctypes.CDLL(None).prctl
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    ) as guest:
        try:
            code = guest.wait(timeout_s)
        except subprocess.TimeoutExpired:
            guest.kill()
            return STATUS_TIME_OUT
        except BaseException:
            guest.kill()
            raise
    if code:
        raise VmError(f"qemu ended with status {code}")
    text = status.read_text().strip() if status.exists() else ""
    return int(text) if text else STATUS_RESET


def _script(args: argparse.Namespace) -> str:
    lines = [f"export HOME={Path.home()} PATH={search_path()} LANG=C.UTF-8 WATCHKEEPER_IN_VM=1", f"cd '{Path.cwd()}'"]
    lines += [f"modprobe {module} || exit 126" for module in args.module]
    return "\n".join([*lines, args.command or "true", ""])


def _which(name: str) -> str:
    found = shutil.which(name, path=search_path())
    if found is None:
        raise VmError(f"{name} is missing")
    return found


if __name__ == "__main__":
    sys.exit(main())
