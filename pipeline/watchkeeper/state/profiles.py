"""Rule sets by name: which limits apply. `get_profile` is the only way to one."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.errors import BadInputError
from watchkeeper.state import limits
from watchkeeper.state.limits import Limit


@dataclass(frozen=True, slots=True)
class Profile:
    """The limits of one rule set; `limits.py` says where each comes from."""

    name: str
    active_from: Limit
    long_distraction: Limit
    microsleep: Limit
    sleep: Limit
    unresponsive: Limit
    clear_distraction: Limit
    clear_sleep: Limit


_PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="euroncap-2026",
            active_from=limits.NCAP26_ACTIVE_FROM,
            long_distraction=limits.NCAP26_LONG_DISTRACTION,
            microsleep=limits.NCAP26_MICROSLEEP,
            sleep=limits.NCAP26_SLEEP,
            unresponsive=limits.NCAP26_UNRESPONSIVE,
            clear_distraction=limits.NCAP26_CLEAR_DISTRACTION,
            clear_sleep=limits.NCAP26_CLEAR_SLEEP,
        ),
    )
}


def profile_names() -> list[str]:
    """Names of the rule sets this version judges by."""
    return sorted(_PROFILES)


def get_profile(name: str) -> Profile:
    """The rule set called `name`. Raises BadInputError listing the known ones."""
    try:
        return _PROFILES[name]
    except KeyError:
        raise BadInputError(f"--profile {name}: unknown profile; known are {', '.join(profile_names())}") from None
