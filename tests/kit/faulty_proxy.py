"""An HTTP proxy on loopback that does to a server what networks and machines do."""

from __future__ import annotations

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP_BY_HOP = ("connection", "transfer-encoding", "keep-alive", "content-length", "host", "server", "date")


class FaultyProxy:
    """Hands requests on to `port`, after the present fault: None, slow, error, refuse or cut."""

    def __init__(self, port: int) -> None:
        self.fault: str | None = None
        self.seconds = 0.0
        """Before each answer of a slow server."""
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
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
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
