"""The vision process: started, looked after, killed. Linux only; every call but `stop_now` returns at once.

It gets a session of its own, so that Ctrl-C in a terminal reaches the supervisor alone, which then stops vision in
order. It dies with the supervisor, however that one dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PRCTL = ctypes.CDLL(None).prctl  # looked up here and not between fork and exec


def set_death_signal(signal_number: int) -> None:
    """Have the kernel send this process `signal_number` when its parent ends."""
    _PRCTL(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


class VisionProcess:
    """One command, at most one process of it at a time.

    `--state-fd N --vehicle-fd M` are appended to the command: the mailboxes it writes and reads. The command must be
    the process that publishes, not a wrapper that waits for it: reports are believed by their pid. ring_fd: memory for
    its recorder, appended as `--ring-fd`, None for none. aim_fd: as `--aim-fd`, in commissioning. user_id: whom it
    becomes, None for nobody else.
    """

    def __init__(
        self,
        command: Sequence[str],
        state_fd: int,
        vehicle_fd: int,
        ring_fd: int | None = None,
        aim_fd: int | None = None,
        *,
        user_id: int | None = None,
    ) -> None:
        self._command = [*command, "--state-fd", str(state_fd), "--vehicle-fd", str(vehicle_fd)]
        self._fds: tuple[int, ...] = (state_fd, vehicle_fd)
        for option, fd in (("--ring-fd", ring_fd), ("--aim-fd", aim_fd)):
            if fd is not None:
                self._command += [option, str(fd)]
                self._fds = (*self._fds, fd)
        self._cpus = os.sched_getaffinity(0)  # before this process takes those of its own
        self._parent_pid, self._user_id = os.getpid(), user_id
        self._process: subprocess.Popen[bytes] | None = None
        self.stopped = False  # by SIGSTOP and the like, as of the last `poll`

    @property
    def pid(self) -> int:
        """Of the running process, 0 while there is none."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> int:
        """Start it; returns its pid. Raises OSError when the command cannot be executed."""
        if self._process is not None:
            raise RuntimeError("vision is already running")
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            pass_fds=self._fds,
            start_new_session=True,
            # Safe here: this process has no threads, of which one could hold a lock at the fork.
            preexec_fn=self._arm,
        )
        # Only now: Popen waits for the exec, which must have the supervisor's own priority, as it has frames to send.
        with contextlib.suppress(OSError):  # not permitted: then it was not raised either; or ended already
            os.sched_setscheduler(self._process.pid, os.SCHED_OTHER, os.sched_param(0))
            if os.sched_getaffinity(0) != self._cpus:
                os.sched_setaffinity(self._process.pid, self._cpus)
        return self._process.pid

    def _arm(self) -> None:
        """Between fork and exec: die with the supervisor, also if it died in this very moment."""
        set_death_signal(signal.SIGKILL)
        if os.getppid() != self._parent_pid:
            os.kill(os.getpid(), signal.SIGKILL)

    def poll(self) -> int | None:
        """Once after each run, its exit status (negative: the signal that ended it); None otherwise."""
        if self._process is None:
            return None
        pid = self._process.pid
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            with contextlib.suppress(ChildProcessError):  # died since the line above: the next call sees it
                while change := os.waitid(os.P_PID, pid, os.WSTOPPED | os.WCONTINUED | os.WNOHANG):
                    self.stopped = change.si_code == os.CLD_STOPPED
            return None
        # What it may have started itself outlives it; its number is not free for another group before it is reaped.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        status = self._process.wait()
        self._process, self.stopped = None, False
        return status

    def terminate(self) -> None:
        """Ask it to end (SIGTERM); also wakes a stopped one, which could not hear it otherwise."""
        if self._process is not None:
            # not by Popen's own calls: they reap a child that has just ended, and `poll` would never hear of it
            self._signal(self._process.pid, signal.SIGTERM)
            self._signal(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it, also while it is stopped. `poll` tells when it is gone."""
        if self._process is not None:
            self._signal(self._process.pid, signal.SIGKILL)

    def _signal(self, pid: int, number: int) -> None:
        """To a child that has not been reaped. Where it has become another user this process does so too for a moment,
        by the right that vision had from here (CAP_SETUID), and needs none to signal everybody."""
        try:
            os.kill(pid, number)
        except PermissionError:
            if self._user_id is None:
                raise
            own = os.geteuid()
            os.seteuid(self._user_id)
            try:
                os.kill(pid, number)
            finally:
                os.seteuid(own)

    def stop_now(self) -> None:
        """Kill it and wait until it is gone: for the way out, where no frame is due any more."""
        if self._process is not None:
            self.kill()
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
            self.poll()
