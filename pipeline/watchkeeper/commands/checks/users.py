"""Who supervisor and vision run as."""

from __future__ import annotations

from watchkeeper.commands.checks import FAIL, PASS, SKIP, Finding
from watchkeeper.confine.account import SUPERVISOR_USER, VISION_USER, account, in_groups

_CAMERAS = "video"


def vision_user() -> Finding:
    """Is there a user of vision's own, who has the camera and nothing of the supervisor's?"""
    vision, supervisor = account(VISION_USER), account(SUPERVISOR_USER)
    if vision is None:
        if supervisor is None:
            return Finding(SKIP, f"no {VISION_USER} here: not installed as a service, vision keeps its caller's user")
        return Finding(FAIL, f"no user {VISION_USER}", "systemd-sysusers watchkeeper.conf")
    groups = in_groups(vision)
    if supervisor is not None and (vision.uid == supervisor.uid or supervisor.gid in (vision.gid, *vision.groups)):
        found = f"{VISION_USER} is in {', '.join(groups)}: what is the supervisor's is open to it"
        return Finding(FAIL, found, f"gpasswd -d {VISION_USER} {SUPERVISOR_USER}")
    if _CAMERAS not in groups:
        return Finding(FAIL, f"{VISION_USER} is not in {_CAMERAS}", f"usermod -a -G {_CAMERAS} {VISION_USER}")
    return Finding(PASS, f"{VISION_USER}, in {', '.join(groups)}")
