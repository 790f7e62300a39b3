"""What waits for bytes keeps nobody out: slow lines hold no place in the house, and do not count for its pace."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit.fake_pipeline import FakePipeline
from kit.local_server import Running, grey, serving
from kit.processes import until
from plx_train.config.serve_options import ServeOptions
from plx_train.serving.app import create_app
from plx_train.serving.house import House, Stay
from plx_train.serving.refusal import Refusal


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def entered(house: House, seconds: float = 60.0) -> Stay:
    stay = Stay(house, seconds)
    stay.enter()
    return stay


def test_the_pace_is_what_an_answer_costs_the_house() -> None:
    clock = Clock()
    house = House(64, 60.0, clock)
    stays = [entered(house) for _ in range(8)]
    clock.now += 4.0
    for stay in stays:
        stay.leave(200)
    assert house.pace() == pytest.approx(0.5), "eight came of four seconds"


def test_one_that_took_long_does_not_refuse_the_others() -> None:
    clock = Clock()
    house = House(64, 60.0, clock)
    for _ in range(3):
        stay = entered(house)
        clock.now += 0.01
        stay.leave(200)
    long = entered(house)
    clock.now += 50.0
    long.leave(200)
    assert house.pace() == pytest.approx(0.01)
    for _ in range(8):
        entered(house)
    assert house.inside == 8


def test_what_took_long_is_forgotten() -> None:
    clock = Clock()
    house = House(64, 60.0, clock)
    long = entered(house)
    clock.now += 50.0
    long.leave(200)
    entered(house)
    with pytest.raises(Refusal, match="would not come to the request"):
        entered(house)
    clock.now += 121.0
    entered(house)


def test_time_outside_does_not_count() -> None:
    clock = Clock()
    house = House(1, 60.0, clock)
    stay = entered(house)
    stay.leave()
    assert house.inside == 0
    clock.now += 40.0
    stay.enter()
    clock.now += 0.1
    stay.leave(200)
    stay.leave(200)
    assert (house.pace(), house.inside) == (pytest.approx(0.1), 0)


@pytest.mark.parametrize(("status", "is_decoded"), [(422, True), (503, False), (None, True), (504, False)])
def test_answers_that_say_nothing_of_the_pace(status: int | None, is_decoded: bool) -> None:
    clock = Clock()
    house = House(64, 60.0, clock)
    stay = entered(house)
    stay.is_decoded = is_decoded
    clock.now += 50.0
    stay.leave(status)
    assert house.pace() == 0.0


def test_who_has_little_time_left_is_refused_sooner() -> None:
    clock = Clock()
    house = House(64, 60.0, clock)
    stay = entered(house)
    clock.now += 4.0
    stay.leave(200)
    entered(house)
    entered(house)
    with pytest.raises(Refusal, match="would not come to the request"):
        entered(house, 10.0)


def begun(server: Running, body: bytes, sent: int) -> socket.socket:
    """A connection on which so many bytes of the body have been sent."""
    host, port = server.address.removeprefix("http://").split(":")
    opened = socket.create_connection((host, int(port)), timeout=20)
    head = f"POST /ocr HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    opened.sendall(head.encode() + body[:sent])
    return opened


def test_a_slow_line_does_not_make_the_server_refuse_others() -> None:
    options = ServeOptions(timeout_seconds=20.0)
    body = json.dumps(grey(9)).encode()
    with serving(create_app(FakePipeline(), options), options) as server:
        slow = [begun(server, body, 5) for _ in range(3)]
        time.sleep(4.0)
        for one in slow:
            one.sendall(body[5:])
            assert one.recv(100).startswith(b"HTTP/1.1 200 ")
            one.close()
        for _ in range(3):
            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(server.post, [grey(value) for value in range(8)]))
            assert [answer.status for answer in answers] == [200] * 8


def test_slow_senders_hold_no_place_in_the_house() -> None:
    options = ServeOptions(queue_size=2, max_sending=8, timeout_seconds=20.0)
    body = json.dumps(grey(9)).encode()
    with serving(create_app(FakePipeline(), options), options) as server:
        slow = [begun(server, body, 5) for _ in range(6)]
        until(lambda: server.service.admission.in_flight == 6)
        assert server.post(grey(7)).text == "7"
        for one in slow:
            one.close()
        until(lambda: server.service.admission.in_flight == 0)


def test_where_others_wait_to_send_the_slowest_gives_up_its_place() -> None:
    options = ServeOptions(max_sending=3, timeout_seconds=20.0)
    body = json.dumps(grey(9)).encode()
    with serving(create_app(FakePipeline(), options), options) as server:
        slow = [begun(server, body, 10 * number) for number in (2, 1, 3)]
        until(lambda: server.service.admission.in_flight == 3)
        young = server.post(grey(7))
        time.sleep(1.2)
        assert server.post(grey(7)).text == "7"
        assert slow[1].recv(100).startswith(b"HTTP/1.1 408 ")
        slow[0].sendall(body[20:])
        assert slow[0].recv(100).startswith(b"HTTP/1.1 200 ")
        for one in slow:
            one.close()
    assert (young.status, young.headers["retry-after"]) == (503, "1"), "nobody can be called slow yet"


def test_a_body_below_the_least_pace_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plx_train.serving.senders.GRACE_SECONDS", 1.0)
    options = ServeOptions(timeout_seconds=30.0)
    with serving(create_app(FakePipeline(), options), options) as server:
        began = time.monotonic()
        one = begun(server, b"x" * 5000, 5)
        answer = one.recv(1000)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 6
        one.close()


def test_of_too_many_bytes_the_largest_body_that_is_on_its_way_gives_way() -> None:
    options = ServeOptions(timeout_seconds=20.0)
    large = b"x" * 4_000_000
    with serving(create_app(FakePipeline(), options), options) as server:
        senders = server.service.admission.senders
        senders.most_bytes = 5_000_000
        first = begun(server, large, 3_000_000)
        until(lambda: senders.held == 3_000_000)
        second = begun(server, large, 2_500_000)
        answer = first.recv(2000)
        assert answer.startswith(b"HTTP/1.1 503 ") and b"retry-after" in answer.lower()
        until(lambda: senders.held == 2_500_000)
        assert server.post(grey(7)).text == "7"
        for one in (first, second):
            one.close()
        until(lambda: server.service.admission.in_flight == 0)
        assert senders.held == 0


def test_a_body_counts_until_its_request_is_answered() -> None:
    pipeline, options = FakePipeline(), ServeOptions(timeout_seconds=20.0)
    pipeline.may_go_on.clear()
    with serving(create_app(pipeline, options), options) as server, ThreadPoolExecutor(1) as pool:
        senders = server.service.admission.senders
        inside = pool.submit(server.post, grey(1))
        until(lambda: server.service.admission.house.inside == 1)
        assert senders.held > 0
        senders.most_bytes = senders.held
        assert server.post(grey(2)).status == 503
        pipeline.may_go_on.set()
        assert inside.result().status == 200
        until(lambda: senders.held == 0)  # The answer arrives before its place is given back.


def test_the_place_is_asked_for_again_when_the_body_has_come() -> None:
    pipeline, options = FakePipeline(), ServeOptions(queue_size=1, max_batch=1)
    pipeline.may_go_on.clear()
    body = json.dumps(grey(9)).encode()
    with serving(create_app(pipeline, options), options) as server, ThreadPoolExecutor(1) as pool:
        slow = begun(server, body, 5)
        until(lambda: server.service.admission.in_flight == 1)
        inside = pool.submit(server.post, grey(1))
        until(lambda: server.service.admission.house.inside == 1)
        slow.sendall(body[5:])
        assert slow.recv(100).startswith(b"HTTP/1.1 503 ")
        pipeline.may_go_on.set()
        assert inside.result().status == 200
        slow.close()


def test_fetches_hold_neither_threads_nor_places(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()
    content = base64.b64decode(grey(50)["file"])

    def drip(url: str, max_bytes: int, seconds: float) -> bytes:
        may_end.wait(20)
        return content

    monkeypatch.setattr("plx_train.serving.app.fetch", drip)
    options = ServeOptions(fetch_urls=True, queue_size=2)
    body = {"file": "http://slow.example/a.png", "fileType": 1, "visualize": False}
    with serving(create_app(FakePipeline(), options), options) as server, ThreadPoolExecutor(17) as pool:
        slow = []
        for number in range(1, 17):
            slow.append(pool.submit(server.post, body))
            until(lambda number=number: server.service.fetcher._fetching == number)
        assert server.post(grey(7)).text == "7"
        more = server.post(body)
        may_end.set()
        statuses = {one.result().status for one in slow}
        until(lambda: server.service.fetcher._fetching == 0)
        assert server.post(body).text == "50"
        assert server.service.admission.house.pace() < 2.0, "waiting for bytes is no work"
    assert (more.status, more.headers.get("retry-after")) == (503, "2")
    assert 200 in statuses
