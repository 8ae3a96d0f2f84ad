"""Putting diagnostics together for the supervisor process: who this unit is, where its state is kept, which transport.

The state folder holds, besides the state itself, what a factory provisions once a unit:

    unit.key      64 hex digits, readable by its owner only: the key of security access. Without it 0x27 is refused.
    unit.serial   the serial number; without it the device tree's (Raspberry Pi, Jetson), else none
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from watchkeeper.board import Board
from watchkeeper.clock import now_ns
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.bus import Bus
from watchkeeper.supervisor.realtime import say
from watchkeeper.supervisor.uds.diagnostics import Diagnostics
from watchkeeper.supervisor.uds.keeper import FileKeeper, MemoryKeeper
from watchkeeper.supervisor.uds.security import UNIT_KEY_BYTES
from watchkeeper.supervisor.uds.transport import (
    FUNCTIONAL_ID,
    REQUEST_ID,
    FrameTransport,
    KernelTransport,
    open_kernel_transport,
)
from watchkeeper.supervisor.uds.unit import Identity

KEY_FILE, SERIAL_FILE, STATE_FILE = "unit.key", "unit.serial", "diagnostics"
_TREE_SERIAL = Path("/sys/firmware/devicetree/base/serial-number")
_SERIAL_MAX = 32


class DiagnosticsSetup:
    """In two steps, since the identifiers that the bus is to receive depend on who does the transport."""

    def __init__(self, uri: str) -> None:
        self._kernel: KernelTransport | None = open_kernel_transport(uri)

    @property
    def receive_ids(self) -> tuple[int, ...]:
        """What the bus has to receive for diagnostics."""
        return (REQUEST_ID, FUNCTIONAL_ID) if self._kernel is None else (FUNCTIONAL_ID,)

    def build(self, bus: Bus, board: Board, base_id: int, profile: int, folder: Path | None) -> Diagnostics:
        """Raises BadInputError naming the file for a folder, key or serial number that cannot be used."""
        identity = Identity(
            serial=_serial(folder),
            key=None if folder is None else _key(folder / KEY_FILE),
            board=board.name,
            board_id=board.board_id,
            base_id=base_id,
            profile=profile,
            frame_period_ms=board.frame_period_ms,
            budget_ms=board.budget_ms,
        )
        keeper = MemoryKeeper() if folder is None else FileKeeper(folder / STATE_FILE, say)
        transport = self._kernel or FrameTransport(bus.send_diagnostic)
        return Diagnostics(transport, identity, keeper, started_ns=now_ns(), say=say)


def state_folder(option: Path | None) -> Path | None:
    """The option, else the folder that systemd made (`StateDirectory=`), else none: memory only."""
    if option is not None:
        return option
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(given) if given else None


def _key(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(200).strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadInputError.at(path, "expected a file that only its owner may read (chmod 600)")
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != UNIT_KEY_BYTES:  # what it holds instead is not said: it may be a key
        raise BadInputError.at(path, f"expected {2 * UNIT_KEY_BYTES} hex digits")
    return key


def _serial(folder: Path | None) -> str | None:
    own = None if folder is None else folder / SERIAL_FILE
    for path in (own, _TREE_SERIAL):
        try:
            text = path.read_text(encoding="ascii", errors="replace").strip("\0\n ") if path is not None else ""
        except OSError:
            continue
        if not text:
            continue
        if len(text) > _SERIAL_MAX or not text.isascii() or not text.isprintable():
            raise BadInputError.at(str(path), f"expected a serial number of 1 to {_SERIAL_MAX} printable characters")
        return text
    return None
