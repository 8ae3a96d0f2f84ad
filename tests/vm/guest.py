"""What every script that runs inside the virtual machine needs."""

from __future__ import annotations

import subprocess


def sh(command: str) -> None:
    """Run it or fail."""
    subprocess.run(command, shell=True, check=True)
