"""Connections end when their time is up, whatever they wait for, and those that do nothing make room for others."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from select import select
from threading import Event

import psutil
import pytest
from fastapi.responses import Response

from kit.fake_pipeline import FakePipeline
from kit.local_server import Running, grey, request, serving
from kit.places import TESTS
from kit.processes import until
from plx_train.config.serve_options import ServeOptions
from plx_train.serving.app import create_app
from plx_train.serving.doorkeeper import spare_descriptors, within_descriptors

BIG = 20 << 20


@contextmanager
def running(options: ServeOptions) -> Iterator[Running]:
    app = create_app(FakePipeline(), options)
    app.get("/big")(lambda: Response(b"x" * BIG))
    with serving(app, options) as server:
        yield server


def opened(server: Running, *parts: bytes) -> socket.socket:
    host, port = server.address.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    for part in parts:
        connection.sendall(part)
    return connection


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server closes; fails if it does not."""
    answer = b""
    with connection:
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionError:
            pass
    return answer


def closed(server: Running, limit: str) -> float:
    found = re.search(
        rf'plx_connections_closed_total{{limit="{limit}"}} (\S+)', server.get("/metrics").content.decode()
    )
    assert found is not None
    return float(found[1])


def held(server: Running) -> int:
    return len(server.server.server_state.connections)


def seconds_of_dripping(connection: socket.socket) -> float:
    """How long byte after byte can be sent until the server ends the connection; 15 where it doesn't."""
    began = time.monotonic()
    with connection, suppress(OSError):
        while time.monotonic() - began < 15:
            connection.sendall(b"a")
            time.sleep(0.1)
    return time.monotonic() - began


def test_headers_that_do_not_come_are_408() -> None:
    with running(ServeOptions(header_seconds=1.0)) as server:
        began = time.monotonic()
        connection = opened(server, b"GET / HTTP/1.1\r\nX-")
        assert rest(connection).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 5
        assert closed(server, "headers") == 1


def test_headers_that_drip_are_408() -> None:
    with running(ServeOptions(header_seconds=1.0)) as server:
        connection = opened(server, b"GET / HTTP/1.1\r\nX-")
        assert seconds_of_dripping(connection) < 8
        assert closed(server, "headers") == 1


def test_the_headers_of_a_second_request_have_their_time_too() -> None:
    with running(ServeOptions(header_seconds=1.0, idle_seconds=30.0)) as server:
        connection = opened(server, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /hea")
        answer = rest(connection)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"HTTP/1.1 408 " in answer


def test_connections_without_a_request_are_closed() -> None:
    with running(ServeOptions(header_seconds=1.0, idle_seconds=1.0)) as server:
        assert rest(opened(server)) == b""
        assert rest(opened(server, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        until(lambda: held(server) == 0)


def test_requests_in_good_time_keep_a_connection() -> None:
    with running(ServeOptions(header_seconds=1.0, idle_seconds=1.5)) as server:
        connection = opened(server)
        for _ in range(6):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.5)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        connection.close()


def test_a_body_that_nobody_reads_keeps_no_connection() -> None:
    with running(ServeOptions()) as server:
        connection = opened(server, b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert seconds_of_dripping(connection) < 10


def test_an_answer_that_nobody_takes_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plx_train.serving.connection.STALLED_SECONDS", 1.0)
    with running(ServeOptions()) as server:
        stuck = opened(server, b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: held(server) == 1)
        assert len(request(server.address, "GET", "/big").content) == BIG
        until(lambda: held(server) == 0)
        assert closed(server, "answer") == 1
        stuck.close()


def test_an_answer_that_is_taken_too_slowly_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plx_train.serving.connection.GRACE_SECONDS", 1.0)
    with running(ServeOptions(min_kb_per_second=1e6)) as server:
        slow = opened(server, b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        began = time.monotonic()
        while held(server) and time.monotonic() - began < 15:
            slow.recv(65536)
            time.sleep(0.05)
        assert held(server) == 0
        slow.close()


def test_answers_that_nobody_takes_are_limited_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plx_train.serving.doorkeeper.UNSENT_BYTES", 2 * BIG)
    with running(ServeOptions()) as server:
        stuck = [opened(server, b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(6)]
        until(lambda: closed(server, "answer") >= 3)
        for one in stuck:
            one.close()


def test_a_server_whose_answers_nobody_takes_stops_at_once() -> None:
    with running(ServeOptions()) as server:
        stuck = opened(server, b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: held(server) == 1)
        began = time.monotonic()
    assert time.monotonic() - began < 8
    stuck.close()


def test_where_there_is_no_room_those_that_are_idle_are_closed() -> None:
    with running(ServeOptions(max_connections=4)) as server:
        idle = [opened(server, b"GET / HT") for _ in range(4)]
        until(lambda: held(server) == 4)
        for value in range(6):
            assert server.post(grey(value)).text == str(value)
        assert closed(server, "crowd") >= 1
        for one in idle:
            one.close()


def test_where_all_are_at_work_others_are_told_to_come_again() -> None:
    pipeline, options = FakePipeline(), ServeOptions(max_connections=2, max_batch=1)
    pipeline.may_go_on.clear()
    with serving(create_app(pipeline, options), options) as server:
        body = b'{"file": ""}'
        head = b"POST /ocr HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
        busy = [opened(server, head + body[:5]) for _ in range(2)]
        until(lambda: server.service.admission.in_flight == 2)
        refused = server.get("/health")
        assert (refused.status, refused.headers["retry-after"], refused.told["errorCode"]) == (503, "1", 503)
        for one in busy:
            one.close()
        pipeline.may_go_on.set()


def test_one_address_may_have_its_own_limit() -> None:
    options = ServeOptions(max_connections_per_address=3)
    with running(options) as server:
        idle = [opened(server, b"GET / HT") for _ in range(8)]
        until(lambda: closed(server, "crowd") >= 5)
        assert server.get("/health").status == 200
        assert held(server) <= 3
        for one in idle:
            one.close()


def test_one_that_was_refused_makes_no_room_for_the_next() -> None:
    options = ServeOptions(max_connections_per_address=1)
    with running(options) as server:
        head = b"POST /ocr HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
        busy = opened(server, head)
        until(lambda: server.service.admission.in_flight == 1)
        refused = [opened(server) for _ in range(20)]
        told = [one.recv(64) for one in refused]
        assert [each[:13] for each in told] == [b"HTTP/1.1 503 "] * 20
        for one in (busy, *refused):
            one.close()


def test_connections_of_one_address_that_come_at_once_are_counted() -> None:
    options, is_paused, may_go_on = ServeOptions(max_connections_per_address=3), Event(), Event()
    app = create_app(FakePipeline(), options)

    @app.get("/pause")
    async def pause() -> None:
        is_paused.set()
        may_go_on.wait(10)  # nothing else happens in the server meanwhile

    with serving(app, options) as server:
        pausing = opened(server, b"GET /pause HTTP/1.1\r\nHost: x\r\n\r\n")
        assert is_paused.wait(10)
        head = b"POST /ocr HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
        at_once = [opened(server, head) for _ in range(12)]
        may_go_on.set()
        # Those that may stay wait for the rest of their bodies.
        until(lambda: len(select(at_once, [], [], 0)[0]) >= 9, seconds=6)
        for one in (pausing, *at_once):
            one.close()


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def limited(files: int, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """A server that may open so many files, and its address."""
    command = [sys.executable, "-c", LIMITED.format(files=files), str(TESTS / "kit" / "fake_server.py"), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def flood(address: str, count: int) -> list[socket.socket]:
    host, port = address.removeprefix("http://").split(":")
    half_open = []
    for _ in range(count):
        one = socket.create_connection((host, int(port)), timeout=10)
        one.sendall(b"GET / HTTP/1.1\r\nX-")
        half_open.append(one)
    return half_open


def test_more_connections_than_descriptors_keep_nobody_out() -> None:
    process, address = limited(128, "serve.port=0")
    half_open = flood(address, 200)
    time.sleep(1.5)  # Who comes in the midst of it may be refused as well.
    for _ in range(3):
        assert request(address, "GET", "/health").status == 200
    for one in half_open:
        one.close()
    process.terminate()
    _, log = process.communicate(timeout=20)
    assert process.returncode == 0
    assert log == ""


def test_when_descriptors_run_out_the_log_says_so_once() -> None:
    process, address = limited(64, "serve.port=0", "spare=-1000")
    half_open = flood(address, 100)
    until(lambda: request(address, "GET", "/health").status == 200)
    spent = cpu_seconds(process.pid)
    time.sleep(2.0)
    assert cpu_seconds(process.pid) - spent < 1.0, "it does not spin"
    for one in half_open:
        one.close()
    until(lambda: request(address, "GET", "/health").status == 200)
    process.terminate()
    _, log = process.communicate(timeout=20)
    assert process.returncode == 0
    assert log.count("No connection can be accepted") == 1
    assert len(log.splitlines()) == 1


def cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def test_descriptors_that_other_things_need_are_left_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1000, 1000))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    spare = spare_descriptors(num_decoders=8, max_batch=8, fetches=True)
    usual, more = within_descriptors(5000, 96), within_descriptors(5000, 96 + spare)
    assert usual - more == spare == 8 * 5 + 16 + 48
    assert within_descriptors(10, 96 + spare) == 10
