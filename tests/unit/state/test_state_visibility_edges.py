"""Why the driver cannot be judged, by the nanosecond: when each cause is told and over, and which is first."""

from __future__ import annotations

import pytest

from watchkeeper.state.visibility import Visibility
from watchkeeper.types import Cause, EyeState, Face, Head, ImageQuality, Measurement, Presence

S, MS = 1_000_000_000, 1_000_000
T0 = 7 * S
FACE = Face(1.0, (0.0, 0.0, 100.0, 100.0))

# What a frame shows: the eyes, no face, hidden eyes, a picture that is bad, or nothing that says anything.
SEEN, NO_FACE, HIDDEN, COVERED, DARK, BRIGHT, NOTHING = (
    "seen",
    "no face",
    "hidden",
    "covered",
    "dark",
    "bright",
    "nothing",
)
CAUSES = {
    NO_FACE: Cause.NO_FACE, HIDDEN: Cause.EYES_HIDDEN, COVERED: Cause.CAMERA_COVERED, DARK: Cause.TOO_DARK,
    BRIGHT: Cause.TOO_BRIGHT,
}  # fmt: skip
AFTER_NS = {NO_FACE: 1500 * MS, HIDDEN: 1500 * MS, COVERED: S, DARK: 1500 * MS, BRIGHT: 1500 * MS}
IMAGES = {
    COVERED: ImageQuality(60.0, 0.0, 1.0), DARK: ImageQuality(3.0, 0.0, 0.0), BRIGHT: ImageQuality(200.0, 0.9, 0.0),
}  # fmt: skip


class Watched:
    """Frames by what they show; times count from T0."""

    def __init__(self) -> None:
        self.visibility = Visibility()

    def at(self, t_ns: int, shows: str) -> Watched:
        eye = EyeState.OPEN if shows == SEEN else EyeState.UNKNOWN
        m = Measurement(
            T0 + t_ns,
            face=FACE if shows in (SEEN, HIDDEN) else None,
            image=IMAGES.get(shows),
            face_searched=shows not in (SEEN, HIDDEN, NOTHING),
        )
        self.visibility.step(m, eye, eye, T0 + t_ns)
        return self

    def run(self, from_ns: int, to_ns: int, *shows: str) -> Watched:
        """A frame every 100 ms, both ends included, of these in turn."""
        for k, t_ns in enumerate(range(from_ns, to_ns + 1, 100 * MS)):
            self.at(t_ns, shows[k % len(shows)])
        return self

    @property
    def cause(self) -> Cause:
        return self.visibility.cause

    @property
    def presence(self) -> Presence:
        return self.visibility.presence


@pytest.mark.parametrize("shows", CAUSES)
def test_a_cause_is_told_at_the_frame_nearest_to_its_time(shows: str) -> None:
    # a last frame after x: its time and half of x are counted, and both together are the 100 ms that are left
    last_ns = AFTER_NS[shows] - 100 * MS
    assert Watched().run(0, last_ns, shows).at(last_ns + 66_666_666, shows).cause is Cause.NONE
    assert Watched().run(0, last_ns, shows).at(last_ns + 66_666_667, shows).cause is CAUSES[shows]


def test_no_frame_speaks_for_more_than_fifty_milliseconds_beyond_it() -> None:
    watched = Watched().at(0, COVERED)
    for t_ns in range(100 * MS, 901 * MS, 200 * MS):
        watched.at(t_ns, COVERED)
    assert watched.cause is Cause.NONE, "900 ms and 50 ms"
    assert watched.at(967 * MS, COVERED).cause is Cause.CAMERA_COVERED, "967 ms and half of 67 ms"


def test_a_gap_between_frames_counts_half_a_second() -> None:
    watched = Watched().at(0, COVERED).at(10 * S, COVERED)
    assert watched.cause is Cause.NONE
    assert watched.at(10 * S + 300 * MS - 1, COVERED).at(10 * S + 449 * MS, COVERED).cause is Cause.NONE
    assert watched.at(10 * S + 500 * MS, COVERED).cause is Cause.CAMERA_COVERED


def test_a_step_without_a_frame_changes_nothing() -> None:
    watched = Watched().run(0, S, COVERED)
    watched.visibility.step(None, EyeState.UNKNOWN, EyeState.UNKNOWN, T0 + 60 * S)
    assert (watched.cause, watched.presence) == (Cause.CAMERA_COVERED, Presence.UNKNOWN)


@pytest.mark.parametrize("shows", CAUSES)
def test_it_began_half_way_between_the_last_frame_without_and_the_first_with_it(shows: str) -> None:
    # 50 ms at 1.1 s, and half of the last 100 ms beyond that frame
    told_ns = S + AFTER_NS[shows]
    watched = Watched().run(0, S, SEEN).run(1100 * MS, told_ns - 200 * MS, shows)
    assert watched.at(told_ns - 100 * MS - 1, shows).at(told_ns - 1, shows).cause is Cause.NONE
    watched = Watched().run(0, S, SEEN).run(1100 * MS, told_ns - 100 * MS, shows)
    assert watched.cause is Cause.NONE
    assert watched.at(told_ns, shows).cause is CAUSES[shows]


@pytest.mark.parametrize("shows", CAUSES)
def test_it_is_over_half_a_second_after_the_driver_is_seen_again(shows: str) -> None:
    watched = Watched().run(0, 5 * S, shows).run(5100 * MS, 5500 * MS, SEEN)
    assert watched.cause is CAUSES[shows]
    assert watched.at(5600 * MS, SEEN).cause is Cause.NONE


def test_a_cause_that_was_told_just_now_is_over_as_soon_as_it_was_told_late() -> None:
    # held 1.2 s: 1.15 s at 1.3 s, and of the next frame its time and half of it are taken
    watched = Watched().run(0, 1200 * MS, COVERED).at(1300 * MS, SEEN)
    assert watched.at(1400 * MS, SEEN).cause is Cause.CAMERA_COVERED
    watched = Watched().run(0, 1200 * MS, COVERED).at(1300 * MS, SEEN)
    assert watched.at(1400 * MS + 1, SEEN).cause is Cause.NONE


def test_however_long_it_held_half_a_second_is_taken_off() -> None:
    # before blindness as such is told for long: 1.6 s are 1.5 s, 1.05 s of them are left at 2.1 s
    watched = Watched().run(0, 1600 * MS, COVERED).run(1700 * MS, 2100 * MS, SEEN)
    assert watched.cause is Cause.CAMERA_COVERED
    assert watched.at(2200 * MS, SEEN).cause is Cause.NONE


def test_frames_that_say_nothing_do_not_end_a_cause() -> None:
    watched = Watched().run(0, 3 * S, COVERED).run(3100 * MS, 9 * S, NOTHING)
    assert (watched.cause, watched.presence) == (Cause.CAMERA_COVERED, Presence.UNKNOWN)


def test_of_two_causes_the_one_that_held_longest_is_told_while_they_change() -> None:
    watched = Watched().run(0, 5 * S, COVERED).run(5100 * MS, 5800 * MS, HIDDEN)
    assert watched.cause is Cause.CAMERA_COVERED, "750 ms each, and the more certain of the two"
    assert watched.at(5900 * MS, HIDDEN).cause is Cause.EYES_HIDDEN


# --- now this, now that -----------------------------------------------------------------------------------------------


def test_causes_in_turn_are_told_together_after_a_second_and_a_half() -> None:
    watched = Watched().run(0, 1400 * MS, NO_FACE, HIDDEN)
    assert watched.at(1500 * MS - 1, HIDDEN).cause is Cause.NONE
    assert Watched().run(0, 1500 * MS, NO_FACE, HIDDEN).cause is Cause.EYES_HIDDEN, "which held longest"
    assert Watched().run(0, 1600 * MS, NO_FACE, HIDDEN).cause is Cause.NO_FACE


def test_blindness_begins_half_way_between_two_frames() -> None:
    watched = Watched().run(0, S, SEEN).run(1100 * MS, 2500 * MS, NO_FACE, HIDDEN)
    assert watched.cause is Cause.NONE
    assert watched.at(2550 * MS - 1, HIDDEN).cause is Cause.NONE
    watched = Watched().run(0, S, SEEN).run(1100 * MS, 2500 * MS, NO_FACE, HIDDEN)
    assert watched.at(2550 * MS, HIDDEN).cause in (Cause.NO_FACE, Cause.EYES_HIDDEN)


def test_frames_that_say_nothing_are_no_sight_and_no_blindness() -> None:
    watched = Watched().run(0, 1400 * MS, NO_FACE, HIDDEN).run(1500 * MS, 5 * S, NOTHING)
    assert watched.cause is Cause.NONE
    # sight went somewhere between that frame and this one: 50 ms; 1.45 s in all, and 50 ms more
    assert watched.at(5100 * MS, NO_FACE).cause is Cause.NONE
    assert watched.at(5150 * MS - 1, HIDDEN).cause is Cause.NONE
    assert watched.at(5150 * MS, NO_FACE).cause is not Cause.NONE


def test_sight_weighs_against_blindness_and_ends_it_after_half_a_second() -> None:
    watched = Watched().run(0, 20 * S, NO_FACE, HIDDEN).run(20_100 * MS, 20_500 * MS, SEEN)
    told = [watched.at(t_ns, SEEN).cause is not Cause.NONE for t_ns in (20_550 * MS, 20_550 * MS + 1)]
    assert told == [True, False], "1.55 s were left of 2 s at 20.5 s"


def test_a_while_of_sight_counts_for_no_more_than_none() -> None:
    watched = Watched().run(0, 20 * S, NO_FACE, HIDDEN).run(20_100 * MS, 40 * S, SEEN)
    watched.run(40_100 * MS, 41_500 * MS, NO_FACE, HIDDEN)
    assert watched.cause is Cause.NONE
    assert watched.at(41_550 * MS - 1, HIDDEN).cause is Cause.NONE
    assert watched.at(41_550 * MS, NO_FACE).cause is not Cause.NONE


# --- frames that say nothing of a driver ------------------------------------------------------------------------------


def test_frames_that_say_nothing_are_told_as_no_face_after_eight_seconds() -> None:
    watched = Watched().run(0, 7900 * MS, NOTHING)
    assert watched.cause is Cause.NONE
    assert watched.at(8 * S - 1, NOTHING).cause is Cause.NONE
    assert (watched.at(8 * S, NOTHING).cause, watched.presence) == (Cause.NO_FACE, Presence.UNKNOWN)
    assert watched.at(8100 * MS, SEEN).cause is Cause.NONE
    # anew from half way after the frame that said something: 50 ms at 8.2 s
    watched.run(8200 * MS, 16 * S, NOTHING)
    assert watched.at(16_150 * MS - 1, NOTHING).cause is Cause.NONE
    assert watched.at(16_150 * MS, NOTHING).cause is Cause.NO_FACE


# --- one frame --------------------------------------------------------------------------------------------------------


def _told(m: Measurement, left: EyeState, right: EyeState) -> tuple[Cause, Presence]:
    """What two seconds of such frames are told as."""
    visibility = Visibility()
    for k in range(21):
        visibility.step(m, left, right, T0 + k * 100 * MS)
    return visibility.cause, visibility.presence


OPEN, SHUT, UNKNOWN = EyeState.OPEN, EyeState.CLOSED, EyeState.UNKNOWN
HEAD, BOX = Head(0.0, 0.0, 0.0), (0.0, 0.0, 100.0, 100.0)


@pytest.mark.parametrize(("left", "right"), [(OPEN, UNKNOWN), (UNKNOWN, SHUT), (SHUT, OPEN)])
@pytest.mark.parametrize("face", [None, FACE])
def test_one_eye_is_enough_with_a_face_or_without_word_of_one(
    left: EyeState, right: EyeState, face: Face | None
) -> None:
    assert _told(Measurement(T0, face=face), left, right) == (Cause.NONE, Presence.PRESENT)


def test_a_face_is_there_from_half_a_probability_on() -> None:
    assert _told(Measurement(T0, face=Face(0.5, BOX)), OPEN, OPEN) == (Cause.NONE, Presence.PRESENT)
    weak = Measurement(T0, face=Face(0.49, BOX), head=HEAD)
    assert _told(weak, OPEN, OPEN) == (Cause.NO_FACE, Presence.ABSENT)
    assert _told(weak, UNKNOWN, UNKNOWN) == (Cause.NO_FACE, Presence.ABSENT)


def test_a_head_without_eyes_is_a_driver_whose_eyes_are_hidden() -> None:
    assert _told(Measurement(T0, head=HEAD), UNKNOWN, UNKNOWN) == (Cause.EYES_HIDDEN, Presence.PRESENT)
    assert _told(Measurement(T0, face=FACE), UNKNOWN, UNKNOWN) == (Cause.EYES_HIDDEN, Presence.PRESENT)


@pytest.mark.parametrize(
    ("image", "cause"),
    [
        (ImageQuality(11.99, 0.0, 0.0), Cause.TOO_DARK),
        (ImageQuality(12.0, 0.0, 0.0), Cause.NO_FACE),
        (ImageQuality(60.0, 0.0, 0.7), Cause.CAMERA_COVERED),
        (ImageQuality(60.0, 0.0, 0.69), Cause.NO_FACE),
        (ImageQuality(200.0, 0.5, 0.0), Cause.TOO_BRIGHT),
        (ImageQuality(200.0, 0.49, 0.0), Cause.NO_FACE),
    ],
)
def test_a_bad_picture_says_why_there_is_no_face(image: ImageQuality, cause: Cause) -> None:
    told = _told(Measurement(T0, image=image, face_searched=True), UNKNOWN, UNKNOWN)
    assert told == (cause, Presence.ABSENT if cause is Cause.NO_FACE else Presence.UNKNOWN)


def test_a_bad_picture_in_which_all_is_seen_is_good_enough() -> None:
    image = ImageQuality(3.0, 0.9, 0.9)
    assert _told(Measurement(T0, face=FACE, image=image), OPEN, OPEN) == (Cause.NONE, Presence.PRESENT)
    assert _told(Measurement(T0, face=FACE, image=image), UNKNOWN, UNKNOWN) == (Cause.TOO_DARK, Presence.PRESENT)


# --- is a driver there ------------------------------------------------------------------------------------------------


def test_presence_is_not_said_before_the_first_frame_and_unknown_until_a_face_was_found_or_missed() -> None:
    watched = Watched()
    assert (watched.cause, watched.presence) == (Cause.NONE, Presence.NOT_AVAILABLE)
    assert watched.at(0, NO_FACE).presence is Presence.UNKNOWN
    assert watched.at(100 * MS, SEEN).presence is Presence.PRESENT
    assert watched.at(200 * MS, NO_FACE).presence is Presence.PRESENT, "one frame without a face is no empty seat"
    assert watched.at(300 * MS, NOTHING).presence is Presence.PRESENT
    assert watched.run(400 * MS, 3 * S, NO_FACE).presence is Presence.ABSENT
    assert watched.at(3100 * MS, NOTHING).presence is Presence.UNKNOWN
    assert watched.at(3200 * MS, COVERED).presence is Presence.UNKNOWN
    assert watched.at(3300 * MS, NO_FACE).presence is Presence.ABSENT
