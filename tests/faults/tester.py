"""A garage's tester on the bus of a real supervisor: udsoncan over can-isotp, or over the kernel's ISO-TP."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import isotp
import pytest
from udsoncan import AsciiCodec, DidCodec
from udsoncan.client import Client
from udsoncan.connections import BaseConnection, IsoTPSocketConnection, PythonIsoTpConnection
from udsoncan.typing import ClientConfig

from watchkeeper.clock import now_ns
from watchkeeper.mailbox.layout import SUPERVISOR
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox
from watchkeeper.supervisor.bus import open_node
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.uds.security import expected_key
from watchkeeper.supervisor.uds.state_writer import PROGRAM
from watchkeeper.types import SupervisorReport

KEY = bytes(range(100, 132))
SERIAL = "WK-TEST-7"
_PUPPET = Path(__file__).with_name("puppet_vision.py")
_SOCKETCAN = "socketcan:vcan0"


class Raw(DidCodec):
    """So many bytes as they are."""

    def __init__(self, size: int) -> None:
        self._size = size

    def encode(self, *values: object, **named: object) -> bytes:
        """As it is."""
        assert isinstance(values[0], bytes)
        return values[0]

    def decode(self, string_bin: bytes) -> bytes:
        """As it is."""
        return string_bin

    def __len__(self) -> int:
        return self._size


class Unit:
    """One supervisor process with a puppet for vision."""

    def __init__(self, bus: str, folder: Path, *options: str) -> None:
        """folder: gets the state, and holds the unit's key and serial number."""
        self.bus, self.folder = bus, folder
        key = folder / "unit.key"
        key.write_text(KEY.hex())
        key.chmod(0o600)
        (folder / "unit.serial").write_text(SERIAL)
        self.log = folder / "can.log"
        self.status_fd = Mailbox.create(SUPERVISOR)
        self._status = Reader(self.status_fd, SUPERVISOR)
        vehicle = ("--simulated-speed-kph", "0") if bus.startswith("virtual:") else ()
        with (folder / "stderr.txt").open("a") as stderr:
            self.process = subprocess.Popen(
            [
                sys.executable, "-m", "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--can", bus,
                "--can-log", str(self.log), "--status-fd", str(self.status_fd), "--state-dir", str(folder), *vehicle,
                *options, "--", sys.executable, str(_PUPPET), "watchkeeper-vision",
            ],
            pass_fds=(self.status_fd,), stdin=subprocess.DEVNULL, stderr=stderr,
          )  # fmt: skip

    def report(self) -> SupervisorReport | None:
        """The supervisor's newest word about itself."""
        return self._status.read()

    def until(self, condition: Callable[[SupervisorReport], object], seconds: float = 60.0) -> SupervisorReport:
        """Wait until the supervisor's report is as wanted."""
        end = time.monotonic() + seconds
        while True:
            report = self.report()
            if report is not None and condition(report):
                return report
            assert self.process.poll() is None, f"the supervisor has ended: {self.said()}"
            assert time.monotonic() < end, f"not within {seconds} s; last: {report}"
            time.sleep(0.02)

    def said(self) -> str:
        """What it wrote to stderr."""
        return (self.folder / "stderr.txt").read_text()

    @contextlib.contextmanager
    def disk_hung(self) -> Iterator[None]:
        """The process that writes the state is stopped, as if by a card that does not answer."""
        (writer,) = (
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if _command_line(path)[3:4] == [PROGRAM] and _command_line(path)[-1].startswith(f"{self.folder}/")
        )
        os.kill(writer, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(writer, signal.SIGCONT)

    def close(self) -> None:
        """Ask it to end and see that it does."""
        try:
            if self.process.poll() is None:
                self.process.terminate()
                assert self.process.wait(30) == 0, self.said()
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            os.close(self.status_fd)


def _command_line(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return []  # it has ended


@contextlib.contextmanager
def connection(kind: str, bus: str, *, request_id: int = 0x7C0) -> Iterator[BaseConnection]:
    """kind: `can-isotp` or `kernel`. request_id: 0x7DF is everybody's. Skips where the machine has no such thing."""
    address = isotp.Address(isotp.AddressingMode.Normal_11bits, txid=request_id, rxid=0x7C8)
    if kind == "kernel":
        yield IsoTPSocketConnection("vcan0", address)
        return
    with frames(bus) as (send, receive):

        def read(timeout: float) -> isotp.CanMessage | None:
            frame = receive(timeout)
            return None if frame is None else isotp.CanMessage(arbitration_id=frame.id, data=frame.data)

        def write(message: isotp.CanMessage) -> None:
            send(CanFrame(message.arbitration_id, bytes(message.data)))

        layer = isotp.TransportLayer(
            rxfn=read,
            txfn=write,
            address=address, params={"tx_padding": 0xAA, "blocksize": 4, "stmin": 1},
        )  # fmt: skip
        yield PythonIsoTpConnection(layer)


@contextlib.contextmanager
def frames(bus: str) -> Iterator[tuple[Callable[[CanFrame], bool], Callable[[float], CanFrame | None]]]:
    """(send, receive with a time-out in seconds) of a node of its own on the bus."""
    node = open_node(bus, receive=(0x7C8,), transmit=range(0x800))
    pending: list[CanFrame] = []

    def receive(timeout_s: float) -> CanFrame | None:
        end_ns = now_ns() + round(timeout_s * 1e9)
        while not pending:
            pending.extend(node.receive())
            if not pending:
                if now_ns() >= end_ns:
                    return None
                time.sleep(0.001)
        return pending.pop(0)

    try:
        yield node.send, receive
    finally:
        node.close()


def bus_for(kind: str, folder: Path) -> str:
    """The bus that this kind of connection needs; skips, saying why, where there is none."""
    if kind == "can-isotp":
        return f"virtual:garage-{os.getpid()}-{folder.name}"
    if not Path("/sys/class/net/vcan0").exists():
        pytest.skip("no interface vcan0: needs a kernel with vcan and can-isotp (tools/vm)")
    if kind == "kernel":
        try:
            socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, 6).close()
        except OSError as error:
            pytest.skip(f"this kernel has no ISO-TP: {error}")
    return _SOCKETCAN


def client(link: BaseConnection) -> Client:
    """udsoncan with what docs/diagnostics.md tells a tester."""
    sizes = {0xF186: 1}
    sizes |= dict(zip(range(0xFD00, 0xFD0B), (4, 16, 8, 8, 14, 10, 2, 7, 10, 12, 8), strict=True))
    sizes |= dict(zip(range(0xFD20, 0xFD26), (1, 1, 4, 1, 4, 4), strict=True))
    config: ClientConfig = {
        "request_timeout": 10,
        "p2_timeout": 2,
        "use_server_timing": False,  # a busy or an emulated machine is not what is tested
        "data_identifiers": {
            0xF190: AsciiCodec(17), 0xF189: AsciiCodec(5), 0xF18C: AsciiCodec(len(SERIAL)), 0xF191: AsciiCodec(4),
            0xF197: AsciiCodec(11), **{did: Raw(size) for did, size in sizes.items()},
        },
        "security_algo": _answer,
        "extended_data_size": {0x9A0431: 1},
    }  # fmt: skip
    return Client(link, config=config)


def _answer(level: int, seed: bytes, params: object) -> bytes:
    return expected_key(KEY, seed)
