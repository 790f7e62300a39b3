"""An HTTP proxy on loopback that does to a server what networks, machines and those who stand between do."""

from __future__ import annotations

import base64
import contextlib
import http.client
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kit.bad_answers import BadAnswer

HOP_BY_HOP = ("connection", "transfer-encoding", "keep-alive", "content-length", "host", "server", "date")


class FaultyProxy:
    """Hands requests on to `port`, after the present fault: None, slow, error, refuse, cut, or what answers instead."""

    def __init__(self, port: int) -> None:
        self.fault: str | BadAnswer | None = None
        self.seconds = 0.0
        """Before each answer of a slow server."""
        self.hits: Callable[[str, str], bool] = lambda method, path: True
        """Which requests the fault hits."""
        self.login: str | None = None
        """``user:password`` that is asked for."""
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                outer._answer(self, port)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

            def log_message(self, *arguments: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.uri = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _answer(self, request: BaseHTTPRequestHandler, port: int) -> None:
        fault, self.requests = self.fault, self.requests + 1
        fault = fault if self.hits(request.command, request.path) else None
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if (
            self.login
            and request.headers.get("Authorization") != f"Basic {base64.b64encode(self.login.encode()).decode()}"
        ):
            request.send_error(401, "Unauthorized")
            return
        if isinstance(fault, BadAnswer):
            answer_badly(request, fault)
            return
        if fault == "refuse":
            request.connection.close()
            return
        if fault == "error":
            request.send_error(500, "Internal Server Error")
            return
        if fault == "slow":
            time.sleep(self.seconds)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request(request.command, request.path, body, dict(request.headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        request.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        # The server has done what was asked; the one who asked will not hear of it.
        request.wfile.write(content[: len(content) // 2] if fault == "cut" else content)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def answer_badly(request: BaseHTTPRequestHandler, bad: BadAnswer) -> None:
    """Says what `bad` says; what has no end goes on until nobody listens."""
    request.send_response(bad.status)
    for name, value in {"Content-Type": bad.kind, **bad.headers}.items():
        request.send_header(name, value)
    if not bad.is_endless:
        request.send_header("Content-Length", str(len(bad.body)))
    request.end_headers()
    request.wfile.write(bad.body)
    with contextlib.suppress(OSError):
        while bad.is_endless:
            request.wfile.write(b" " * 65536)
