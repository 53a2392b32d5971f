"""HTTP: a real server on a loopback port in front of a provider's account, with the faults of the script.

Requests are carried out one at a time, under one lock. `POST /_control/<method>` with a JSON object of arguments calls
the methods of `life` and a few of the fake itself, for tests in other languages.
"""

import http.server
import json
import re
import socket
import ssl
import struct
import threading
import urllib.parse
from dataclasses import dataclass, field

from .faults import Fault

BODY_MAX = 1_000_000
OVERSIZED = 50_000_000
PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>upstream is not there</body></html>"


@dataclass(eq=False)
class Request:
    """One request as the routes see it."""

    method: str
    path: str
    query: str
    headers: dict
    raw: bytes
    status: int = 0
    answer: object = None
    fault: str | None = None
    data: dict = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def json(self) -> dict:
        return json.loads(self.raw) if self.raw else {}

    @property
    def params(self) -> dict:
        """The query, where each name occurs once."""
        return dict(urllib.parse.parse_qsl(self.query, keep_blank_values=True))


class Answered(Exception):
    """Another answer than the good one."""

    def __init__(self, status: int, body: object, headers: dict | None = None):
        super().__init__(status, body)
        self.status, self.body, self.headers = status, body, headers or {}


def route(pattern: str, status: int = 200):
    """Marks a method as what answers `METHOD /path/{}`; braces take one part of the path."""

    def mark(function):
        method, path = pattern.split(" ", 1)
        expression = re.compile(re.escape(path).replace(r"\{\}", "([^/]+)") + "$")
        function.routes = [*getattr(function, "routes", []), (method, expression, status)]
        return function

    return mark


def routes_of(kind: type) -> list:
    """Every route of a class, exact paths before those with braces."""
    found = {}
    for parent in reversed(kind.__mro__):
        for name, function in vars(parent).items():
            for method, expression, status in getattr(function, "routes", []):
                found[method, expression.pattern] = (method, expression, status, name)
    return sorted(found.values(), key=lambda entry: entry[1].pattern.count("("))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake = None

    def handle_one(self):
        length = int(self.headers.get("Content-Length") or 0)
        assert length <= BODY_MAX
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, urllib.parse.unquote(path), query, headers, self.rfile.read(length))
        if request.path.startswith("/_control/"):
            return self.write(*self.fake.control(request))
        fault = self.fake.faults.strike(request.method, request.path)
        request.fault = fault.kind if fault else None
        if fault is None:
            return self.write(*self.fake.answer(request))
        return self.strike(request, fault)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

    def strike(self, request: Request, fault: Fault):
        if fault.kind == "already_done":
            return self.write(*self.fake.answer_second(request))
        status, headers, body = self.fake.answer(request) if fault.has_effect else (0, {}, b"")
        if not fault.has_effect:
            self.fake.requests.append(request)
        kind = fault.kind.removesuffix("_after")
        if kind == "rate_limited":
            self.write(*self.fake.refuse(429, fault.detail))
        elif kind == "error":
            self.write(*self.fake.refuse(int(fault.detail or 500), None, request if fault.has_effect else None))
        elif kind == "hang":
            self.fake.stopped.wait(float(fault.detail or 120))
            self.close_connection = True
        elif kind == "reset":
            self.reset()
        elif kind == "page":
            self.write(int(fault.detail or 502), {"Content-Type": "text/html"}, PAGE)
        elif kind == "redirect":
            self.write(302, {"Location": str(fault.detail or self.fake.base_url + "/elsewhere")}, b"")
        elif kind == "half":
            self.half(status, headers, body)
        elif kind == "oversized":
            self.oversized(status, headers, int(fault.detail or OVERSIZED))
        elif kind == "invalid_json":
            self.write(status, headers, body[:-1] + b",}")
        elif kind == "empty":
            self.write(status, headers, b"")

    def write(self, status: int, headers: dict, body: bytes):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reset(self):
        """Closes so that the other side reads a reset, not an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def half(self, status: int, headers: dict, body: bytes):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self.close_connection = True

    def oversized(self, status: int, headers: dict, size: int):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        piece = b"[" * 65536
        for _ in range(size // len(piece) + 1):
            self.wfile.write(piece)
        self.close_connection = True

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            # The other side went away, or we did as a fault told.
            pass

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, fake, certificate=None):
        super().__init__(("127.0.0.1", 0), type("Handler", (Handler,), {"fake": fake}))
        self.port = self.server_address[1]
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
            # The handshake belongs to the connection's own thread.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client_address):
        self.RequestHandlerClass.fake.failed()
