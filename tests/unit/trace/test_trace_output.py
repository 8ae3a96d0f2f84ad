"""What is made of a recording: histogram, Perfetto JSON, HTML page (also in a real browser where there is one)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.cli import main
from watchkeeper.trace.chrome import chrome_trace
from watchkeeper.trace.frames import frames_of
from watchkeeper.trace.hdr import Hdr
from watchkeeper.trace.recorder import Recorder
from watchkeeper.trace.report import html_report
from watchkeeper.trace.ring import Ring, read_ring
from watchkeeper.trace.rows import STAGES, Counter, Drop, Kind, Network

MS, S = 1_000_000, 1_000_000_000


@given(st.lists(st.integers(0, 2**50), min_size=1, max_size=60), st.floats(0.01, 1.0))
def test_percentiles_are_nearest_rank_within_the_stated_error(values: list[int], share: float) -> None:
    hdr = Hdr()
    for value in values:
        hdr.add(value)
    exact = sorted(values)[max(1, -int(-share * len(values) // 1)) - 1]
    assert exact <= hdr.percentile(share) <= exact * (1 + 1 / 64)


def test_a_long_wait_stands_for_all_that_waited() -> None:
    hdr = Hdr()
    hdr.add(100 * MS, 33 * MS)  # and with it 67 and 34 ms
    assert hdr.count == 3
    assert hdr.percentile(1.0) == 100 * MS
    assert hdr.percentile(0.34) == pytest.approx(67 * MS, rel=0.016)
    assert hdr.percentile(0.01) == pytest.approx(34 * MS, rel=0.016)
    plain = Hdr()
    plain.add(32 * MS, 33 * MS)
    assert plain.count == 1
    assert Hdr().percentile(0.5) == 0


@pytest.fixture(scope="module")
def ring_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 frames; 400 is late in the state machine; every other one reaches the bus; two drops."""
    ns = 10 * S

    def clock() -> int:
        return ns

    ring = Ring(rows=1 << 14, about={"board": "<host> & co", "frame_period_ms": 33.3})
    recorder = Recorder(ring, clock)
    recorder.start(77)
    for seq in range(600):
        exposure = 10 * S + seq * 33_300_000
        ns = max(ns, exposure + 2 * MS)
        recorder.begin(seq, exposure, exposure + MS, ns)
        for kind in STAGES[2:]:
            ns += 50 * MS if (seq, kind) == (400, Kind.DECIDE) else MS
            recorder.mark(kind, Network.LANDMARKS if kind == Kind.INFER else 0)
        if seq == 400:
            recorder.over(Kind.DECIDE, 49 * MS)
        recorder.finish(late=seq == 400, rung=1 if seq > 400 else 0)
        if seq % 2:
            recorder.sent(exposure, ns + 5 * MS)
            recorder.sent(exposure, ns + 5 * MS, ns + 6 * MS)
        if seq == 401:
            recorder.drop(Drop.OVERWRITTEN, 2)
            recorder.count(Counter.TEMPERATURE, 61_500)
            recorder.count(Counter.FREQUENCY, 1_800_000)
    path = tmp_path_factory.mktemp("ring") / "drive.ring"
    path.write_bytes(ring.snapshot())
    return path


def test_frames_come_back_with_their_stages_and_phases(ring_file: Path) -> None:
    frames = frames_of(read_ring(ring_file))
    assert len(frames.judged) == 600
    for frame in frames.judged:
        assert sum(frame.by_kind_ns().values()) == frame.took_ns
    (late,) = (frame for frame in frames.judged if frame.late)
    assert late.seq == 400
    assert late.culprit() is Kind.DECIDE
    assert [frame.seq for frame in frames.judged if frame.over_ns] == [400]
    assert all(f.echo_ns is not None and f.sent_ns is not None for f in frames.judged if f.seq % 2)
    assert frames.drops == {"overwritten": 2}
    phases = {name: len(own) for name, own in frames.phases().items()}
    assert phases == {"cold start": 1, "warm-up": 150, "steady": 449}


def test_the_chrome_trace_is_what_the_format_asks_for(ring_file: Path) -> None:
    trace = json.loads(json.dumps(chrome_trace(read_ring(ring_file)), allow_nan=False))
    events = trace["traceEvents"]
    for event in events:
        assert event["ph"] in "XCMisf"
        assert isinstance(event["name"], str)
        assert event["pid"] in (1, 2)
        if event["ph"] != "M":
            assert event["ts"] >= 0
        if event["ph"] == "X":
            assert event["dur"] >= 0
            assert event["tid"] in (1, 2, 3)
        if event["ph"] == "C":
            assert all(isinstance(value, (int, float)) for value in event["args"].values())
    slices = [e for e in events if e["ph"] == "X"]
    starts, ends = ({e["id"]: e for e in events if e["ph"] == ph} for ph in "sf")
    assert starts.keys() == ends.keys() == set(range(1, 600, 2))
    # an arrow binds to the slice around its end: one that points into nothing is dropped by the viewer
    for end in (*starts.values(), *ends.values()):
        around = [s for s in slices if (s["pid"], s["tid"]) == (end["pid"], end["tid"]) and
                  s["ts"] <= end["ts"] <= s["ts"] + s["dur"] and s["args"]["seq"] == end["id"]]  # fmt: skip
        assert around
    for track in ((1, 1), (1, 2), (1, 3), (2, 1)):  # slices of one track never overlap
        own = sorted((s["ts"], s["ts"] + s["dur"]) for s in slices if (s["pid"], s["tid"]) == track)
        assert all(a[1] <= b[0] + 1e-3 for a, b in pairwise(own))
    assert {"temperature degC", "frequency MHz", "queue frames", "latency ms", "rung"} <= {
        e["name"] for e in events if e["ph"] == "C"
    }


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "img", "iframe")
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_needs_nothing_from_anywhere_and_says_what_happened(ring_file: Path) -> None:
    page = _Page()
    text = html_report(read_ring(ring_file))
    page.feed(text)
    said = " ".join(page.text)
    assert page.links == []
    assert "url(" not in text
    assert "600 frames judged, 2 dropped" in said
    assert "1 after their deadline" in said
    assert "<host> & co" in said  # escaped on the way in
    assert re.search(r"400\s+57\.00", said)  # the worst frame and its total
    assert "overwritten" in said


def test_an_empty_recording_makes_a_page_too(tmp_path: Path) -> None:
    path = tmp_path / "empty.ring"
    path.write_bytes(Ring(rows=1).snapshot())
    assert "0 frames judged" in html_report(read_ring(path))
    assert main(["trace", "export", str(path), "--out", str(tmp_path / "empty.json")]) == 0


@pytest.mark.parametrize("command", [["trace", "export"], ["trace", "report"], ["report"]])
def test_a_file_that_is_no_ring_is_named(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, out = tmp_path / "bad.ring", tmp_path / "out"
    bad.write_text("no ring")
    assert main([*command, str(bad), "--out", str(out)]) == 2
    assert "bad.ring" in capsys.readouterr().err
    assert not out.exists()


def test_the_page_in_a_real_browser(ring_file: Path, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    page = tmp_path / "drive.html"
    assert main(["trace", "report", str(ring_file), "--out", str(page)]) == 0
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("<polyline") == 2
    assert done.stdout.count("<table") == 6
    assert "600 frames judged" in done.stdout
