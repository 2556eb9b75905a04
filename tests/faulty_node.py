"""A bad line to a good node: a proxy that drops, delays, repeats, refuses and cuts answers short."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

Hook = Callable[[str], None]
SENDS = ("eth_sendTransaction", "eth_sendRawTransaction")

FAULTS = (
    "drop before",
    "drop after",
    "delay",
    "twice",
    "429",
    "500",
    "busy",
    "cut short",
    "not json",
)
"""What can happen to a request; the node has seen it in "drop after", "twice" and "cut short"."""


class Proxy:
    """Forwards to `target`; every `every`-th request meets `fault`.

    `before` and `after` are called with the method of each request around its forwarding.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.fault = ""
        self.every = 0
        self.before: Hook = lambda method: None
        self.after: Hook = lambda method: None
        self.url = ""
        self.met = 0
        self._count = 0
        self._lock = Lock()

    def forward(self, body: bytes) -> bytes:
        # A line of its own for each request, as requests come on lines of their own.
        line = HTTPConnection(urlsplit(self.target).netloc, timeout=30)
        try:
            line.request("POST", "/", body, {"content-type": "application/json"})
            return line.getresponse().read()
        finally:
            line.close()

    def meets_fault(self) -> bool:
        with self._lock:
            self._count += 1
            meets = bool(self.fault) and self.every > 0 and self._count % self.every == 0
            self.met += meets
            return meets


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            request = json.loads(body)
            method = request[0]["method"] if isinstance(request, list) else request["method"]
            fault = proxy.fault if proxy.meets_fault() else ""
            if fault == "delay":
                time.sleep(0.1)
            if fault in ("429", "500"):
                self.send_error(int(fault))
                return
            if fault == "busy":
                error = {"code": -32005, "message": "limit exceeded"}
                self.reply(json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode())
                return
            if fault in ("drop before", "not json"):
                if fault == "not json":
                    self.reply(b"<html>gateway</html>")
                self.close_connection = True
                return
            proxy.before(method)
            answer = proxy.forward(body)
            if fault == "twice":
                answer = proxy.forward(body)
            proxy.after(method)
            if fault == "drop after":
                self.close_connection = True
                return
            self.reply(answer[: len(answer) // 2] if fault == "cut short" else answer)

        def reply(self, answer: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    return Handler


@contextmanager
def faulty_node(target: str) -> Iterator[Proxy]:
    """A proxy on loopback, stopped at the end."""
    proxy = Proxy(target)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
