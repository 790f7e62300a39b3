"""What is refused before it is read, and how a server is stopped."""

from __future__ import annotations

import base64
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from kit.fake_pipeline import FakePipeline
from kit.hostile_files import pdf_that_hangs
from kit.local_server import JSON, Running, grey, request, serving
from kit.places import TESTS
from plx_train.config.serve_options import ServeOptions
from plx_train.ground.errors import UserError
from plx_train.serving.app import create_app
from plx_train.serving.protocol import log_id_of
from plx_train.serving.server import open_socket

MIB = 1 << 20


def raw(server: Running, *parts: bytes, seconds: float = 5.0) -> bytes:
    """What comes back for these bytes until the server closes or is silent."""
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        answer = b""
        try:
            for part in parts:
                connection.sendall(part)
            while piece := connection.recv(65536):
                answer += piece
        except (TimeoutError, ConnectionError):
            pass
        return answer


@pytest.fixture(scope="module")
def server():  # type: ignore[no-untyped-def]
    options = ServeOptions(max_body_mb=1.0, timeout_seconds=1.0)
    with serving(create_app(FakePipeline(), options), options) as running:
        yield running


def test_a_large_request_is_refused_by_its_headers(server: Running) -> None:
    head = b"POST /ocr HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
    began = time.monotonic()
    answer = raw(server, head)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"above the limit of 1 MiB" in answer
    assert time.monotonic() - began < 4


def test_a_sender_that_does_not_stop_still_sees_the_answer(server: Running) -> None:
    answer = server.post(b'"' + b"x" * (8 * MIB) + b'"')
    assert answer.status == answer.told["errorCode"] == 413


def test_a_large_request_without_a_length_is_refused_on_the_way(server: Running) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    pieces = iter([b"x" * 65536] * 64)
    connection.request("POST", "/ocr", pieces, {"Content-Type": "application/json"}, encode_chunked=True)
    assert connection.getresponse().status == 413


def test_a_request_that_comes_too_slowly_is_408(server: Running) -> None:
    head = b"POST /ocr HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    assert raw(server, head, b"{").startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "head",
    [b"no http at all\r\n\r\n",
     b"POST /ocr HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n",
     b"POST /ocr HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n{}"],
    ids=["no http", "negative length", "two lengths"],
)  # fmt: skip
def test_what_is_no_http_is_400(server: Running, head: bytes) -> None:
    assert raw(server, head).startswith(b"HTTP/1.1 400 ")
    assert server.get("/health").status == 200


def test_headers_without_end_are_not_collected(server: Running) -> None:
    answer = raw(server, b"GET / HTTP/1.1\r\nHost: x\r\nX: ", *[b"y" * 50_000] * 8)
    assert answer[:12] in (b"HTTP/1.1 400", b""), "closed, and the reset may overtake the answer"
    assert server.get("/health").status == 200


def test_a_refused_request_is_not_the_next_one(server: Running) -> None:
    smuggled = b"POST /ocr HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 38\r\n\r\n"
    answer = raw(server, smuggled + b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n....")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 415 ")


def start(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, str(TESTS / "kit" / "fake_server.py"), "serve.port=0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert address.startswith("http://127.0.0.1:")
    return process, address


def post(address: str, value: int = 9) -> int:
    return request(
        address, "POST", "/ocr", json.dumps(grey(value)).encode(), {"Content-Type": "application/json"}
    ).status


def test_on_sigterm_requests_are_finished_and_no_new_ones_taken() -> None:
    process, address = start("seconds=1.5", "serve.max_batch=4")
    with ThreadPoolExecutor(4) as pool:
        inside = [pool.submit(post, address) for _ in range(4)]
        time.sleep(0.7)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        health = request(address, "GET", "/health")
        late = post(address)
        assert [one.result() for one in inside] == [200] * 4
    assert (health.status, health.told["errorCode"]) == (503, 503)
    assert "Draining: 4 requests" in health.told["errorMsg"]
    assert late == 503
    assert process.wait(10) == 0


def test_draining_ends_with_its_time() -> None:
    process, address = start("seconds=8", "serve.drain_seconds=0.5")
    with ThreadPoolExecutor(1) as pool:
        inside = pool.submit(post, address)
        time.sleep(0.5)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 1
        assert time.monotonic() - began < 6
        with pytest.raises((ConnectionError, http.client.HTTPException, AssertionError)):
            assert inside.result() != 200
            raise ConnectionError


@pytest.mark.long
@pytest.mark.parametrize(("hangs", "code"), [("thread", 0), ("threads", 0), ("python", -signal.SIGKILL)])
def test_a_prediction_that_hangs_does_not_keep_the_process(hangs: str, code: int) -> None:
    process, address = start(f"hangs={hangs}", "serve.timeout_seconds=1", "serve.drain_seconds=1")
    with ThreadPoolExecutor(1) as pool:
        inside = pool.submit(post, address)
        if hangs == "python":
            time.sleep(1.5)
        else:
            assert inside.result() == 504
            time.sleep(0.3)
            assert request(address, "GET", "/health").status == 503
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == code
        assert time.monotonic() - began < 8
        with suppress(ConnectionError, http.client.HTTPException):
            inside.result()


def test_files_that_hang_do_not_keep_the_process() -> None:
    process, address = start("serve.decode_seconds=60", "serve.timeout_seconds=1", "serve.drain_seconds=1")
    body = {"file": base64.b64encode(pdf_that_hangs()).decode(), "fileType": 0}
    with ThreadPoolExecutor(3) as pool:
        inside = [pool.submit(request, address, "POST", "/ocr", json.dumps(body).encode(), JSON) for _ in range(3)]
        assert {one.result().status for one in inside} == {504}
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5


def test_an_idle_server_stops_at_once() -> None:
    process, address = start()
    assert post(address) == 200
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert time.monotonic() - began < 3


def test_a_taken_port_is_a_sentence() -> None:
    with open_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"serve.port={port} can't be listened at"):
            open_socket("127.0.0.1", port)
    with pytest.raises(UserError, match="can't be listened at"):
        open_socket("no.such.host.invalid", 0)
    with pytest.raises(UserError, match="can't be listened at"):
        open_socket("127.0.0.1", 99999)


def test_what_identifies_a_refused_request_is_found_out_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []

    def found(body: bytes) -> str:
        threads.append(threading.current_thread().name)
        return log_id_of(body)

    monkeypatch.setattr("plx_train.serving.app.log_id_of", found)
    options = ServeOptions(decoders=1)
    with serving(create_app(FakePipeline(), options), options) as server:
        assert server.post({"file": "§", "fileType": 1, "logId": "mine"}).told["logId"] == "mine"
    assert threads and all(name.startswith("plx-serve") for name in threads)
