"""What can happen in a scenario: each action's words and the tracks it sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from watchkeeper.scenarios.model import Track, Value
from watchkeeper.scenarios.tokens import SyntaxProblemError, Words

Setting = tuple[Track, Value]

# Directions of left-hand drive, degrees: what the driver looks at, not the limits of a zone.
PLACES: dict[str, tuple[float, float]] = {
    "ahead": (0.0, 0.0),
    "windscreen": (-20.0, 5.0),
    "cluster": (0.0, -17.0),
    "infotainment": (-30.0, -18.0),
    "interior_mirror": (-38.0, 9.0),
    "left_mirror": (48.0, -8.0),
    "right_mirror": (-62.0, -8.0),
    "left_window": (75.0, -5.0),
    "right_window": (-85.0, -5.0),
    "passenger": (-55.0, -3.0),
    "lap": (-8.0, -48.0),
    "console": (-25.0, -38.0),
    "roof": (0.0, 32.0),
}
# How much of a look the head does by itself: more sideways than up and down.
_HEAD_YAW_SHARE, _HEAD_PITCH_SHARE = 0.6, 0.5
_BLINK_NS = 200_000_000
_CLOSED, _HIDDEN, _SEEN = 0.0, 0.1, 0.99
_COVERED, _DARK, _BRIGHT = (20.0, 0.0, 1.0), (3.0, 0.0, 0.0), (240.0, 0.9, 0.0)
_FLAGS = {"on": 1.0, "off": 0.0}


def _gaze(words: Words) -> list[Setting]:
    """`gaze PLACE|YAW PITCH [by eyes|by head]`, `gaze unknown`."""
    if words.take("unknown"):
        return [(Track.GAZE, None)]
    if words.number_next:
        yaw, pitch = words.number("yaw in degrees", -180, 180), words.number("pitch in degrees", -90, 90)
    else:
        yaw, pitch = PLACES[words.one_of("a place or two angles", PLACES)]
    gaze: Setting = (Track.GAZE, (yaw, pitch))
    if not words.take("by"):
        return [gaze, (Track.HEAD, (yaw * _HEAD_YAW_SHARE, pitch * _HEAD_PITCH_SHARE, 0.0))]
    if words.one_of("what turns", ("eyes", "head")) == "head":
        return [gaze, (Track.HEAD, (yaw, pitch, 0.0))]
    return [gaze]


def _head(words: Words) -> list[Setting]:
    """`head YAW PITCH [ROLL]`, `head unknown`."""
    if words.take("unknown"):
        return [(Track.HEAD, None)]
    yaw, pitch = words.number("yaw in degrees", -180, 180), words.number("pitch in degrees", -90, 90)
    return [(Track.HEAD, (yaw, pitch, words.number("roll in degrees", -180, 180) if words.number_next else 0.0))]


def _lids(words: Words) -> list[Setting]:
    """`lids closed|open|unknown|OPENING [OPENING OF THE RIGHT EYE]`."""
    for word, value in (("closed", (_CLOSED, _CLOSED)), ("open", (1.0, 1.0)), ("unknown", None)):
        if words.take(word):
            return [(Track.LIDS, value)]
    left = words.number("closed, open, unknown or an opening", 0, 2)
    return [(Track.LIDS, (left, words.number("an opening", 0, 2) if words.number_next else left))]


def _eyes(words: Words) -> list[Setting]:
    """`eyes hidden|visible|P_LEFT P_RIGHT`; without either eye there is no gaze."""
    if words.take("hidden"):
        return [(Track.VISIBLE, (_HIDDEN, _HIDDEN)), (Track.GAZE, None)]
    if words.take("visible"):
        return [(Track.VISIBLE, (_SEEN, _SEEN))]
    return [(Track.VISIBLE, (words.number("hidden, visible or a probability", 0, 1), words.number("a second", 0, 1)))]


def _face(words: Words) -> list[Setting]:
    """`face hidden|unknown|visible`, `face box X Y W H`."""
    if words.take("box"):
        x, y = words.number("x in px", -1e5, 1e5), words.number("y in px", -1e5, 1e5)
        return [(Track.BOX, (x, y, words.number("width in px", 0, 1e5), words.number("height in px", 0, 1e5)))]
    word = words.one_of("what the face is", ("hidden", "unknown", "visible", "box"))
    return [(Track.FACE, None if word == "unknown" else (1.0 if word == "visible" else 0.0,))]


def _camera(words: Words) -> list[Setting]:
    """`camera covered`: nothing is seen."""
    words.need("covered")
    return [(Track.IMAGE, _COVERED), (Track.FACE, (0.0,))]


def _light(words: Words) -> list[Setting]:
    """`light dark|bright|normal`: too little or too much to find a face."""
    word = words.one_of("how the light is", ("dark", "bright", "normal"))
    if word == "normal":
        return [(Track.IMAGE, Track.IMAGE.default), (Track.FACE, (1.0,))]
    return [(Track.IMAGE, _DARK if word == "dark" else _BRIGHT), (Track.FACE, (0.0,))]


def _image(words: Words) -> list[Setting]:
    """`image MEAN SATURATED COVERED`, `image unknown`: the picture alone, the face stays seen."""
    if words.take("unknown"):
        return [(Track.IMAGE, None)]
    mean = words.number("mean grey level", 0, 255)
    return [(Track.IMAGE, (mean, words.number("saturated share", 0, 1), words.number("covered share", 0, 1)))]


def _mouth(words: Words) -> list[Setting]:
    """`mouth OPENING`, `mouth unknown`."""
    if words.take("unknown"):
        return [(Track.MOUTH, None)]
    return [(Track.MOUTH, (words.number("an opening", 0, 2), 0.0, 0.0))]


def _indicator(words: Words) -> list[Setting]:
    """`indicator left|right|both|off`."""
    side = words.one_of("a side", ("left", "right", "both", "off"))
    return [(Track.INDICATOR, (float(side in ("left", "both")), float(side in ("right", "both"))))]


def _flag(track: Track, known: dict[str, float] = _FLAGS) -> Callable[[Words], list[Setting]]:
    return lambda words: [(track, (known[words.one_of(f"what {track.label} is", known)],))]


def _amount(track: Track, low: float, high: float) -> Callable[[Words], list[Setting]]:
    def read(words: Words) -> list[Setting]:
        if words.take("unknown"):
            return [(track, None)]
        return [(track, (words.number(f"unknown or the {track.label}", low, high),))]

    return read


def _fixed(*settings: Setting) -> Callable[[Words], list[Setting]]:
    return lambda words: list(settings)


ACTIONS: dict[str, Callable[[Words], Sequence[Setting]]] = {
    "gaze": _gaze,
    "head": _head,
    "lids": _lids,
    "blink": _fixed((Track.LIDS, (_CLOSED, _CLOSED))),
    "eyes": _eyes,
    "glasses": _flag(Track.GLASSES),
    "face": _face,
    "camera": _camera,
    "light": _light,
    "image": _image,
    "mouth": _mouth,
    "talk": _fixed((Track.MOUTH, (0.15, 0.12, 4.0))),
    "yawn": _fixed((Track.MOUTH, (0.9, 0.0, 0.0))),
    "phone": _amount(Track.PHONE, 0.0, 1.0),
    "frames": _flag(Track.FRAMES, {"none": 0.0, "all": 1.0}),
    "speed": _amount(Track.SPEED, -400.0, 655.0),
    "steering": _amount(Track.STEERING, -2000.0, 2000.0),
    "indicator": _indicator,
    "reverse": _flag(Track.REVERSE),
    "ignition": _flag(Track.IGNITION),
    "acknowledge": _fixed((Track.ACKNOWLEDGE, (1.0,))),
    "vehicle": _flag(Track.VEHICLE, {"silent": 0.0, "speaks": 1.0}),
}
# Actions that last this long when no time is said.
_LASTS_NS = {"blink": _BLINK_NS, "yawn": 6_000_000_000, "acknowledge": 200_000_000}


def read_action(words: Words) -> tuple[Sequence[Setting], int | None]:
    """The settings of the next action and how long they last (None: until something else holds)."""
    name = words.one_of("an action", ACTIONS)
    settings = ACTIONS[name](words)
    if words.take("for"):
        lasts_ns = words.time_ns("how long")
        if lasts_ns == 0:
            raise SyntaxProblemError("expected to last longer than 0 s")
        return settings, lasts_ns
    return settings, _LASTS_NS.get(name)
