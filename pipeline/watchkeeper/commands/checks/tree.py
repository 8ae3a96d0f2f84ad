"""A machine as files: this one's root, or a copy of another's that its owner sent (`doctor --tree DIR`).

Such a copy has what doctor reads under the same paths (etc, proc, sys, usr, boot), and the two logs as files, since
on a machine they are none:

    log/kernel.txt    dmesg
    log/services.txt  journalctl -b -u nvargus-daemon -u watchkeeper
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_COMMANDS = {
    "kernel": (("dmesg",), ("journalctl", "-k", "-b", "--no-pager", "-o", "short-monotonic")),
    "services": (("journalctl", "-b", "--no-pager", "-u", "nvargus-daemon", "-u", "watchkeeper"),),
}
_TIMEOUT_S = 20


@dataclass(frozen=True, slots=True)
class Tree:
    """root: `/`, or the folder of a copy."""

    root: Path = Path("/")

    @property
    def live(self) -> bool:
        """Whether it is this machine."""
        return self.root == Path("/")

    def path(self, name: str) -> Path:
        """`name` without its leading slash, in this tree."""
        return self.root / name

    def text(self, name: str) -> str | None:
        """The file's content, None when it is not there."""
        try:
            return self.path(name).read_text(errors="replace").strip("\0\n ")
        except OSError:
            return None

    def log(self, which: str) -> str | None:
        """`kernel` or `services`; None when this user may not read it or it was not copied."""
        if not self.live:
            return self.text(f"log/{which}.txt")
        for command in _COMMANDS[which]:
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
            except (OSError, subprocess.TimeoutExpired):
                continue
            if done.returncode == 0:
                return done.stdout
        return None
