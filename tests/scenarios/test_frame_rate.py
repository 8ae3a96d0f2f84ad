"""Whatever a driver does, twice the frames change when he is warned by less than one frame."""

from __future__ import annotations

from itertools import combinations

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from watchkeeper.board import load_board
from watchkeeper.scenarios import CameraModel, Judged, judge, parse_scenario
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile

CABIN = load_board("host").cabin
_spells = st.lists(
    # what, how long, how long ahead before it: in 0.1 s. An odd twentieth of a second is added, off the frames of every
    # rate; 2 and 3 of five would end a spell within a frame of a limit (all lie at half seconds), where the slower
    # camera may have no frame left to be warned at.
    st.tuples(
        st.sampled_from(["gaze lap", "gaze infotainment", "lids closed"]),
        st.integers(6, 90).filter(lambda tenths: tenths % 5 not in (2, 3)),
        st.integers(26, 60),
    ),
    min_size=1,
    max_size=4,
)


def _judged(text: str, fps: float) -> Judged:
    machine = DriverStateMachine(get_profile("euroncap-2026"), CABIN)
    return judge(parse_scenario(text, "drive", {}), machine, CameraModel(fps=fps))


def _adds_up_to_a_limit(spells: list[tuple[str, int, int]]) -> bool:
    """Looks away that come within a frame or two a spell of the 10 s of short distraction, which adds them up."""
    looks_s = [tenths / 10 + 0.25 for what, tenths, _ in spells if what.startswith("gaze")]
    return any(abs(sum(some) - 10.0) < 0.1 * n for n in range(2, 5) for some in combinations(looks_s, n))


@given(_spells, st.sampled_from([15, 30]))
@example([("lids closed", 60, 26)], 15)
@settings(max_examples=40, deadline=None)
def test_twice_the_frames_move_an_onset_by_less_than_one(spells: list[tuple[str, int, int]], fps: int) -> None:
    assume(not _adds_up_to_a_limit(spells))
    at_s, lines = 5.05, []
    for what, tenths, ahead_tenths in spells:
        lines.append(f"at {at_s:.3f} s: {what} for {tenths / 10 + 0.25:.3f} s")
        at_s += tenths / 10 + ahead_tenths / 10 + 0.25
    text = "\n".join([*lines, f"end at {at_s + 3:.3f} s"])
    slow, fast = _judged(text, fps), _judged(text, 2 * fps)
    assert [(e.warning, e.phase, e.level) for e in slow.events] == [(e.warning, e.phase, e.level) for e in fast.events]
    for a, b in zip(slow.events, fast.events, strict=True):
        assert abs(a.t_ns - b.t_ns) < 1e9 / fps, (text, a, b)
