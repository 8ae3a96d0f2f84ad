"""The numbers on docs/warnings.md: every profile's limits, and where each comes from."""

from __future__ import annotations

import dataclasses

from watchkeeper.commands.markdown import doc, table, text
from watchkeeper.state import limits
from watchkeeper.state.limits import Limit
from watchkeeper.state.profiles import Profile, get_profile, profile_names

_ONLY_WITH = {"short_window": "short_distraction", "clear_short": "short_distraction", "drowsy_from": "drowsy"}


def all_profiles() -> list[Profile]:
    """The shipped ones."""
    return [get_profile(name) for name in profile_names()]


def value(limit: Limit | None) -> str:
    """A number with its unit; a dash where the rule set has none."""
    return "-" if limit is None else f"{limit.value:g} {limit.unit}"


def profile_limits() -> list[str]:
    """The section of the profiles."""
    profiles = all_profiles()
    rows = []
    for field in dataclasses.fields(Profile):
        found = [getattr(profile, field.name) for profile in profiles]
        if all(isinstance(each, tuple) for each in found):
            cells = [", ".join(value(step) for step in each) or "-" for each in found]
        elif any(isinstance(each, Limit) for each in found):
            without = [getattr(p, _ONLY_WITH.get(field.name, "active_from")) is None for p in profiles]
            cells = [value(None if no else limit) for limit, no in zip(found, without, strict=True)]
        elif isinstance(found[0], bool):
            cells = ["yes" if each else "no" for each in found]
        else:
            continue
        rows.append((f"`{field.name}`", *cells))
    return [
        "## Limits of the profiles",
        *doc(Profile)[:1],
        *doc(Profile)[2:],
        table(("limit", *(profile.name for profile in profiles)), rows),
    ]


def sources() -> list[str]:
    """The section of the sources."""
    used: set[Limit] = set()
    for profile in all_profiles():
        for field in dataclasses.fields(Profile):
            found = getattr(profile, field.name)
            used.update(each for each in (found if isinstance(found, tuple) else (found,)) if isinstance(each, Limit))
    used |= {
        limits.WARNING_SHORTEST, limits.UNSEEN_END_DISTRACTION, limits.UNSEEN_END_SLEEP, limits.DROWSY_FRESH,
        limits.DROWSY_SHOWN, limits.DROWSY_REPEAT, limits.ACTIVE_HYSTERESIS,
    }  # fmt: skip
    rows = [
        (f"`{name}`", value(limit), limit.confidence, limit.source)
        for name, limit in vars(limits).items()
        if isinstance(limit, Limit) and limit in used
    ]
    return [
        "## Where each number comes from",
        text(
            'After the documents named; conformity with none of them is claimed. Confidence: "A" several independent',
            'sources agree, "B" one careful source, "C" weak or general knowledge, "own" chosen here.',
        ),
        table(("limit", "value", "confidence", "source"), rows),
    ]
