"""0x27: seed and key, attempts, lock-out over a power loss."""

from __future__ import annotations

import hashlib
import hmac

from garage import KEY, Garage, SlowKeeper

from watchkeeper.supervisor.uds.memory import DiagnosticMemory
from watchkeeper.supervisor.uds.security import expected_key

_WRONG = "27 02" + "00" * 16


class KeptKeeper(SlowKeeper):
    """Gives a next run what the last one kept."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.answer = True
        self._content = content

    def load(self) -> list[bytes]:
        return [self._content]


def test_the_key_is_the_documented_function_of_key_and_seed() -> None:
    seed = bytes(range(16))
    by_hand = hmac.new(KEY, b"watchkeeper security access 1" + seed, hashlib.sha256).hexdigest()[:32]
    assert expected_key(KEY, seed).hex() == by_hand


def test_a_key_made_with_another_units_key_is_wrong() -> None:
    garage = Garage().extended()
    assert garage.ask(garage.key_request(bytes(32))) == "7F 27 35"
    assert garage.ask(garage.key_request()) == "67 02"


def test_a_seed_serves_once_and_is_the_same_until_then() -> None:
    garage = Garage().extended()
    first = garage.ask("27 01")
    assert garage.ask("27 01") == first
    assert garage.ask(_WRONG) == "7F 27 35"
    assert garage.ask(_WRONG) == "7F 27 24"
    assert garage.ask("27 01") != first


def test_three_wrong_keys_lock_out_for_ten_seconds() -> None:
    garage = Garage().extended()
    for response in ("7F 27 35", "7F 27 35", "7F 27 36"):
        garage.ask("27 01")
        assert garage.ask(_WRONG) == response
    assert garage.ask("27 01") == "7F 27 37"
    for _ in range(3):
        garage.wait(3.3)
        garage.ask("3E 80")
    assert garage.ask("27 01") == "7F 27 37"
    garage.wait(0.2)
    garage.ask("27 01")
    assert garage.ask(_WRONG) == "7F 27 36", "one try a lock-out from here on"
    for _ in range(3):
        garage.wait(3.4)
        garage.ask("3E 80")
    assert garage.ask(garage.key_request()) == "67 02"
    assert garage.diagnostics.memory.failed_attempts == 0


def test_attempts_outlive_a_power_loss() -> None:
    garage = Garage().extended()
    for _ in range(3):
        garage.ask("27 01")
        garage.ask(_WRONG)
    again = Garage(keeper=KeptKeeper(garage.diagnostics.memory.content())).extended()
    assert again.ask("27 01") == "7F 27 37"
    for _ in range(3):
        again.wait(3.4)
        again.ask("3E 80")
    assert again.ask(again.key_request()) == "67 02"


def test_an_attempt_is_on_the_disk_before_its_verdict_is_known() -> None:
    keeper = SlowKeeper()
    garage = Garage(keeper=keeper).extended()
    for request in (_WRONG, garage.key_request()):
        garage.ask("27 01")
        before = len(keeper.contents)
        keeper.answer = None
        assert garage.ask(request) is None
        assert garage.later() is None, "neither right nor wrong shows before"
        assert b'"failed_attempts":1' in keeper.contents[before]
        keeper.answer = True
        garage.later()
        garage.diagnostics.memory.failed_attempts = 0


def test_an_attempt_that_cannot_be_counted_is_refused() -> None:
    keeper = SlowKeeper()
    garage = Garage(keeper=keeper).extended()
    request = garage.key_request()
    keeper.answer = False
    assert garage.ask(request) == "7F 27 72"
    assert garage.ask("31 01 02 10") == "7F 31 33"


def test_kept_nonsense_is_not_taken_over() -> None:
    for content in (b"", b"[]", b"{}", b'{"vin":3}', b'{"dtcs":{},"vin":null,"failed_attempts":0}', b"\xff"):
        memory = DiagnosticMemory(KeptKeeper(content))
        assert memory.damaged
        assert memory.vin is None
