"""All that the unit keeps between runs, as one content: trouble codes, VIN, security attempts, what was learned of the
driver."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.uds.dtc import DtcStore
from watchkeeper.supervisor.uds.keeper import Keeper
from watchkeeper.types import DriverBaseline

LAZY_NS = 10 * NS_PER_S
"""Changes nobody waits for are written at most this often, so that a toggling fault does not wear the card out."""
_RETRY_NS = 100 * NS_PER_MS
VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
"""ISO 3779: 17 letters and digits, without I, O and Q."""


class DiagnosticMemory:
    """Loads on construction; `step` writes what changed; `settle` is for a service whose answer means "kept".

    damaged: whether something had been kept that could not be read (a trouble of its own).
    """

    def __init__(self, keeper: Keeper, say: Callable[[str], None] = lambda _text: None) -> None:
        self._keeper = keeper
        self.dtcs = DtcStore()
        self.vin: str | None = None
        self.failed_attempts = 0
        self.baseline: DriverBaseline | None = None
        contents = keeper.load()
        self.damaged = keeper.damaged
        for content in contents:
            try:
                self._take(content)
                break
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self.damaged = True
                say(f"kept diagnostic state is not understood ({error!r}); an older copy or nothing is used")
        self.dtcs.begin_cycle()
        self._saved_revision = -1
        self._revision = 0
        self._number: int | None = None  # of the content handed over last
        self._next_lazy_ns = 0

    def changed(self) -> None:
        """Something other than the trouble codes changed."""
        self._revision += 1

    def content(self) -> bytes:
        """What is written."""
        plain: dict[str, object] = {
            "dtcs": self.dtcs.to_plain(),
            "vin": self.vin,
            "failed_attempts": self.failed_attempts,
        }
        plain["baseline"] = None if self.baseline is None else asdict(self.baseline)
        return json.dumps(plain, separators=(",", ":"), sort_keys=True).encode("ascii")

    def step(self, t_ns: int) -> None:
        """Write what changed, not too often."""
        self._keeper.poll()
        if self._total != self._saved_revision and t_ns >= self._next_lazy_ns:
            self._next_lazy_ns = t_ns + (LAZY_NS if self._put(t_ns) is not None else _RETRY_NS)

    def settle(self, t_ns: int) -> Callable[[int], bool | None]:
        """Write now; the result says, called with the time, whether it is on the disk: True, False, None not yet."""
        # asking again for what is there already must not wear the card out
        number = self._number if self._total == self._saved_revision else self._put(t_ns)

        def ask(now_ns: int) -> bool | None:
            nonlocal number
            self._keeper.poll()
            if number is None:  # the writer was busy with an older content
                number = self._put(now_ns)
            return None if number is None else self._keeper.settled(number)

        return ask

    def close(self, t_ns: int) -> None:
        """Hand the newest over and let the keeper finish."""
        if self._total != self._saved_revision:
            self._put(t_ns)
        self._keeper.close()

    @property
    def _total(self) -> int:
        return self._revision + self.dtcs.revision

    def _put(self, t_ns: int) -> int | None:
        revision = self._total
        number = self._keeper.put(self.content(), t_ns)
        if number is not None:
            self._saved_revision, self._number = revision, number
        return number

    def _take(self, content: bytes) -> None:
        plain = json.loads(content)
        vin, attempts = plain["vin"], plain["failed_attempts"]
        if vin is not None and VIN.fullmatch(vin) is None:
            raise ValueError(f"vin {vin!r}")
        if isinstance(attempts, bool) or not isinstance(attempts, int) or not 0 <= attempts <= 255:
            raise ValueError(f"failed_attempts {attempts!r}")
        baseline = _baseline(plain.get("baseline"))
        self.dtcs.load(plain["dtcs"])
        self.vin, self.failed_attempts, self.baseline = vin, attempts, baseline


def _baseline(plain: dict[str, Any] | None) -> DriverBaseline | None:
    """None for none. Raises ValueError or TypeError for anything but the numbers of a baseline."""
    if plain is None:
        return None
    baseline = DriverBaseline(**plain)
    for field in fields(baseline):
        value, whole = getattr(baseline, field.name), isinstance(field.default, int)
        if (whole or value is not None) and (
            isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not math.isfinite(value)
        ):
            raise ValueError(f"baseline: {field.name} {value!r}")
    return baseline
