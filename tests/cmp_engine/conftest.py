"""A web server on this machine that can behave badly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them

    def __init__(self, data: bytes, plan: Sequence[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data = data
        self.plan = plan
        self.ranges: list[str | None] = []
        self.released = threading.Event()

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is part of the tests


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self):
        behaviour = self.server.plan[min(len(self.server.ranges), len(self.server.plan) - 1)]
        self.server.ranges.append(self.headers["Range"])
        name, _, argument = behaviour.partition(":")
        getattr(self, f"_{name}")(*filter(None, [argument]))

    def _start(self) -> int:
        return int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))

    def _send_head(self, status: int, length: int | None, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _send_part(self, *, announced: int | None = None, start: int | None = None) -> bytes:
        """Send the head of the asked part; return its body."""
        start = self._start() if start is None else start
        size = len(self.server.data)
        body = self.server.data[start:]
        length = len(body) if announced is None else announced
        self._send_head(206, length, Content_Range=f"bytes {start}-{size - 1}/{size}")
        return body

    def _good(self):
        self.wfile.write(self._send_part())

    def _whole(self):
        self._send_head(200, len(self.server.data))
        self.wfile.write(self.server.data)

    def _whole_broken(self):
        self._send_head(200, len(self.server.data))
        self.wfile.write(self.server.data[: len(self.server.data) // 2])

    def _broken(self):
        body = self._send_part()
        self.wfile.write(body[: len(body) // 2])

    def _stalling(self):
        body = self._send_part()
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        self.server.released.wait(30)

    def _silent(self):
        self.server.released.wait(30)

    def _status(self, status: str):
        self._send_head(int(status), 0)

    def _announcing(self, length: str):
        body = self._send_part(announced=int(length))
        self.wfile.write(body)

    def _overflowing(self):
        self._send_head(200, None)
        self.wfile.write(self.server.data + b"more")

    def _unannounced(self):
        self._send_head(200, None)
        self.wfile.write(self.server.data)

    def _other_part(self):
        self.wfile.write(self._send_part(start=self._start() + 1))

    def _redirecting(self):
        self._send_head(302, 0, Location="/elsewhere")

    def _garbage(self):
        self.wfile.write(b"what do you want?\r\n\r\n")

    def log_message(self, *_args):
        pass


@pytest.fixture
def file_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Start servers: ``file_server(data, plan)`` returns an address.

    The plan names what each request meets; the last entry holds for all further ones.
    ``file_server.ranges(url)`` lists the Range headers that came.
    """
    monkeypatch.setenv("no_proxy", "*")
    running: list[tuple[_Server, threading.Thread]] = []

    def start(data: bytes, plan: Sequence[str] = ("good",)) -> str:
        server = _Server(data, plan)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/weights.pth.tar"

    def ranges(url: str) -> list[str | None]:
        return next(s.ranges for s, _ in running if f":{s.server_port}/" in url)

    start.ranges = ranges
    yield start
    for server, thread in running:
        server.released.set()
        server.shutdown()
        thread.join()
        with suppress(OSError):
            server.server_close()
