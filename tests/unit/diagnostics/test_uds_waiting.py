"""Answers that wait for the disk: 0x78, 0x21, and 0x72 when it never comes."""

from __future__ import annotations

from garage import Garage, SlowKeeper


def _pass(garage: Garage, milliseconds: int) -> list[str]:
    said = []
    for _ in range(milliseconds // 10):
        garage.t_ns += 10_000_000
        if (response := garage.later()) is not None:
            said.append(response)
    return said


def test_pending_within_p2_then_the_answer() -> None:
    keeper = SlowKeeper()
    garage = Garage(keeper=keeper)
    assert garage.ask("14 FF FF FF") is None
    assert _pass(garage, 20) == []
    assert _pass(garage, 20) == ["7F 14 78"]
    assert _pass(garage, 1000) == []
    keeper.answer = True
    assert _pass(garage, 20) == ["54"]
    assert not garage.diagnostics.server.busy


def test_a_quick_disk_needs_no_pending() -> None:
    keeper = SlowKeeper()
    garage = Garage(keeper=keeper)
    assert garage.ask("14 FF FF FF") is None
    keeper.answer = True
    assert _pass(garage, 10) == ["54"]


def test_a_disk_that_fails_is_a_programming_failure() -> None:
    keeper = SlowKeeper()
    garage = Garage(keeper=keeper)
    garage.ask("14 FF FF FF")
    keeper.answer = False
    assert _pass(garage, 10) == ["7F 14 72"]


def test_a_disk_that_hangs_is_given_up_before_p2_star() -> None:
    garage = Garage(keeper=SlowKeeper())
    garage.ask("14 FF FF FF")
    assert _pass(garage, 4500) == ["7F 14 78", "7F 14 78", "7F 14 72"]


def test_another_request_meanwhile_is_told_to_come_again() -> None:
    keeper = SlowKeeper()
    garage = Garage(keeper=keeper)
    garage.ask("14 FF FF FF")
    assert garage.ask("22 F1 86") == "7F 22 21"
    assert garage.ask("22 F1 86", functional=True) is None
    assert garage.ask("3E 80", functional=True) is None
    keeper.answer = True
    assert _pass(garage, 10) == ["54"]


def test_a_session_does_not_end_while_an_answer_is_owed() -> None:
    keeper = SlowKeeper()
    garage = Garage(keeper=keeper).extended()
    garage.ask("14 FF FF FF")
    _pass(garage, 3900)
    keeper.answer = True
    _pass(garage, 10)
    _pass(garage, 4900)
    assert garage.ask("22 F1 86") == "62 F1 86 03"


def test_suppression_ends_with_the_first_pending() -> None:
    """0x27 with the suppress bit: silent when quick, answered after a 0x78."""
    for slow in (False, True):
        keeper = SlowKeeper()
        keeper.answer = None if slow else True
        garage = Garage(keeper=keeper).extended()
        request = garage.key_request().replace("27 02", "27 82")
        assert garage.ask(request) is None
        said = _pass(garage, 50)
        keeper.answer = True
        said += _pass(garage, 50)
        assert said == (["7F 27 78", "67 02"] if slow else [])
