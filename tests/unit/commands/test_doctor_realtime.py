"""Doctor's lines about time, on trees like a board's."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from watchkeeper.commands.checks import TABLE, Finding, realtime
from watchkeeper.commands.checks.tree import Tree

ALL = "CapEff:\t000001ffffffffff\n"
NONE = "CapEff:\t0000000000000000\n"


def _lines(root: Path, status: str, files: dict[str, str]) -> dict[str, Finding]:
    for name, text in {"proc/self/status": status, **{f"sys/{k}": v for k, v in files.items()}}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    sys_root, proc_root = root / "sys", root / "proc"
    return {
        "realtime-scheduling": realtime.realtime_scheduling(proc_root),
        "locked-memory": realtime.locked_memory(proc_root),
        "cpu-clock": realtime.governor(Tree(root)),
        "heat": realtime.heat(Tree(root)),
        "throttling": realtime.throttling(Tree(root)),
        "kernel": realtime.kernel(sys_root),
    }


def test_all_of_them_are_in_the_table(tmp_path: Path) -> None:
    assert [name for group, name, _ in TABLE if group == "time"] == list(_lines(tmp_path, ALL, {}))


def test_a_cool_board_with_every_permission_passes(tmp_path: Path) -> None:
    lines = _lines(tmp_path, ALL, {
        "class/thermal/thermal_zone0/temp": "48000",
        "devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
    })  # fmt: skip
    assert {line.status for line in lines.values()} == {"pass"}
    assert all(line.action == "" for line in lines.values())


_HEAT = [("74999", "pass"), ("75000", "warn"), ("84999", "warn"), ("85000", "fail")]


@pytest.mark.parametrize(("milli", "status"), _HEAT)
def test_heat(tmp_path: Path, milli: str, status: str) -> None:
    assert _lines(tmp_path, ALL, {"class/thermal/thermal_zone0/temp": milli})["heat"].status == status


def test_a_starved_supply_and_a_lazy_clock_say_what_to_do(tmp_path: Path) -> None:
    lines = _lines(tmp_path, ALL, {
        "devices/platform/soc/soc:firmware/get_throttled": "5",
        "devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand",
    })  # fmt: skip
    assert (lines["throttling"].status, lines["throttling"].found) == ("fail", "under-voltage, throttled")
    assert lines["cpu-clock"].status == "warn"
    assert "performance" in lines["cpu-clock"].action


def test_without_permission_it_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (0, 0))
    lines = _lines(tmp_path, NONE, {})
    assert lines["realtime-scheduling"].status == lines["locked-memory"].status == "warn"
    assert lines["heat"].status == lines["cpu-clock"].status == "skip"
