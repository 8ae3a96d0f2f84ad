"""Rule sets as data: which limits apply. `get_profile` is the only way to one."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.errors import BadInputError
from watchkeeper.state import limits
from watchkeeper.state.limits import Limit

EXPERIMENTAL = "experimental"


@dataclass(frozen=True, slots=True)
class Profile:
    """The limits of one rule set; `limits.py` says where each comes from. None: the rule set has no such rule.

    base: the shipped rule set it derives from (its own name for a shipped one). experimental: some limit is laxer than
    the base's, which the bus shows.

    long_distraction is the time away from the forward zones, or, with `area3`, in area 3 of the EU regulation; then
    long_distraction_slow holds below fast_from. steps: an unanswered distraction warning rises after each in turn.
    unresponsive_unanswered counts from the last of these steps. look_back: a look ahead shorter than this is none.
    hidden_allowance: added to long_distraction while only the head tells the direction.
    """

    name: str
    base: str
    active_from: Limit
    drowsy_from: Limit
    long_distraction: Limit
    microsleep: Limit
    sleep: Limit
    unresponsive: Limit
    clear_distraction: Limit
    clear_sleep: Limit
    look_back: Limit
    steps: tuple[Limit, ...]
    long_distraction_slow: Limit | None = None
    fast_from: Limit | None = None
    hidden_allowance: Limit | None = None
    short_distraction: Limit | None = None
    short_window: Limit = limits.NCAP26_SHORT_WINDOW
    clear_short: Limit = limits.NCAP26_CLEAR_SHORT
    phone_use: Limit | None = None
    drowsy: Limit | None = None
    unresponsive_away: Limit | None = None
    unresponsive_unanswered: Limit | None = None
    area3: bool = False
    experimental: bool = False

    @property
    def bus_name(self) -> str:
        """What DMS_Status.Profile shows: the base, or "experimental"."""
        return EXPERIMENTAL if self.experimental else self.base


_SHIPPED = (
    Profile(
        name="euroncap-2026",
        base="euroncap-2026",
        active_from=limits.NCAP26_ACTIVE_FROM,
        drowsy_from=limits.NCAP26_DROWSY_FROM,
        long_distraction=limits.NCAP26_LONG_DISTRACTION,
        microsleep=limits.NCAP26_MICROSLEEP,
        sleep=limits.NCAP26_SLEEP,
        unresponsive=limits.NCAP26_UNRESPONSIVE,
        clear_distraction=limits.NCAP26_CLEAR_DISTRACTION,
        clear_sleep=limits.NCAP26_CLEAR_SLEEP,
        look_back=limits.RETURN_HOLD,
        steps=(limits.ESCALATE_UNANSWERED,),
        short_distraction=limits.NCAP26_SHORT_DISTRACTION,
        phone_use=limits.NCAP26_PHONE_USE,
        drowsy=limits.NCAP26_DROWSY,
    ),
    Profile(
        name="euroncap-2023",
        base="euroncap-2023",
        active_from=limits.NCAP23_ACTIVE_FROM,
        drowsy_from=limits.NCAP23_DROWSY_FROM,
        long_distraction=limits.NCAP23_LONG_DISTRACTION,
        microsleep=limits.NCAP23_MICROSLEEP,
        sleep=limits.NCAP23_SLEEP,
        unresponsive=limits.NCAP23_UNRESPONSIVE,
        clear_distraction=limits.NCAP26_CLEAR_DISTRACTION,
        clear_sleep=limits.NCAP26_CLEAR_SLEEP,
        look_back=limits.RETURN_HOLD,
        steps=(),  # unanswered for 3 s it is no longer distraction but unresponsiveness
        short_distraction=limits.NCAP23_SHORT_DISTRACTION,
        short_window=limits.NCAP23_SHORT_WINDOW,
        clear_short=limits.NCAP23_CLEAR_SHORT,
        phone_use=limits.NCAP23_PHONE_USE,
        drowsy=limits.NCAP23_DROWSY,
        unresponsive_away=limits.NCAP23_UNRESPONSIVE_AWAY,
        unresponsive_unanswered=limits.NCAP23_UNANSWERED,
    ),
    Profile(
        name="eu-gsr",
        base="eu-gsr",
        active_from=limits.GSR_ACTIVE_FROM,
        drowsy_from=limits.GSR_DROWSY_FROM,
        long_distraction=limits.GSR_AREA3_FAST,
        long_distraction_slow=limits.GSR_AREA3_SLOW,
        fast_from=limits.GSR_FAST_FROM,
        hidden_allowance=limits.GSR_HIDDEN_ALLOWANCE,
        microsleep=limits.GSR_MICROSLEEP,
        sleep=limits.GSR_SLEEP,
        unresponsive=limits.GSR_UNRESPONSIVE,
        clear_distraction=limits.GSR_CLEAR_DISTRACTION,
        clear_sleep=limits.NCAP26_CLEAR_SLEEP,
        look_back=limits.RETURN_HOLD,
        steps=(limits.ESCALATE_UNANSWERED,),
        drowsy=limits.GSR_DROWSY,
        area3=True,
    ),
    Profile(
        name="r171",
        base="r171",
        active_from=limits.R171_ACTIVE_FROM,
        drowsy_from=limits.R171_ACTIVE_FROM,
        long_distraction=limits.R171_EYES_OFF,
        microsleep=limits.R171_MICROSLEEP,
        sleep=limits.R171_SLEEP,
        unresponsive=limits.R171_UNRESPONSIVE,
        clear_distraction=limits.R171_RE_ENGAGED,
        clear_sleep=limits.NCAP26_CLEAR_SLEEP,
        look_back=limits.R171_RE_ENGAGED,
        steps=(limits.R171_ESCALATION, limits.R171_DIRECT_ALERT),
        unresponsive_unanswered=limits.R171_UNAVAILABLE,
    ),
)
_PROFILES = {profile.name: profile for profile in _SHIPPED}


def profile_names() -> list[str]:
    """Names of the shipped rule sets."""
    return sorted(_PROFILES)


def get_profile(name: str) -> Profile:
    """The shipped rule set called `name`. Raises BadInputError listing the known ones."""
    try:
        return _PROFILES[name]
    except KeyError:
        raise BadInputError(
            f"--profile {name}: unknown profile; known are {', '.join(profile_names())}, or a file ending in .toml"
        ) from None
