"""The language: what it makes, and its errors to the line."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from watchkeeper.cli import main
from watchkeeper.errors import BadInputError
from watchkeeper.measurement_trace import read_trace
from watchkeeper.scenarios import CameraModel, parse_scenario, sample
from watchkeeper.scenarios.model import Action, Track
from watchkeeper.scenarios.sampling import Row
from watchkeeper.scenarios.tracks import Tracks

S = 1_000_000_000


def _rows(text: str, camera: CameraModel | None = None) -> list[Row]:
    return list(sample(parse_scenario(text, "drive", {}), camera))


def test_an_action_holds_for_its_time_and_the_last_begun_holds() -> None:
    rows = _rows(
        "at 8 s: gaze lap for 4 s; speed 50\nat 9 s: gaze left_mirror for 1 s\nat 20 s: speed unknown\nend at 22 s"
    )
    at = {m.t_ns / S: (m, v) for m, v in rows if m.t_ns % S == 0}

    def gaze(t_s: float) -> tuple[float, float] | None:
        g = at[t_s][0].gaze
        return (g.yaw_deg, g.pitch_deg) if g else None

    assert [gaze(t) for t in (7, 8, 9, 10, 12)] == [(0, 0), (-8, -48), (48, -8), (-8, -48), (0, 0)]
    speeds = [v.speed_kph for _, v in (at[7], at[8], at[19], at[21]) if v is not None]
    assert speeds == [80.0, 50.0, 50.0, None]


def test_tracks_hold_what_a_slow_look_through_all_actions_says() -> None:
    rng = random.Random(3)
    for _ in range(50):
        actions = []
        for k in range(30):
            start = rng.randrange(50)
            end = None if rng.random() < 0.2 else start + rng.randrange(1, 20)
            actions.append(Action(rng.choice([Track.SPEED, Track.PHONE]), (float(k),), start, end))
        tracks = Tracks(actions)
        for t in range(70):
            tracks.move_to(t)
            for track in (Track.SPEED, Track.PHONE):
                running = [
                    (a.start_ns, k)
                    for k, a in enumerate(actions)
                    if a.track is track and a.start_ns <= t and (a.end_ns is None or t < a.end_ns)
                ]
                assert tracks[track] == (actions[max(running)[1]].value if running else track.default)


def test_what_hides_the_driver() -> None:
    text = (
        "at 1 s: eyes hidden for 1 s\nat 2 s: face hidden for 1 s\nat 3 s: camera covered for 1 s\n"
        "at 4 s: frames none for 1 s\nat 5 s: lids unknown for 1 s\nat 6 s: face unknown for 1 s\nend at 7 s"
    )
    by_second: dict[int, list[Row]] = {}
    for row in _rows(text):
        by_second.setdefault(row[0].t_ns // S, []).append(row)
    assert sorted(by_second) == [0, 1, 2, 3, 5, 6]
    eyes, face, camera, lids, nothing = (by_second[k][5][0] for k in (1, 2, 3, 5, 6))
    assert eyes.gaze is None
    assert eyes.left_eye is not None
    assert (eyes.left_eye.p_visible or 1) < 0.5
    assert (face.face, face.face_searched, face.head) == (None, True, None)
    assert camera.image is not None
    assert camera.image.covered == 1.0
    assert (lids.left_eye, lids.right_eye) == (None, None)
    assert (nothing.face, nothing.face_searched) == (None, False)


def test_glasses_raise_what_closed_eyes_read() -> None:
    rows = _rows("readings bare 0.05 glasses 0.3\nat 1 s: glasses on\nevery 1 s from 0.5 s to 1.5 s: blink\nend at 2 s")
    closed = {round(m.left_eye.open or 0, 3) for m, _ in rows if m.left_eye and (m.left_eye.open or 0) < 0.9}
    assert closed == {0.05, 0.3}


@pytest.mark.parametrize("fps", [10, 60])
def test_frames_jitter_are_lost_and_repeat_with_the_seed(fps: int) -> None:
    camera = CameraModel(fps, 10_000_000, 0.2, 0, 5)
    text = "noise gaze 2 deg, lids 0.1 over 1 s\nend at 100 s"
    rows = _rows(text, camera)
    assert rows == _rows(text, camera)
    assert rows != _rows(text, CameraModel(fps, 10_000_000, 0.2, 0, 6))
    assert 0.75 < len(rows) / (100 * fps) < 0.85
    for m, _ in rows:
        assert abs(m.t_ns - m.seq * S / fps) <= 10_000_001
    assert all(a.t_ns <= b.t_ns and a.seq < b.seq for (a, _), (b, _) in itertools.pairwise(rows))


def test_noise_has_its_spread_and_its_memory() -> None:
    def spread(text: str) -> tuple[float, float]:
        yaws = [m.gaze.yaw_deg for m, _ in _rows(f"noise gaze {text}\nend at 300 s") if m.gaze]
        steps = [b - a for a, b in itertools.pairwise(yaws)]
        return (sum(y * y for y in yaws) / len(yaws)) ** 0.5, (sum(s * s for s in steps) / len(steps)) ** 0.5

    white, step = spread("2 deg")
    assert white == pytest.approx(2, rel=0.05)
    assert step == pytest.approx(2 * 2**0.5, rel=0.05)
    slow, step = spread("2 deg over 1 s")
    assert slow == pytest.approx(2, rel=0.2)
    assert step == pytest.approx(2 * (2 * (1 - 2.718281828 ** (-1 / 30))) ** 0.5, rel=0.05)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("at 8: gaze lap", "expected a unit of time after 8: ms, s, min, h; got ':'"),
        ("at 8 s gaze lap", "expected ':', got 'gaze'"),
        ("at 8 s: gaze moon", "expected a place or two angles: ahead, .*; got 'moon'"),
        ("at 8 s: dance", "expected an action: gaze, .*; got 'dance'"),
        ("at 8 s: gaze lap for 0 s", "expected to last longer than 0 s"),
        ("at 8 s: gaze lap by feet", "expected what turns: eyes, head; got 'feet'"),
        ("at 8 s: lids 3", "expected closed, open, unknown or an opening from 0 to 2, got 3"),
        ("at T: blink", "expected when: 'T' is no time that was named before"),
        ("at 1 s - 2 s: blink", "expected when from 0 to 1000 h, got -1 s"),
        ("at 8 s: blink; ", "expected an action: gaze, .*, got the end of the line"),
        ("at 8 s: blink blink", "expected the end of the line, got 'blink'"),
        ("every 0 s from 1 s to 2 s: blink", "expected to happen less often than every 0 s"),
        ("margin = 1 s", "margin has a time already"),
        ("camera 0 fps", "expected frames a second from 1 to 240, got 0"),
        ("camera 30 fps, jumps", "expected a camera setting: jitter, lost, seed, shift; got 'jumps'"),
        ("noise hair 1", "expected a signal: gaze, head, lids, mouth; got 'hair'"),
        ("expect Boredom onset at 3 s", "expected what is seen: LongDistraction, .*; got 'Boredom'"),
        ("expect Sleep onset", "expected 'at', got the end of the line"),
        ("expect cause Fog begins at 2 s", "expected a cause: Starting, .*; got 'Fog'"),
        ("when 3 s", "expected a statement: title, .*; got 'when'"),
        ("at 8 s: gaze lap!", "unexpected character '!'"),
        ("title again", "title stands twice"),
    ],
)
def test_errors_name_the_line(line: str, problem: str) -> None:
    with pytest.raises(BadInputError, match=rf"^drive:3: {problem}"):
        parse_scenario(f"title x  # a comment\n\n{line}\nend at 9 s", "drive", {})


def test_a_scenario_needs_an_end_and_known_limits() -> None:
    with pytest.raises(BadInputError, match="drive: expected a line `end at TIME`"):
        parse_scenario("at 1 s: blink", "drive", {})
    with pytest.raises(BadInputError, match="drive: limits: NOPE is no time that was named before"):
        parse_scenario("limits NOPE\nend at 2 s", "drive", {})


def test_make_check_and_plot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace, page, picture = (tmp_path / name for name in ("t.jsonl", "p.html", "p.png"))
    assert main(["scenario", "make", "microsleep", "--out", str(trace), "--fps", "15"]) == 0
    assert len(list(read_trace(trace))) == 300
    assert main(["scenario", "plot", str(trace), "--out", str(page)]) == 0
    html = page.read_text()
    assert "<polyline" in html
    assert "Microsleep, level 2" in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
    assert main(["scenario", "plot", "microsleep", "--out", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(["scenario", "check", "microsleep"]) == 0
    wrong = tmp_path / "wrong.scenario"
    wrong.write_text("at 1 s: lids closed for 2 s\nexpect no Microsleep onset\nexpect Sleep onset at 4 s\nend at 9 s\n")
    assert main(["scenario", "check", str(wrong)]) == 1
    out = capsys.readouterr().out
    assert "wrong.scenario:2: Microsleep onset: expected never, seen at" in out
    assert "wrong.scenario:3: Sleep onset: expected at 4.000 s within 0.2 s, seen: never" in out
    assert main(["scenario", "plot", "microsleep", "--out", str(tmp_path / "p.gif")]) == 2
    assert main(["scenario", "make", "nothing_like_it", "--out", str(trace)]) == 2
