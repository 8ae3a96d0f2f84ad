"""What was learned of the driver is kept between runs, as numbers, until a garage asks that it be forgotten."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from garage import Garage, SlowKeeper
from test_security_access import KeptKeeper

from watchkeeper.supervisor.uds.keeper import FileKeeper
from watchkeeper.supervisor.uds.memory import DiagnosticMemory
from watchkeeper.types import DriverBaseline

LEARNED = DriverBaseline(
    1.0, 0.02, None, 0.38, 0, 1.5, -4.25, 0.5, -1.0, 0.98, 221.0, 640.0, 300.5, learned_ns=60_000_000_000
)


def _drive(garage: Garage, seconds: float, baseline: DriverBaseline | None, resets: int = 0) -> None:
    for _ in range(round(seconds / 0.05)):
        garage.picture(1, baseline=baseline, resets=resets)
        garage.wait(0.05)


def _kept(garage: Garage) -> DriverBaseline | None:
    return garage.diagnostics.baseline


def test_what_vision_learned_is_kept_and_handed_back_in_the_next_run() -> None:
    keeper = SlowKeeper()
    garage = Garage(keeper=keeper)
    _drive(garage, 1, None)
    assert _kept(garage) is None
    _drive(garage, 12, LEARNED)
    assert _kept(garage) == LEARNED
    written = len(keeper.contents)
    _drive(garage, 30, LEARNED)
    assert len(keeper.contents) == written, "what is the same is not written again"
    again = Garage(keeper=KeptKeeper(keeper.contents[-1]))
    assert again.diagnostics.baseline == LEARNED
    _drive(again, 1, None)
    assert again.diagnostics.baseline == LEARNED, "a vision that has not learned yet takes nothing away"


def test_nothing_is_kept_but_numbers() -> None:
    garage = Garage()
    _drive(garage, 1, LEARNED)
    kept = json.loads(garage.diagnostics.memory.content())["baseline"]
    assert set(kept) == {
        "first_open", "first_closed", "second_open", "second_closed", "present", "head_yaw_deg", "head_pitch_deg",
        "gaze_yaw_deg", "gaze_pitch_deg", "opening", "face_px", "face_x_px", "face_y_px", "learned_ns",
    }  # fmt: skip
    assert all(value is None or isinstance(value, (int, float)) for value in kept.values())


def test_a_reset_takes_it_away_and_an_old_report_does_not_bring_it_back() -> None:
    garage = Garage().unlocked()
    _drive(garage, 1, LEARNED)
    assert garage.ask("31 01 02 11") == "71 01 02 11 00"
    _drive(garage, 0.5, LEARNED)  # vision has not done it yet
    assert _kept(garage) is None
    _drive(garage, 0.5, None, resets=1)
    assert garage.ask("31 03 02 11") == "71 03 02 11 01"
    assert _kept(garage) is None
    _drive(garage, 0.5, LEARNED, resets=1)
    assert _kept(garage) == LEARNED, "learned anew"


def test_a_reset_takes_it_off_the_disk_and_out_of_the_last_good_copy(tmp_path: Path) -> None:
    path = tmp_path / "diagnostics"
    copies = (path, tmp_path / "diagnostics.last")
    garage = Garage(keeper=FileKeeper(path, lambda _text: None)).extended()
    try:
        assert garage.ask(garage.key_request()) is None, "the attempt is counted on the disk first"
        _until(garage, lambda: garage.later() == "67 02")
        _drive(garage, 0.1, LEARNED)
        for vin in ("WVWZZZ1KZAW000001", "WVWZZZ1KZAW000002"):  # so that both copies have it
            assert garage.ask("2E F1 90" + vin.encode().hex()) is None
            _until(garage, lambda: garage.later() is not None)
        _until(garage, lambda: [_has_baseline(file) for file in copies] == [True, True])
        assert garage.ask("31 01 02 11") == "71 01 02 11 00"
        _until(garage, lambda: [_has_baseline(file) for file in copies] == [False, False])
        assert b"WVWZZZ1KZAW000002" in path.read_bytes()
    finally:
        garage.diagnostics.memory.close(garage.t_ns)


def _has_baseline(file: Path) -> bool | None:
    try:
        return b"-4.25" in file.read_bytes()
    except FileNotFoundError:
        return None  # just being moved


def _until(garage: Garage, condition: object) -> None:
    assert callable(condition)
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)  # a process of its own writes
        garage.wait(0.001)
    pytest.fail("not within a minute")


@pytest.mark.parametrize(
    "spoil",
    [{"present": None}, {"learned_ns": 1.5}, {"opening": "wide"}, {"opening": True}, {"name": "A. Driver"},
     {"head_yaw_deg": float("nan")}, {"face_px": [1, 2]}],
)  # fmt: skip
def test_kept_nonsense_is_not_taken_over(spoil: dict[str, object]) -> None:
    garage = Garage()
    _drive(garage, 0.1, LEARNED)
    plain = json.loads(garage.diagnostics.memory.content())
    plain["baseline"].update(spoil)
    memory = DiagnosticMemory(KeptKeeper(json.dumps(plain).encode()))
    assert memory.damaged
    assert memory.baseline is None


def test_a_state_kept_before_there_was_a_baseline_is_read() -> None:
    plain = json.loads(Garage().diagnostics.memory.content())
    del plain["baseline"]
    memory = DiagnosticMemory(KeptKeeper(json.dumps(plain).encode()))
    assert not memory.damaged
    assert memory.baseline is None
