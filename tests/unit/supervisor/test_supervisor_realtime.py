"""What was not permitted is said; what is said cannot block."""

from __future__ import annotations

import subprocess
import sys

_PERMISSIONS = """
import gc, os
from watchkeeper.supervisor.realtime import become_realtime
missing = become_realtime()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
fifo = os.sched_getscheduler(0) == os.SCHED_FIFO
locked = int(status["VmLck"].split()[0]) > 0
assert fifo != any("real-time" in text for text in missing), (fifo, missing)
assert locked != any("locked memory" in text for text in missing), (locked, missing)
assert gc.get_freeze_count() > 0
if {drop}:
    assert not fifo and not locked and len(missing) == 2, missing
"""

# Without privileges and limits, where this can be arranged.
_DROP = """
import os, resource
resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
"""

_CORES = """
import os
from watchkeeper.supervisor.realtime import become_realtime
here = min(os.sched_getaffinity(0))
assert not any("processors" in text for text in become_realtime((here,)))
assert os.sched_getaffinity(0) == {here}
assert any(text.startswith("processors [1023] (") for text in become_realtime((1023,)))
assert os.sched_getaffinity(0) == {here}
"""

_FULL_PIPE = """
import os, time
from watchkeeper.supervisor.realtime import say
os.set_blocking(2, False)
try:
    while True:
        os.write(2, b"x" * 4096)
except BlockingIOError:
    pass
os.set_blocking(2, True)
say("a line that finds no room")
print("went on")
"""


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_is_permitted_is_done_and_the_rest_is_said() -> None:
    _python(_PERMISSIONS.format(drop=False))


def test_without_privileges_both_are_said() -> None:
    imports = "import watchkeeper.supervisor.realtime, gc\n"  # before the files may be out of reach
    _python(imports + _DROP + _PERMISSIONS.format(drop=True))


def test_a_full_pipe_does_not_hold_it_up() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _FULL_PIPE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read() == "went on\n"  # nobody has read stderr yet
    assert process.wait(60) == 0
    assert "finds no room" not in process.stderr.read()
    process.stdout.close()
    process.stderr.close()


def test_a_line_is_whole_and_named() -> None:
    code = "from watchkeeper.supervisor.realtime import say; say('vision ended'); say('y' * 10000)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    first, _, second = done.stderr.partition("\n")
    assert first == "watchkeeper-supervisor: vision ended"
    assert len(second) <= 4096


def test_the_boards_cores_are_taken_and_absent_ones_said() -> None:
    subprocess.run([sys.executable, "-c", _CORES], check=True, timeout=60)
