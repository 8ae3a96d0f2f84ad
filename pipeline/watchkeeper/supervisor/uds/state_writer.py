"""The process that waits for the disk, so that the one with frames to send never does.

    python -m watchkeeper.supervisor.uds.state_writer watchkeeper-state-writer FD FILE

FD is a SOCK_SEQPACKET socket: each message is an 8-byte number and a content; of several waiting the newest is written.
The answer is the number and an errno, 0 for done. End of file ends it: what it has taken is on the disk then, also when
the supervisor was killed.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from pathlib import Path

from watchkeeper.supervisor.uds.state_file import SIZE_MAX, save

PROGRAM = "watchkeeper-state-writer"
NUMBER_BYTES = 8


def main(argv: list[str]) -> int:
    """Serve until the other end is gone. Returns the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # its end is the supervisor's end, after the last state
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    fd, path = int(argv[2]), Path(argv[3])
    with socket.socket(fileno=fd) as link:
        while message := link.recv(SIZE_MAX + NUMBER_BYTES):
            link.setblocking(False)
            try:
                while newer := link.recv(SIZE_MAX + NUMBER_BYTES):
                    message = newer
            except OSError:
                pass  # none newer
            link.setblocking(True)
            status = 0
            try:
                save(path, message[NUMBER_BYTES:])
            except OSError as error:
                status = error.errno or errno.EIO
            try:
                link.send(message[:NUMBER_BYTES] + bytes((status & 0xFF,)))
            except OSError:
                return 0  # nobody wants to know any more
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
