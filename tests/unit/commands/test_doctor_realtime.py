"""Doctor's lines about time, on trees like a board's."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from watchkeeper.board_budget import Cpus
from watchkeeper.commands.checks import TABLE, Finding, realtime
from watchkeeper.commands.checks.tree import Tree

ALL = "CapEff:\t000001ffffffffff\n"
NONE = "CapEff:\t0000000000000000\n"


def _lines(root: Path, status: str, files: dict[str, str]) -> dict[str, Finding]:
    quiet = {"proc/sys/kernel/sched_rt_runtime_us": "-1", "proc/sys/kernel/sched_rt_period_us": "1000000"}
    quiet["proc/swaps"] = "Filename Type Size Used Priority\n"
    for name, text in {"proc/self/status": status, **quiet, **{f"sys/{k}": v for k, v in files.items()}}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    sys_root, proc_root = root / "sys", root / "proc"
    return {
        "realtime-scheduling": realtime.realtime_scheduling(proc_root),
        "locked-memory": realtime.locked_memory(proc_root),
        "cores": realtime.cores(Cpus(), sys_root),
        "realtime-throttling": realtime.realtime_share(proc_root),
        "swap": realtime.swap(proc_root),
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


@pytest.mark.parametrize(
    ("cpus", "status", "found"),
    [
        (Cpus((2, 3), (1,)), "pass", "vision on 2, 3, supervisor on 1"),
        (Cpus((1, 2), ()), "warn", "cores 1 take other work too"),
        (Cpus((2,), (7,)), "fail", "cores 7 are not online, only 0, 1, 2, 3"),
    ],
)
def test_the_boards_cores(tmp_path: Path, cpus: Cpus, status: str, found: str) -> None:
    folder = tmp_path / "devices/system/cpu"
    folder.mkdir(parents=True)
    (folder / "online").write_text("0-3\n")
    (folder / "isolated").write_text("2-3\n")
    line = realtime.cores(cpus, tmp_path)
    assert line.status == status
    assert found in line.found
    assert bool(line.action) == (status != "pass")


def test_swap_and_a_small_share_for_real_time_work_are_told(tmp_path: Path) -> None:
    (tmp_path / "sys/kernel").mkdir(parents=True)
    (tmp_path / "sys/kernel/sched_rt_runtime_us").write_text("500000")
    (tmp_path / "sys/kernel/sched_rt_period_us").write_text("1000000")
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n/dev/zram0 partition 1 0 -2\n")
    assert realtime.realtime_share(tmp_path).status == realtime.swap(tmp_path).status == "warn"
    assert "/dev/zram0" in realtime.swap(tmp_path).found
    assert "sched_rt_runtime_us" in realtime.realtime_share(tmp_path).action


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
