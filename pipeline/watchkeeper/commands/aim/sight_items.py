"""How the face is seen: picture, face, eyes, lids, light. Pure."""

from __future__ import annotations

from watchkeeper.commands.aim.verdict import Item, Verdict, at_least, item, worst
from watchkeeper.commands.aim.window import Window
from watchkeeper.state import limits

FACE_PASS, FACE_WARN = 0.9, 0.5  # share of the pictures
# Lids of the rendered drive, and all of its events, are told right down to eyes 9 px wide; it has no noise and no blur:
# so about twice that.
EYE_PASS_PX, EYE_WARN_PX = 24.0, 16.0
OPEN_PASS_PX, OPEN_WARN_PX = 5.0, 3.0
OPEN_SHARE = 0.15  # of the width: less is an eye that is not open
SEEN_PASS, SEEN_WARN = 0.8, 0.5
FACE_DARK_WARN, FACE_DARK_FAIL = 50.0, 25.0  # median grey level; the exposure control aims at 110
FACE_BRIGHT_WARN, FACE_BRIGHT_FAIL = 190.0, 230.0
SHINE = 250.0  # 95th percentile at the end of the scale
CONTRAST_WARN = 40.0  # between 5th and 95th percentile


def picture_items(window: Window) -> list[Item]:
    """Whether there is a picture, and a face in it."""
    return [_picture(window), _face(window)]


def sight_items(window: Window) -> list[Item]:
    """Eyes, lids, light."""
    return [_eyes(window), _lids(window), _light(window)]


def _picture(window: Window) -> Item:
    newest = window.newest
    if newest is None:
        return Item("picture", Verdict.UNKNOWN, "none yet", "wait; without a picture in 20 s run `watchkeeper doctor`")
    covered = window.median("picture_covered")
    if covered is not None and covered >= limits.COVERED_SHARE.value:
        return Item("picture", Verdict.FAIL, "one blurred tone", "take the cover off the lens, clean it")
    return Item("picture", Verdict.PASS, f"{newest.width_px} x {newest.height_px}")


def _face(window: Window) -> Item:
    share = window.face_share
    if share is None:
        return Item("face", Verdict.UNKNOWN, "not looked for yet")
    verdict = at_least(share, FACE_PASS, FACE_WARN)
    action = "sit as for driving and look ahead; nothing may be before the lens; see `light`"
    return Item(
        "face",
        verdict,
        f"in {share:.0%} of the pictures it was looked for in",
        "" if verdict is Verdict.PASS else action,
    )


def _eyes(window: Window) -> Item:
    def of(px: float) -> tuple[Verdict, str, str]:
        seen = window.median("eyes_seen") or 0.0
        size, sight = at_least(px, EYE_PASS_PX, EYE_WARN_PX), at_least(seen, SEEN_PASS, SEEN_WARN)
        worse = worst((size, sight))
        action = (
            "take glasses or hands off the eyes; see `camera aside`"
            if size is Verdict.PASS
            else "mount nearer, or take a longer lens or a larger picture"
        )
        return worse, f"{px:.0f} px wide, seen {seen:.0%}", action

    return item("eyes", window.median("eye_width_px"), of)


def _lids(window: Window) -> Item:
    def of(px: float) -> tuple[Verdict, str, str]:
        width = window.median("eye_width_px") or 0.0
        if px < OPEN_SHARE * width:
            return Verdict.WARN, f"{px:.1f} px apart", "look ahead with open eyes"
        action = "mount nearer, or take a longer lens or a larger picture"
        return at_least(px, OPEN_PASS_PX, OPEN_WARN_PX), f"{px:.1f} px apart", action

    return item("lids", window.median("lid_opening_px"), of)


def _light(window: Window) -> Item:
    mean, saturated = window.median("picture_grey_mean"), window.median("picture_saturated")
    if mean is not None and mean < limits.DARK_MEAN.value:
        action = "too dark: switch the infrared light on, expose longer"
        return Item("light", Verdict.FAIL, f"picture at level {mean:.0f} of 255", action)
    if saturated is not None and saturated >= limits.BRIGHT_SHARE.value:
        return Item("light", Verdict.FAIL, f"{saturated:.0%} of the picture is white", "too bright: expose shorter")

    def of(level: float) -> tuple[Verdict, str, str]:
        low, high = window.median("face_grey_low") or 0.0, window.median("face_grey_high") or 0.0
        found = f"face at level {level:.0f} of 255, from {low:.0f} to {high:.0f}"
        if level < FACE_DARK_WARN:
            verdict = Verdict.WARN if level >= FACE_DARK_FAIL else Verdict.FAIL
            return verdict, found, "too dark: more infrared light on the face, or expose longer"
        if level > FACE_BRIGHT_WARN or high >= SHINE:
            verdict = Verdict.WARN if level <= FACE_BRIGHT_FAIL else Verdict.FAIL
            return verdict, found, "too bright: less light on the face, or expose shorter"
        flat = high - low < CONTRAST_WARN
        return Verdict.WARN if flat else Verdict.PASS, found, "flat: keep light off the lens, clean it"

    return item("light", window.median("face_grey_median"), of)
