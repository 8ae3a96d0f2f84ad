"""Where diagnostic state is kept between runs, seen from the real-time side: no call waits for a disk.

keeper = FileKeeper(folder / "diagnostics")      # or MemoryKeeper()
number = keeper.put(content)                     # None: not now, try again
keeper.poll()                                    # answers of the writer process
keeper.settled(number)                           # True on the disk, False failed, None not yet
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.uds import state_file
from watchkeeper.supervisor.uds.state_writer import NUMBER_BYTES, PROGRAM

_RESTART_AFTER_NS = 10 * NS_PER_S


class Keeper(Protocol):
    """Keeps one content, the newest. damaged: `load` found something that was not whole."""

    damaged: bool

    def load(self) -> list[bytes]:
        """Contents kept by earlier runs that are whole, newest first."""

    def put(self, content: bytes, t_ns: int) -> int | None:
        """Hand over the newest content; the number to ask `settled` for, None when it cannot be taken now."""

    def settled(self, number: int) -> bool | None:
        """True: this content or a newer one is kept. False: it could not be. None: not known yet."""

    def poll(self) -> None:
        """Take in what is new about earlier contents."""

    def close(self) -> None:
        """Let go; what was handed over is still written."""


class MemoryKeeper:
    """Keeps nothing beyond the process: for a PC, and where no folder for state is given."""

    damaged = False

    def load(self) -> list[bytes]:
        """Nothing."""
        return []

    def put(self, content: bytes, t_ns: int) -> int | None:
        """Done at once."""
        return 0

    def settled(self, number: int) -> bool | None:
        """Always."""
        return True

    def poll(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class FileKeeper:
    """A state file, written by a process of its own. Start it before the scheduling becomes real-time.

    Raises BadInputError when the folder is not there or may not be written. say: told once about damaged files and once
    about each kind of write error.
    """

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        if not path.parent.is_dir():
            raise BadInputError(f"--state-dir {path.parent}: expected an existing folder")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise BadInputError(f"--state-dir {path.parent}: cannot be written to")
        self._path, self._say = path, say
        self.damaged = False
        self._number = 0
        self._kept, self._failed = 0, 0
        self._error = 0
        self._retry_ns = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._gone: list[subprocess.Popen[bytes]] = []  # ended, to be reaped without waiting for them
        self._link: socket.socket | None = None
        self._start()

    def load(self) -> list[bytes]:
        """Contents that are whole, newest first; says what is wrong with others."""
        contents, problem = state_file.load(self._path)
        self.damaged = problem is not None
        if problem is not None:
            used = "the last good copy is used" if contents else "beginning with nothing"
            self._say(f"{problem}; {used}")
        return contents

    def put(self, content: bytes, t_ns: int) -> int | None:
        """Hand it to the writer; a writer that is gone is started again, at most every ten seconds."""
        if self._link is None and t_ns >= self._retry_ns:
            self._retry_ns = t_ns + _RESTART_AFTER_NS
            self._start()
        if self._link is None or len(content) > state_file.SIZE_MAX:
            return None
        number = self._number + 1
        try:
            self._link.send(number.to_bytes(NUMBER_BYTES, "little") + content)
        except BlockingIOError:
            return None  # the disk is slow: the caller comes again with something newer
        except OSError:
            self._lost()
            return None
        self._number = number
        return number

    def settled(self, number: int) -> bool | None:
        """As in Keeper."""
        if number <= self._kept:
            return True
        return False if number <= self._failed or self._link is None else None

    def poll(self) -> None:
        """Take in the writer's answers."""
        if self._gone:
            self._gone = [process for process in self._gone if process.poll() is None]
        while self._link is not None:
            try:
                answer = self._link.recv(64)
            except BlockingIOError:
                return
            except OSError:
                answer = b""
            if len(answer) != NUMBER_BYTES + 1:
                self._lost()
                return
            number, status = int.from_bytes(answer[:NUMBER_BYTES], "little"), answer[NUMBER_BYTES]
            if status == 0:
                self._kept = number
            else:
                self._failed = number
                if status != self._error:
                    self._say(f"{self._path} cannot be written: {os.strerror(status)}")
            self._error = status

    def close(self) -> None:
        """End of file for the writer; waits for the last write, at most two seconds."""
        link, process = self._link, self._process
        self._link = self._process = None
        if link is not None:
            link.close()
        if process is not None:
            self._gone.append(process)
        for ending in self._gone:
            with contextlib.suppress(subprocess.TimeoutExpired):
                ending.wait(2)
            if ending.returncode is None:
                ending.kill()
                ending.wait()
        self._gone = []

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        command = [sys.executable, "-m", "watchkeeper.supervisor.uds.state_writer", PROGRAM]
        try:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), str(self._path)],
                pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            self._say(f"the state writer cannot be started: {error}")
            ours.close()
        else:
            self._link = ours
        finally:
            theirs.close()

    def _lost(self) -> None:
        self._say("the state writer has ended")
        link, process = self._link, self._process
        self._link = self._process = None
        if link is not None:
            link.close()
        if process is not None:
            process.kill()
            self._gone.append(process)
