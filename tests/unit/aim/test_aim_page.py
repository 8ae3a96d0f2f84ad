"""The page: on 127.0.0.1 alone, for this machine's browser alone, and in a real browser."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from readings import GOOD, S, session, spoilt

from watchkeeper.commands.aim.server import PageServer
from watchkeeper.errors import BadInputError


@pytest.fixture
def server() -> Iterator[PageServer]:
    made = PageServer(0)
    yield made
    made.close()


def _port(server: PageServer) -> int:
    return int(server.url.rsplit(":", 1)[1].strip("/"))


def _ask(server: PageServer, path: str, method: str = "GET", host: str | None = None) -> tuple[int, bytes]:
    port = _port(server)
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    link.request(method, path, headers={"Host": host or f"127.0.0.1:{port}"})
    answer = link.getresponse()
    found = answer.status, answer.read()
    link.close()
    return found


def _listening(port: int) -> list[str]:
    """Local addresses that listen on `port`, as the kernel has them (proc(5), net/tcp and net/tcp6)."""
    rows = []
    for name in ("tcp", "tcp6"):
        path = Path("/proc/net") / name
        rows += path.read_text().splitlines()[1:] if path.exists() else []
    found = [row.split()[1].split(":") for row in rows if row.split()[3] == "0A"]
    return [address for address, hexport in found if int(hexport, 16) == port]


def test_it_listens_on_127_0_0_1_and_nowhere_else(server: PageServer) -> None:
    assert _listening(_port(server)) == ["0100007F"]
    for other in ("127.0.0.2", *_own_addresses()):
        with pytest.raises(ConnectionRefusedError), socket.create_connection((other, _port(server)), timeout=5):
            pass


def _own_addresses() -> list[str]:
    """This machine's addresses but the loopback's; none on a machine without a network."""
    try:
        found = {str(row[4][0]) for row in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    except OSError:
        return []
    return [address for address in found if not address.startswith("127.")]


def test_another_name_for_it_is_not_answered(server: PageServer) -> None:
    for host in ("evil.example", f"evil.example:{_port(server)}", "127.0.0.1", "127.0.0.1:1"):
        assert _ask(server, "/numbers.json", host=host)[0] == 403
    assert _ask(server, "/numbers.json", host=f"localhost:{_port(server)}")[0] == 200


@pytest.mark.parametrize("path", ["/picture.jpg", "/../etc/passwd", "/numbers.json?x=1", "//numbers", "http://other/"])
def test_there_is_nothing_else_to_get(server: PageServer, path: str) -> None:
    assert _ask(server, path)[0] in (400, 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_it_takes_nothing(server: PageServer, method: str) -> None:
    assert _ask(server, "/", method)[0] == 501


def test_its_own_files_are_all_it_may_load(server: PageServer) -> None:
    link = http.client.HTTPConnection("127.0.0.1", _port(server), timeout=10)
    link.request("GET", "/")
    answer = link.getresponse()
    text = answer.read().decode()
    link.close()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "img-src" not in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] is None
    assert "<img" not in text
    assert "style=" not in text


def test_a_taken_port_is_named(server: PageServer) -> None:
    with pytest.raises(BadInputError, match=rf"--page {_port(server)}: 127\.0\.0\.1:{_port(server)} cannot be had"):
        PageServer(_port(server))


def test_the_numbers_are_numbers_and_texts(server: PageServer) -> None:
    server.numbers = json.dumps(session(GOOD).numbers(2 * S)).encode()
    numbers = json.loads(_ask(server, "/numbers.json")[1])
    assert numbers["overall"] == "pass"
    assert numbers["face"] == [240.0, 150.0, 160.0, 180.0]
    assert len(json.dumps(numbers)) < 4000


def test_the_page_in_a_real_browser(server: PageServer, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    server.numbers = json.dumps(session(spoilt(face={"right_deg": 8.0})).numbers(2 * S)).encode()
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--virtual-time-budget=2000", "--dump-dom", server.url],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '<p id="next">turn the camera 8 deg to its right, towards the door</p>' in done.stdout
    assert '<rect id="face" width="160" height="180" x="240" y="150">' in done.stdout
    assert done.stdout.count("<tr>") == 1 + len(session(GOOD).items)
    assert '<td class="warn">warn</td>' in done.stdout
