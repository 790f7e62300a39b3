"""What is HTTP and what only looks like it: methods, framing, versions, sizes, and several requests in one go."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator

import pytest

from kit.fake_pipeline import FakePipeline
from kit.local_server import Running, grey, request, serving
from plx_train.config.serve_options import ServeOptions
from plx_train.serving.app import create_app

HOST = b"Host: x\r\n"
JSON = HOST + b"Content-Type: application/json\r\n"
BODY = json.dumps(grey(9)).encode()
CRUMB = b"1\r\nx\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    options = ServeOptions(header_seconds=2.0, idle_seconds=1.0, timeout_seconds=10.0)
    with serving(create_app(FakePipeline(), options), options) as running:
        yield running


def told(server: Running, *parts: bytes) -> bytes:
    """All that comes back for these bytes until the server closes."""
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        answer = b""
        try:
            for part in parts:
                connection.sendall(part)
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionError:
            pass
        return answer


POST = b"POST /ocr HTTP/1.1\r\n" + JSON
CHUNKED = b"Transfer-Encoding: chunked\r\n"
NO_REQUESTS = {
    "two ways to end": POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "chunked twice": POST + 2 * CHUNKED + b"\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "chunked in 1.0": b"POST /ocr HTTP/1.0\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a signed length": POST + b"Content-Length: +5\r\n\r\n12345",
    "a space before the colon": b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n",
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /health\r\n\r\n",
    "a long target": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "many headers": b"GET /health HTTP/1.1\r\n" + HOST + b"".join(b"A%d: b\r\n" % n for n in range(200)) + b"\r\n",
    "a long header": b"GET /health HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 20_000 + b"\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", NO_REQUESTS)
def test_what_is_no_request_is_400_in_the_protocols_words(name: str, server: Running) -> None:
    head, _, content = told(server, NO_REQUESTS[name]).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert head.count(b"HTTP/1.1") == 1
    assert json.loads(content)["errorCode"] == 400
    assert server.post(grey(3)).text == "3"


def test_a_body_in_crumbs_costs_its_sender_the_connection(server: Running) -> None:
    head = b"POST /ocr HTTP/1.1\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n"
    began = time.monotonic()
    answer = told(server, head, *[CRUMB * 10_000] * 100)
    assert answer[:12] in (b"HTTP/1.1 400", b""), "the reset may overtake the answer"
    assert time.monotonic() - began < 8
    assert server.post(grey(3)).text == "3"


def test_a_body_in_pieces_is_read(server: Running) -> None:
    head = b"POST /ocr HTTP/1.1\r\n" + JSON + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    pieces = b"".join(b"40;name=value\r\n%s\r\n" % BODY[at : at + 64].ljust(64) for at in range(0, len(BODY), 64))
    assert told(server, head, pieces, b"0\r\nTrailer: a\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_what_is_no_chunk_after_a_refusal_ends_quietly(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /ocr HTTP/1.1\r\n" + HOST + b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = told(server, head, b"5\r\nhello\r\n", b"no chunk at all\r\n" * 20)
    assert answer.count(b"HTTP/1.1 ") <= 1
    time.sleep(0.2)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_requests_in_one_go_are_answered_in_order(server: Running) -> None:
    post = b"POST /ocr HTTP/1.1\r\n" + JSON + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    answer = told(
        server, b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n" + post + b"GET /nowhere HTTP/1.1\r\n" + HOST + b"\r\n"
    )
    statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"404"]


def test_many_requests_in_one_go_are_not_collected(server: Running) -> None:
    one = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"
    assert told(server, one * 500).count(b"HTTP/1.1 200 ") == 500


def test_the_body_is_asked_for_only_where_it_will_be_read(server: Running) -> None:
    expecting = b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    wanted = told(server, b"POST /ocr HTTP/1.1\r\n" + JSON + expecting, BODY)
    refused = told(server, b"POST /ocr HTTP/1.1\r\n" + HOST + b"Content-Type: text/plain\r\n" + expecting, BODY)
    assert wanted.startswith(b"HTTP/1.1 100 ")
    assert b"HTTP/1.1 200 " in wanted
    assert b"HTTP/1.1 415 " in refused


def test_http_1_0_is_answered_and_closed(server: Running) -> None:
    answer = told(server, b"GET /health HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("target", [b"http://x/health", b"HTTP://x/health"])
def test_a_target_as_proxies_write_it(target: bytes, server: Running) -> None:
    answer = told(server, b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/", "/api", "/health", "/metrics", "/openapi.json"])
def test_head_is_get_without_the_body(path: str, server: Running) -> None:
    answer = told(server, f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n"), "no body"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/ocr", "POST"), ("HEAD", "/ocr", "POST"), ("PUT", "/ocr", "POST"), ("TRACE", "/ocr", "POST"),
     ("POST", "/health", "GET"), ("DELETE", "/metrics", "GET"), ("OPTIONS", "/ocr", "POST")],
)  # fmt: skip
def test_other_methods_are_405(method: str, path: str, allowed: str, server: Running) -> None:
    answer = request(server.address, method, path)
    assert answer.status == 405
    assert answer.headers["allow"] == allowed


@pytest.mark.long
@pytest.mark.parametrize(
    "path", ["//ocr", "/ocr/", "/../ocr", "/%2e%2e/ocr", "/ocr%00", "/\u00e4".encode("latin-1").hex(), "*"]
)
def test_other_paths_are_404(path: str, server: Running) -> None:
    answer = told(server, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer[9:12] in (b"404", b"307")


def test_an_upgrade_is_passed_over(server: Running) -> None:
    upgrade = (
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: YQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert told(server, b"GET /health HTTP/1.1\r\n" + HOST + upgrade).startswith(b"HTTP/1.1 200 ")
    h2c = b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
    assert told(server, b"GET /health HTTP/1.1\r\n" + HOST + h2c).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("host", "status"),
    [("ocr.example", 200), ("OCR.example:8080", 200), ("[::1]:80", 200), ("127.0.0.1:9", 200), ("evil.example", 421),
     ("ocr.example.evil", 421), ("", 421)],
)  # fmt: skip
def test_only_hosts_that_are_allowed(host: str, status: int) -> None:
    options = ServeOptions(allowed_hosts=["ocr.example", "::1", "127.0.0.1"])
    with serving(create_app(FakePipeline(), options), options) as server:
        assert request(server.address, "GET", "/health", headers={"Host": host}).status == status
