"""The page over HTTP on 127.0.0.1: reading only, numbers only, to a browser on this machine only.

Bound to the one address, so nobody else can connect. The Host header has to name it, so a page from elsewhere that has
had its own name resolved to 127.0.0.1 (DNS rebinding) reads nothing. No other site may read the answers (no CORS), and
the page may load nothing from anywhere else (Content-Security-Policy).
"""

from __future__ import annotations

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from watchkeeper.commands.aim import page
from watchkeeper.errors import BadInputError

ADDRESS = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_SILENT_S = 5.0  # a connection that says nothing is closed


class PageServer:
    """Serves from its own threads until `close`. numbers: the newest `numbers.json`, put there by the owner."""

    def __init__(self, port: int) -> None:
        """port: 0 for any that is free. Raises BadInputError when it cannot be had."""
        self.numbers = b"{}"
        try:
            self._server = ThreadingHTTPServer((ADDRESS, port), self._handler())
        except OSError as error:
            raise BadInputError(f"--page {port}: {ADDRESS}:{port} cannot be had: {error.strerror}") from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{ADDRESS}:{self._server.server_address[1]}/"

    def close(self) -> None:
        """Nothing is served any more when this returns."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, host: str | None) -> tuple[HTTPStatus, str, bytes]:
        """Status, kind and body of a GET. host: what the request calls this server."""
        port = self._server.server_address[1]
        if host not in (f"{ADDRESS}:{port}", f"localhost:{port}"):
            return HTTPStatus.FORBIDDEN, "text/plain", b"for a browser on this machine only\n"
        found = {
            "/": ("text/html; charset=utf-8", page.HTML.encode()),
            "/aim.css": ("text/css", page.CSS.encode()),
            "/aim.js": ("text/javascript", page.JS.encode()),
            "/numbers.json": ("application/json", self.numbers),
        }.get(path)
        return (HTTPStatus.OK, *found) if found else (HTTPStatus.NOT_FOUND, "text/plain", b"no such page\n")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            """GET; every other method is answered 501 by the library."""

            timeout = _SILENT_S
            server_version, sys_version = "watchkeeper", ""

            def do_GET(self) -> None:
                status, kind, body = answer(self.path, self.headers.get("Host"))
                self.send_response(status)
                for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **_HEADERS}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Who looks at the page is nobody's business."""

        return Handler
