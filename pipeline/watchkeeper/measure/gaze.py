"""Line of sight: eyeball direction in the head, corrected for this driver, put on the head's direction.

Sideways the iris is placed well. Up and down the network keeps it near the middle of the lids, so its excursion has to
be stretched; downwards the upper lid, which follows the gaze, is the second witness. Each alone is misled (a tired
lid hangs without a look down, iris noise is stretched too): the smaller of the two counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from watchkeeper.measure.eyes import EyeShape

# Fitted on rendered drives (13 clips, eyes open), checked on clips of people for sign and order only.
_IRIS_DOWN, _IRIS_UP = 4.5, 3.5  # degrees of gaze a degree of iris
_LID_DOWN_DEG = 110.0  # degrees of gaze for a lid gap fallen to nothing
_LID_SLACK = 0.02
_DOWN_SLACK_DEG = 4.0  # lids and iris of a look ahead wander this far together
_LIMIT_DOWN_DEG, _LIMIT_UP_DEG, _LIMIT_SIDE_DEG = 45.0, 30.0, 50.0

# Seen from the side, what the network calls the iris is a guess: on rendered heads turned by 40 degrees it lies
# 30 degrees beside the truth. From here to there the eyes lose their say and the direction of the head takes over.
_EYES_FROM_DEG, _EYES_TO_DEG = 22.0, 42.0
_HEAD_ALONE_STD_DEG = 9.0  # how far gaze and head lie apart when nothing is known of the eyes

# Eyes that cannot be seen may look anywhere within the 30 degrees that they turn: a direction that decides nothing.
_HIDDEN_STD_DEG = 8.0

_STD_DEG = 5.0
_STD_PER_DISAGREEMENT = 0.3  # degree for each degree the two witnesses differ
_STD_SIDEWAYS = 0.1  # degree for each degree the head is turned from the camera


@dataclass(frozen=True, slots=True)
class EyeGaze:
    """Where one eye points in the head frame, and one standard deviation of it."""

    yaw_deg: float
    pitch_deg: float
    std_deg: float


def eye_gaze(shape: EyeShape, neutral_yaw_deg: float, neutral_pitch_deg: float, lid_share: float) -> EyeGaze:
    """Direction of one open eye.

    neutral: what the iris shows when this driver looks straight ahead. lid_share: lid gap over the baseline.
    """
    yaw = max(-_LIMIT_SIDE_DEG, min(_LIMIT_SIDE_DEG, shape.yaw_deg - neutral_yaw_deg))
    iris = shape.pitch_deg - neutral_pitch_deg
    lid_down = _LID_DOWN_DEG * max(0.0, 1.0 - lid_share - _LID_SLACK)
    iris_down = _IRIS_DOWN * max(0.0, -iris)
    if iris > 0.0:
        # lids that hang half shut hide the iris's upper part: it seems to point up
        pitch = min(_IRIS_UP * iris * max(0.0, min(1.0, 1.0 - 3.0 * (1.0 - lid_share))), _LIMIT_UP_DEG)
    else:
        pitch = -max(0.0, min(lid_down, iris_down, _LIMIT_DOWN_DEG) - _DOWN_SLACK_DEG)
    return EyeGaze(yaw, pitch, _STD_DEG + _STD_PER_DISAGREEMENT * abs(lid_down - iris_down))


def combine(eyes: list[tuple[EyeGaze, float]], head_turn_deg: float) -> EyeGaze | None:
    """Both eyes' direction as one; each comes with its visibility 0..1. None when no eye is seen.

    head_turn_deg: angle between the face and the way to the camera.
    """
    weights = [visible * visible / (eye.std_deg * eye.std_deg) for eye, visible in eyes]
    total = sum(weights)
    if total <= 0.0:
        return None
    yaw = sum(w * eye.yaw_deg for w, (eye, _) in zip(weights, eyes, strict=True)) / total
    pitch = sum(w * eye.pitch_deg for w, (eye, _) in zip(weights, eyes, strict=True)) / total
    std = sum(w * eye.std_deg for w, (eye, _) in zip(weights, eyes, strict=True)) / total
    return EyeGaze(yaw, pitch, std + _STD_SIDEWAYS * abs(head_turn_deg) * math.sqrt(2.0 / max(len(eyes), 1)))


def towards_head(eyes: EyeGaze, head_turn_deg: float) -> EyeGaze:
    """`eyes` with as much say as they have on a head turned this far from the camera; the rest is the head's."""
    share = max(0.0, min(1.0, (_EYES_TO_DEG - abs(head_turn_deg)) / (_EYES_TO_DEG - _EYES_FROM_DEG)))
    std = math.hypot(eyes.std_deg, (1.0 - share) * _HEAD_ALONE_STD_DEG)
    return EyeGaze(share * eyes.yaw_deg, share * eyes.pitch_deg, std)


def head_alone(head_turn_deg: float) -> EyeGaze:
    """Nothing is known of the eyes: straight out of the face, and not sure."""
    return EyeGaze(0.0, 0.0, _HEAD_ALONE_STD_DEG + _HIDDEN_STD_DEG + _STD_SIDEWAYS * abs(head_turn_deg))
