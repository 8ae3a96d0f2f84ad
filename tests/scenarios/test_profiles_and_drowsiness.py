"""What each profile times, repeated glances, phone use, checks, and the sleepiness estimate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.board import load_board
from watchkeeper.cli import main
from watchkeeper.errors import BadInputError
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profile_file import resolve_profile
from watchkeeper.state.profiles import Profile, get_profile
from watchkeeper.types import DriverState, Eye, Gaze, Head, Measurement, Mouth, Phase, Phone, VehicleSignals

LAP, INFOTAINMENT, LEFT_MIRROR, AHEAD = (-8.0, -48.0), (-30.0, -18.0), (48.0, -8.0), (0.0, 0.0)
Stretch = tuple[float, dict[str, Any]]


def _play(profile: str | Profile, *stretches: Stretch, speed_kph: float = 80.0, fps: int = 30) -> list[DriverState]:
    chosen = get_profile(profile) if isinstance(profile, str) else profile
    machine, states, k = DriverStateMachine(chosen, load_board("host").cabin), [], 0
    for seconds, what in stretches:
        for _ in range(round(seconds * fps)):
            k += 1
            t_ns = k * 1_000_000_000 // fps
            look, lid = what.get("look", AHEAD), what.get("lid", 1.0)
            frame = Measurement(
                t_ns, k, head=Head(look[0] * 0.6, what.get("head_pitch", look[1] * 0.6), 0.0),
                gaze=None if what.get("hidden") else Gaze(*look),
                left_eye=None if what.get("hidden") else Eye(lid), right_eye=None if what.get("hidden") else Eye(lid),
                phone=Phone(what.get("phone", 0.0)), mouth=Mouth(what.get("mouth", 0.0)),
            )  # fmt: skip
            car = VehicleSignals(
                what.get("speed", speed_kph), turn_left=what.get("turn_left", False), turn_right=what.get("turn_right"),
                reverse=what.get("reverse", False), ignition=True,
            )  # fmt: skip
            states.append(machine.step(frame, car, t_ns))
    return states


def _onsets(states: list[DriverState]) -> list[tuple[Any, Any]]:
    return [(e.warning.label, e.t_ns / 1e9) for s in states for e in s.events if e.phase is Phase.ONSET]


@pytest.mark.parametrize(
    ("profile", "speed_kph", "look", "limit_s"),
    [
        ("euroncap-2023", 80, INFOTAINMENT, 3.0),
        ("euroncap-2026", 80, INFOTAINMENT, 3.5),
        ("eu-gsr", 60, LAP, 3.5),
        ("eu-gsr", 40, LAP, 6.0),
        ("r171", 12, INFOTAINMENT, 5.0),
    ],
)
def test_long_distraction_at_each_side_of_the_limit(
    profile: str, speed_kph: float, look: tuple[float, float], limit_s: float
) -> None:
    for seconds, warned in ((limit_s - 0.2, False), (limit_s + 0.2, True)):
        states = _play(profile, (3, {}), (seconds, {"look": look}), (3, {}), speed_kph=speed_kph)
        assert _onsets(states) == ([("LongDistraction", pytest.approx(3 + limit_s, abs=0.1))] if warned else [])


def test_area_3_leaves_infotainment_and_slow_driving_alone() -> None:
    assert _onsets(_play("eu-gsr", (3, {}), (20, {"look": INFOTAINMENT}))) == []
    assert _onsets(_play("eu-gsr", (3, {}), (20, {"look": LAP}), speed_kph=15)) == []


def test_hidden_eyes_have_the_allowance_of_the_rule() -> None:
    states = _play("eu-gsr", (3, {}), (6, {"look": LAP, "hidden": True, "head_pitch": -25.0}))
    assert _onsets(states) == [("LongDistraction", pytest.approx(3 + 3.5 + 1.5, abs=0.1))]


def test_r171_chain_and_2023_unanswered() -> None:
    levels = [(e.warning.label, e.t_ns / 1e9) for s in _play("r171", (2, {}), (25, {"look": LAP})) for e in s.events]
    assert [t for _, t in levels] == [pytest.approx(2 + t, abs=0.15) for t in (5, 8, 13, 23, 23)]
    assert levels[-1][0] == "Unresponsive"
    states = _play("euroncap-2023", (2, {}), (6.3, {"look": LAP}), (4, {}))
    assert _onsets(states)[1] == ("Unresponsive", pytest.approx(8.0, abs=0.1))
    assert states[-1].warning == 0


@pytest.mark.parametrize(("last_s", "warned"), [(1.8, False), (2.2, True)])
def test_repeated_glances(last_s: float, warned: bool) -> None:
    away: Stretch = (2.0, {"look": INFOTAINMENT})
    road: Stretch = (1.0, {})
    states = _play("euroncap-2026", (3, {}), *[away, road] * 4, (last_s, {"look": INFOTAINMENT}), (4, {}))
    assert _onsets(states) == ([("ShortDistraction", pytest.approx(3 + 12 + 2, abs=0.15))] if warned else [])
    assert states[-1].warning == 0


def test_two_seconds_ahead_begin_the_sum_anew_and_mirrors_have_a_free_second() -> None:
    away: Stretch = (2.0, {"look": INFOTAINMENT})
    assert _onsets(_play("euroncap-2026", (3, {}), *[away, (2.2, {})] * 8)) == []
    assert _onsets(_play("euroncap-2026", (3, {}), *[(0.9, {"look": LEFT_MIRROR}), (0.6, {})] * 20)) == []


def test_phone_use() -> None:
    held = {"phone": 0.9}
    assert _onsets(_play("euroncap-2026", (3, {}), (3.3, held), (3, {}))) == []
    states = _play("euroncap-2026", (3, {}), (3.7, held), (3, {}))
    assert _onsets(states) == [("PhoneUse", pytest.approx(6.5, abs=0.1))]
    assert states[-1].warning == 0
    assert _onsets(_play("eu-gsr", (3, {}), (10, held))) == []


def test_checks_with_indicator_are_no_distraction_for_some_seconds() -> None:
    shoulder = {"look": (80.0, -5.0)}
    assert _onsets(_play("euroncap-2026", (3, {}), (5, {**shoulder, "turn_left": True}), (3, {}))) == []
    assert len(_onsets(_play("euroncap-2026", (3, {}), (5, {**shoulder, "turn_right": True}), (3, {})))) == 1
    assert len(_onsets(_play("euroncap-2026", (3, {}), (9, {**shoulder, "turn_left": True})))) == 1
    assert _onsets(_play("euroncap-2026", (3, {}), (30, {**shoulder, "reverse": True}))) == []


def test_perclos_and_drowsiness() -> None:
    alert = _play("euroncap-2026", *[(3.4, {}), (0.2, {"lid": 0.0})] * 20, fps=15)
    assert (alert[-1].perclos_pct, alert[-1].sleepiness_kss) == (0.0, 3)
    sleepy: list[Stretch] = [(2.6, {}), (0.7, {"lid": 0.0})] * 30
    states = _play("euroncap-2026", *sleepy, (10, {}), fps=15)
    assert states[-200].perclos_pct == pytest.approx(20, abs=1.5)  # 10 of 49 frames
    assert states[-200].sleepiness_kss in (8, 9)
    assert [name for name, _ in _onsets(states)] == ["Drowsy"]
    assert states[-1].warning == 0
    slow = _play("euroncap-2026", *sleepy, speed_kph=45, fps=15)
    assert _onsets(slow) == []
    assert _onsets(_play("r171", *sleepy, fps=15)) == []


def test_drowsiness_is_told_while_it_is_to_be_seen() -> None:
    # Sleepy below the profile's speed; fast again only after the last closure is long over, and then one more comes.
    sleepy: list[Stretch] = [(2.6, {"speed": 45}), (0.7, {"lid": 0.0, "speed": 45})] * 24
    states = _play("euroncap-2026", *sleepy, (3, {"speed": 45}), (4, {}), (0.8, {"lid": 0.0}), (1, {}), fps=15)
    assert states[-80].sleepiness_kss in (8, 9)
    assert _onsets(states) == [("Drowsy", pytest.approx(24 * 49 / 15 + 7 + 0.6, abs=0.1))]


def test_unseen_time_is_in_neither_term_of_perclos() -> None:
    part: list[Stretch] = [(2.6, {}), (0.7, {"lid": 0.0})] * 12
    states = _play("euroncap-2026", *part, (60, {"hidden": True}), *part, fps=15)
    assert states[-1].perclos_pct == pytest.approx(20, abs=1.5)  # 10 of 49 frames
    assert states[len(states) // 2].perclos_pct is None


def test_yawns_alone_change_nothing() -> None:
    yawns: list[Stretch] = [(5, {"mouth": 0.9}), (5, {})]
    assert _play("euroncap-2026", *yawns * 8, fps=15)[-1].sleepiness_kss == 3


def test_a_hidden_face_freezes_a_running_warning() -> None:
    hidden = {"hidden": True, "head_pitch": float("nan")}
    states = _play("euroncap-2026", (3, {}), (4, {"look": LAP}), (8, hidden), (1, {"look": LAP}), (3, {}))
    assert [(e.warning.label, e.phase.value) for s in states for e in s.events] == [
        ("LongDistraction", "onset"),
        ("LongDistraction", "end"),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('base = "x"\n', r":1: base: expected one of .*r171"),
        ('base = "r171"\nnonsense = 1\n', r":2: nonsense: unknown field"),
        ('base = "r171"\nexperimental = 1\n', r":2: experimental: expected true or false"),
        ('base = "r171"\nlimits = 1\n', r":2: limits: expected a table"),
        ('base = "r171"\n[limits]\nlong_distracton = 1\n', r":3: limits.long_distracton: unknown limit; known are"),
        ('base = "r171"\n[limits]\nsleep = true\n', r":3: limits.sleep: expected a number from 0.2 to 120 s"),
        ('base = "r171"\n[limits]\nsleep = nan\n', r":3: limits.sleep: expected a number"),
        ('base = "r171"\n[limits]\n\nsleep = 3.1\n', r":4: limits.sleep: expected at most 3 s as in r171"),
        ('base = "r171"\n[limits]\nclear_sleep = 1.0\n', r":3: limits.clear_sleep: expected at least 2 s"),
        ('base = "r171"\n[limits]\nfast_from = 40\n', r":3: limits.fast_from: r171 has no bands of speed"),
        ('base = "r171"\n[limits]\nsleep = 1.0\n', r":3: limits.sleep: expected sleep \(1\) not below microsleep"),
        ('base = "r171\n', r":1: expected TOML"),
        ("base =", r"mine.toml: expected TOML: .*end of document"),
    ],
)
def test_a_bad_profile_file_is_told_by_line(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(BadInputError, match=problem):
        resolve_profile(str(file))


def test_profile_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        resolve_profile(str(tmp_path / "none.toml"))
    (tmp_path / "bad.toml").write_bytes(b"\xff")
    with pytest.raises(BadInputError, match="UTF-8"):
        resolve_profile(str(tmp_path / "bad.toml"))


def test_own_profile_is_judged_by_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('base = "euroncap-2026"\n[limits]\nlong_distraction = 3.0\n')
    profile = resolve_profile(str(file))
    assert (profile.name, profile.bus_name, profile.experimental) == ("mine", "euroncap-2026", False)
    assert _onsets(_play(profile, (3, {}), (3.2, {"look": LAP}), (2, {})))[0][1] == pytest.approx(6.0, abs=0.1)
    file.write_text('base = "r171"\nexperimental = true\n[limits]\nlong_distraction = 9\ndrowsy = 8\n')
    assert resolve_profile(str(file)).bus_name == "experimental"
    assert replace(resolve_profile(str(file)), experimental=False).bus_name == "r171"
    assert main(["config", "validate", str(file)]) == 0
    out = capsys.readouterr().out
    assert "EXPERIMENTAL" in out
    assert "long_distraction = 9 s (r171: 5), laxer" in out
    assert main(["config", "validate", str(file), "--json"]) == 0
    assert '"experimental": true' in capsys.readouterr().out
