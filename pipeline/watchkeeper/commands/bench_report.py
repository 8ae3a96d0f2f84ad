"""The shape every bench writes, and the comparison with an earlier one."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from watchkeeper import __version__
from watchkeeper.errors import BadInputError

# Shared machines are noisy: medians of the same code differed by up to a fifth between runs here.
NOISE = 0.25


@dataclass(frozen=True, slots=True)
class Result:
    """One figure. ratio = ours / peer_value; both None without a peer. n: how many single values it is made from."""

    case: str
    metric: str
    unit: str
    ours: float
    n: int
    peer: str | None = None
    peer_value: float | None = None

    def row(self) -> dict[str, Any]:
        """As the contract's JSON."""
        ratio = self.ours / self.peer_value if self.peer_value else None
        return {**asdict(self), "ratio": round(ratio, 4) if ratio is not None else None}


def environment() -> dict[str, Any]:
    """What the figures depend on."""
    packages = {name: _version(name) for name in ("numpy", "ai-edge-litert", "av", "python-can")}
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    return {
        "machine": platform.machine(), "cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(),
        "python": platform.python_version(), "load_1min": round(os.getloadavg()[0], 2), "packages": packages,
    }  # fmt: skip


def report(bench: str, results: list[Result], *, invalid: str | None = None, **more: Any) -> dict[str, Any]:
    """The whole report. invalid: why its figures do not hold, None when they do."""
    if invalid is not None:
        more["invalid_because"] = invalid
    return {
        "bench": bench, "version": __version__, "environment": {**environment(), **more}, "valid": invalid is None,
        "results": [result.row() for result in results],
    }  # fmt: skip


def regressions(new: dict[str, Any], base_file: Path) -> list[str]:
    """Rows of `new` that are worse than in the base file by more than NOISE; lower is better for every metric.

    Raises BadInputError when the file is no report of the same bench.
    """
    try:
        base = json.loads(base_file.read_text(encoding="utf-8"))
        if base["bench"] != new["bench"]:
            raise BadInputError.at(base_file, f"expected a report of bench {new['bench']}, got {base['bench']!r}")
        rows = base["results"]
        before = {(row["case"], row["metric"], row.get("peer")): (row["ratio"], row["ours"]) for row in rows}
        alone = {(row["case"], row["metric"]): (None, row["ours"]) for row in rows}
    except OSError as error:
        raise BadInputError.at(base_file, f"cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise BadInputError.at(base_file, "expected a JSON report as `bench --json` writes it") from None
    worse = []
    for row in new["results"]:
        old_ratio, old_value = before.get(
            (row["case"], row["metric"], row["peer"]), alone.get((row["case"], row["metric"]), (None, None))
        )
        # Ratios from one run cancel the machine out; absolute values are compared only where there is no peer.
        old, now = (old_ratio, row["ratio"]) if old_ratio is not None else (old_value, row["ours"])
        if old is not None and now is not None and now > old * (1 + NOISE):
            worse.append(f"{row['case']} {row['metric']}: {now:g}, was {old:g} (more than {NOISE:.0%} worse)")
    return worse


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
