"""Heat and clocks from trees like a board's, garbage between frames, dumps that stay few."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchkeeper.runtime import dumps
from watchkeeper.runtime.machine import MachineState, MachineWatch, throttled_between
from watchkeeper.runtime.realtime import SlackCollector, pin
from watchkeeper.trace.ring import Ring, read_ring
from watchkeeper.trace.rows import Kind


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def test_a_raspberry_pi_that_is_slowed_down(tmp_path: Path) -> None:
    root = _tree(tmp_path, {
        "class/thermal/thermal_zone0/temp": "81300",
        "devices/platform/soc/soc:firmware/get_throttled": "50005",
        "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000",
        "devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "2400000",
        "devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand",
    })  # fmt: skip
    state = MachineWatch(root).read()
    assert state == MachineState(81_300, 1_500_000, 2_400_000, ("ondemand",), ("under-voltage", "throttled"), 2)
    assert throttled_between(state, state) == "throttled: throttled, under-voltage"


def test_a_jetson_with_zones_that_are_off_and_over_current(tmp_path: Path) -> None:
    root = _tree(tmp_path, {
        "class/thermal/thermal_zone0/temp": "48250",
        "class/thermal/thermal_zone1/temp": "-256000",
        "class/thermal/thermal_zone2/temp": "",
        "class/hwmon/hwmon4/oc1_event_cnt": "3",
    })  # fmt: skip
    watch = MachineWatch(root)
    before = watch.read()
    assert (before.temperature_mc, before.events) == (48_250, 3)
    _tree(tmp_path, {"class/hwmon/hwmon4/oc1_event_cnt": "5"})
    assert throttled_between(before, watch.read()) == "throttled 2 times meanwhile"
    var = _tree(tmp_path / "var", {"lib/nvpmodel/status": "pmode:0002"})
    assert MachineWatch(root, var).read().power_mode == "pmode:0002"


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    state = MachineWatch(tmp_path).read()
    assert state == MachineState()
    assert throttled_between(state, state) is None


@pytest.fixture
def collector() -> Iterator[SlackCollector]:
    made = SlackCollector()
    yield made
    made.close()


def test_garbage_is_collected_in_slack_only(collector: SlackCollector) -> None:
    assert not gc.isenabled()
    assert collector.step(10**9) == 0  # nothing is waiting
    kept = [[] for _ in range(3_000)]  # type: list[list[int]]
    assert collector.step(0) == 0
    assert collector.step(10**9) > 0
    assert len(kept) == 3_000


def test_garbage_that_grows_without_bound_is_collected_without_slack(collector: SlackCollector) -> None:
    kept = [[] for _ in range(110_000)]  # type: list[list[int]]
    assert collector.step(0) > 0
    assert len(kept) == 110_000


def _ring_with(seq: int) -> Ring:
    ring = Ring(rows=4)
    ring.write(seq, 2, 3, Kind.DECIDE)
    return ring


def test_dumps_stand_beside_the_file_and_the_eight_worst_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dumps, "APART_NS", -1)
    ring = Ring(rows=64)
    dumper = dumps.Dumper(ring, tmp_path / "drive.ring")
    lateness = [10, 11, 12, 3, 14, 15, 16, 17, 2, 1, 50, 2]
    for number, late_ns in enumerate(lateness):
        ring.write(number, 2, 3, Kind.DECIDE)
        dumper.missed(late_ns)
        while dumper.settled <= number:  # the thread takes each before the next
            time.sleep(0.001)
    dumper.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(["drive.ring", *(f"drive.missed-{n}.ring" for n in range(1, dumps.MOST + 1))])
    # the mildest of the first eight made room for the worst of the later ones, which was the eleventh
    assert read_ring(tmp_path / "drive.missed-4.ring").rows[-1].seq == 10
    assert read_ring(tmp_path / "drive.missed-3.ring").rows[-1].seq == 2


def test_misses_soon_after_a_dump_wait_for_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "APART_NS", 10**15)
    dumper = dumps.Dumper(_ring_with(1), tmp_path / "a.ring")
    dumper.missed(5)
    while not dumper.settled:
        time.sleep(0.001)
    dumper.missed(6)
    dumper.missed(7)
    time.sleep(0.05)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".ring") == ["a.missed-1.ring"]
    dumper.close()  # what waited is not lost
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.missed-1.ring", "a.missed-2.ring", "a.ring"]


def test_a_full_disk_costs_the_dump_and_nothing_else(tmp_path: Path) -> None:
    dumper = dumps.Dumper(Ring(rows=1), tmp_path / "gone" / "a.ring")
    dumper.close()
    assert dumper.failures == 1


def test_cores_that_are_not_there_are_said_and_change_nothing() -> None:
    before = os.sched_getaffinity(0)
    assert pin(()) == []
    (said,) = pin((1023,))
    assert said.startswith("processors [1023] (")
    assert pin(tuple(before)) == []
    assert os.sched_getaffinity(0) == before
