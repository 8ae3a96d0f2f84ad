"""A supervisor without root, with the two rights that its unit gives it, over a vision that is another user."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig import ACTIVE, Rig, check_sender, gone

from watchkeeper.confine.account import Account, _closed_to
from watchkeeper.types import Cause, SystemState

pytestmark = pytest.mark.faults
SUPERVISOR, VISION, VISION_GROUP = 61233, 61234, 61235
_RIGHTS = "+setuid,+setgid"
_OPTIONS = ("--vision-uid", str(VISION))
_AS_THE_UNIT = (
    "setpriv", f"--reuid={SUPERVISOR}", f"--regid={SUPERVISOR}", "--clear-groups", f"--inh-caps={_RIGHTS}",
    f"--ambient-caps={_RIGHTS}", f"--bounding-set=-all,{_RIGHTS}", "--no-new-privs",
)  # fmt: skip
_OWN_USER = Path(__file__).with_name("own_user_vision.py")
_VISION = (sys.executable, str(_OWN_USER), str(VISION), str(VISION_GROUP), "watchkeeper-vision")


@pytest.fixture
def folder() -> Iterator[Path]:
    """The supervisor's, outside pytest's own, which are closed to other users."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to start processes as other users")
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv (util-linux)")
    for path in (Path(sys.prefix), Path(sys.base_prefix), Path(__file__)):
        if closed := _closed_to(Account("", VISION, VISION_GROUP), path, for_writing=False):
            pytest.skip(f"{closed} is closed to other users: this checkout cannot be run by them")
    made = Path("/var/tmp") / f"watchkeeper-own-user-{os.getpid()}"
    made.mkdir(mode=0o755)
    os.chown(made, SUPERVISOR, SUPERVISOR)
    yield made
    shutil.rmtree(made)


def _users(pid: int) -> list[str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1:] for line in lines if line.startswith("Uid:"))


def test_vision_is_started_killed_and_ended_across_users(folder: Path) -> None:
    rig = Rig(folder, _OPTIONS, _VISION, prefix=_AS_THE_UNIT)
    try:
        well_ns = rig.first(0, lambda verdict: verdict == ACTIVE)
        assert _users(rig.process.pid) == [str(SUPERVISOR)] * 4
        first = rig.report().vision_pid
        assert _users(first) == [str(VISION)] * 4
        os.kill(first, signal.SIGSTOP)  # the supervisor itself has to kill it then
        lost_ns = rig.first(well_ns, lambda verdict: verdict == (SystemState.UNAVAILABLE, Cause.STALE_VISION))
        rig.first(lost_ns, lambda verdict: verdict == ACTIVE)
        second = rig.report().vision_pid
        assert (second != first, _users(second)) == (True, [str(VISION)] * 4)
        gone(first)
        rig.process.terminate()
        assert rig.end() == 0
        check_sender(rig)
        gone(second)
    finally:
        rig.close()
