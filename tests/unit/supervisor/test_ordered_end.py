"""Ending in order and feeding watchdogs: what is done when, without a process."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_vision_parts import HandVision

from watchkeeper.clock import NS_PER_S
from watchkeeper.supervisor import feeder
from watchkeeper.supervisor.feeder import Feeder
from watchkeeper.supervisor.hw_watchdog import HardwareWatchdog
from watchkeeper.supervisor.ordered_end import OrderedEnd
from watchkeeper.supervisor.restart import VisionKeeper
from watchkeeper.supervisor.systemd import Notifier
from watchkeeper.types import Cause, DriverState, VisionReport

_T = 100 * NS_PER_S


class _End:
    def __init__(self, duration_ns: int | None = None, *, keep_fault: bool = False) -> None:
        self.vision, self.keeper = HandVision(), VisionKeeper()
        self.vision.start()
        self.vision.done.clear()
        self.keeper.started(_T)
        self.end = OrderedEnd(self.vision, duration_ns, keep_fault)

    def decide(self, after_ns: int) -> bool:
        self.end.decide(self.keeper, after_ns, _T + after_ns)
        return self.end.begun


def test_nothing_ends_by_itself() -> None:
    run = _End()
    assert not run.decide(1000 * NS_PER_S)
    assert (run.end.over, run.end.since_ns, run.end.exit_status, run.end.by_itself) == (False, None, 0, True)
    assert run.vision.done == []


def test_it_ends_after_its_duration() -> None:
    run = _End(5 * NS_PER_S)
    assert not run.decide(5 * NS_PER_S - 1)
    assert run.decide(5 * NS_PER_S)
    assert (run.end.since_ns, run.end.exit_status, run.end.by_itself) == (_T + 5 * NS_PER_S, 0, True)
    assert run.vision.done == ["terminate"]
    assert not run.end.over
    run.vision.number = 0
    assert run.end.over


def test_it_ends_when_it_is_asked_to() -> None:
    run = _End()
    run.end.request()
    assert not run.end.begun, "with the next slot"
    assert run.decide(NS_PER_S)
    assert (run.end.by_itself, run.end.exit_status) == (False, 0)


def test_it_ends_with_its_source() -> None:
    run = _End()
    ended = VisionReport(_T, 101, _T, Cause.NONE, True, driver=DriverState(_T))
    run.keeper.step(None, False, ended, _T)
    assert run.decide(0)
    assert run.end.by_itself


def test_vision_that_does_not_end_is_killed_after_two_seconds() -> None:
    run = _End()
    run.end.request()
    run.decide(NS_PER_S)
    run.decide(3 * NS_PER_S)
    assert run.vision.done == ["terminate"]
    run.decide(3 * NS_PER_S + 1)
    assert run.vision.done == ["terminate", "kill"]
    assert run.end.since_ns == _T + NS_PER_S


@pytest.mark.parametrize("keep_fault", [True, False])
def test_bad_input_is_shown_for_half_a_second_and_ends_the_run_unless_it_is_a_service(keep_fault: bool) -> None:
    run = _End(keep_fault=keep_fault)
    run.keeper.step(2, False, None, _T)
    assert run.keeper.given_up
    assert not run.decide(NS_PER_S)
    assert not run.decide(3 * NS_PER_S // 2 - 1)
    assert run.decide(3 * NS_PER_S // 2) is not keep_fault
    assert run.end.exit_status == (0 if keep_fault else 2)
    assert run.end.by_itself


# --- who is fed -------------------------------------------------------------------------------------------------------


class _Dog(HardwareWatchdog):
    def __init__(self) -> None:
        self.path, self.takes, self.fed = Path("/dev/watchdog9"), True, 0

    def feed(self) -> bool:
        self.fed += 1
        return self.takes


class _Manager(Notifier):
    def __init__(self) -> None:
        super().__init__({})
        self.heard: list[str] = []

    def ready(self) -> None:
        self.heard.append("ready")

    def status(self, text: str) -> None:
        self.heard.append(text)

    def feed(self, t_ns: int) -> None:
        self.heard.append(f"fed {t_ns}")

    def stopping(self) -> None:
        self.heard.append("stopping")


def test_the_board_is_fed_always_and_systemd_while_vision_is_attended_to(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(feeder, "say", said.append)
    dog, manager = _Dog(), _Manager()
    fed = Feeder(dog, manager)
    fed.step("Active", 5, attends=True, stopping=False)
    fed.step("Unavailable", 6, attends=False, stopping=False)
    fed.step("Standby", 7, attends=True, stopping=True)
    assert manager.heard == [
        "ready",
        "Active",
        "fed 5",
        "ready",
        "Unavailable",
        "ready",
        "Standby",
        "stopping",
        "fed 7",
    ]
    assert (dog.fed, said) == (3, [])
    dog.takes = False
    for t_ns in (8, 9):
        fed.step("Standby", t_ns, attends=True, stopping=False)
    assert said == ["/dev/watchdog9 does not take its feed"]
    Feeder(None, None).step("Active", 5, attends=True, stopping=True)
