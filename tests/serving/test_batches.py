"""Requests that come together are predicted together, each gets its own answer, and what differs is kept apart."""

from __future__ import annotations

import gc
import http.client
import json
import logging
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from kit.fake_pipeline import FakePipeline
from kit.local_server import Answer, Running, grey, serving
from kit.processes import until
from plx_train.config.serve_options import ServeOptions
from plx_train.ground.errors import UserError
from plx_train.serving.app import create_app


def send_all(server: Running, bodies: list[dict]) -> list[Answer]:
    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(server.post, bodies))


def in_flight(server: Running) -> int:
    assert server.service.admission is not None
    return server.service.admission.in_flight


def test_requests_are_joined_and_answered_each_with_its_own() -> None:
    pipeline, options = FakePipeline(), ServeOptions(max_batch=8, max_wait_ms=300.0)
    with serving(create_app(pipeline, options), options) as server:
        answers = send_all(server, [grey(10 * number) for number in range(8)])
    assert [answer.text for answer in answers] == [str(10 * number) for number in range(8)]
    assert [size for size, _ in pipeline.batches] == [8], "a full batch does not wait"


def test_a_batch_is_no_larger_than_allowed() -> None:
    pipeline, options = FakePipeline(), ServeOptions(max_batch=3, max_wait_ms=100.0)
    with serving(create_app(pipeline, options), options) as server:
        answers = send_all(server, [grey(10 * number) for number in range(10)])
    assert [answer.text for answer in answers] == [str(10 * number) for number in range(10)]
    assert max(size for size, _ in pipeline.batches) == 3
    assert sum(size for size, _ in pipeline.batches) == 10


def test_other_parameters_make_another_batch() -> None:
    pipeline, options = FakePipeline(), ServeOptions(max_batch=8, max_wait_ms=200.0)
    bodies = [{**grey(20 * number), "textDetThresh": 0.1 * (1 + number % 2)} for number in range(8)]
    with serving(create_app(pipeline, options), options) as server:
        answers = send_all(server, bodies)
    assert [answer.text for answer in answers] == [str(20 * number) for number in range(8)]
    assert sorted((size, params["text_det_thresh"]) for size, params in pipeline.batches) == [(4, 0.1), (4, 0.2)]


def test_a_lonely_request_waits_a_few_milliseconds_only() -> None:
    pipeline, options = FakePipeline(), ServeOptions(max_wait_ms=5.0)
    with serving(create_app(pipeline, options), options) as server:
        assert server.post(grey(5)).status == 200
    assert [size for size, _ in pipeline.batches] == [1]


def test_one_bad_image_does_not_spoil_the_batch() -> None:
    pipeline = FakePipeline(fault=ValueError("thirteen"))
    options = ServeOptions(max_batch=4, max_wait_ms=300.0)
    with serving(create_app(pipeline, options), options) as server:
        answers = send_all(server, [grey(value) for value in (10, 13, 20, 30)])
    assert [answer.status for answer in answers] == [200, 500, 200, 200]
    assert [answers[0].text, answers[2].text, answers[3].text] == ["10", "20", "30"]


def test_a_full_house_answers_503_and_says_when_to_come_again() -> None:
    pipeline, options = FakePipeline(), ServeOptions(queue_size=3, max_batch=1)
    pipeline.may_go_on.clear()
    with serving(create_app(pipeline, options), options) as server, ThreadPoolExecutor(3) as pool:
        inside = [pool.submit(server.post, grey(value)) for value in (1, 2, 3)]
        until(lambda: in_flight(server) == 3)
        refused = server.post(grey(4))
        assert server.get("/health").status == 200, "health is answered however full it is"
        pipeline.may_go_on.set()
        assert [one.result().status for one in inside] == [200, 200, 200]
        assert server.post(grey(5)).status == 200
    assert (refused.status, refused.told["errorCode"]) == (503, 503)
    assert 1 <= int(refused.headers["retry-after"]) <= 60


def test_who_would_wait_in_vain_is_told_at_once() -> None:
    pipeline, options = FakePipeline(seconds=0.25), ServeOptions(timeout_seconds=2.5, max_batch=1, queue_size=64)
    with serving(create_app(pipeline, options), options) as server:
        for value in (1, 2, 3):
            assert server.post(grey(value)).status == 200
        answers = send_all(server, [grey(value) for value in range(40)])
        statuses = [answer.status for answer in answers]
        assert server.post(grey(4)).status == 200
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 3
    refused = next(answer for answer in answers if answer.status == 503)
    assert "would not come to the request" in refused.told["errorMsg"]
    assert int(refused.headers["retry-after"]) >= 1


def test_what_takes_too_long_is_504_and_health_says_why() -> None:
    pipeline, options = FakePipeline(), ServeOptions(timeout_seconds=1.5, max_batch=1)
    pipeline.may_go_on.clear()
    with serving(create_app(pipeline, options), options) as server:
        late = server.post({**grey(1), "logId": "late"})
        # On a busy machine the batch began noticeably later than the request that has given up by now.
        until(lambda: server.get("/health").status == 503)
        health = server.get("/health")
        pipeline.may_go_on.set()
        until(lambda: server.get("/health").status == 200)
        assert server.post(grey(7)).text == "7"
        until(lambda: in_flight(server) == 0)
    assert (late.status, late.told["logId"]) == (504, "late")
    assert "1.5 s" in late.told["errorMsg"]
    assert (health.status, health.told["errorCode"]) == (503, 503)


def test_a_client_that_leaves_frees_its_place() -> None:
    pipeline, options = FakePipeline(), ServeOptions(max_batch=1, max_wait_ms=0.0)
    pipeline.may_go_on.clear()
    with serving(create_app(pipeline, options), options) as server, ThreadPoolExecutor(1) as pool:
        first = pool.submit(server.post, grey(1))
        # Only then is it surely the first: another decoder may be done with the second before.
        until(lambda: len(pipeline.batches) == 1)
        with pytest.raises(TimeoutError):
            impatient(server, grey(2))
        until(lambda: in_flight(server) == 1)
        pipeline.may_go_on.set()
        assert first.result().status == 200
        assert server.post(grey(3)).text == "3"
    assert [size for size, _ in pipeline.batches] == [1, 1], "nobody waited for the second"


def impatient(server: Running, body: dict) -> None:
    """Sends a second request, and leaves once it is there."""
    host, port = server.address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=0.3)
    try:
        connection.request("POST", "/ocr", json.dumps(body), {"Content-Type": "application/json"})
        until(lambda: in_flight(server) == 2)
        connection.getresponse()
    finally:
        connection.close()


@pytest.mark.long
@pytest.mark.parametrize("fault", [UserError("no such picture"), RuntimeError("a bad graph")])
def test_images_of_a_prediction_that_failed_are_gone_without_a_collector(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The log that pytest keeps would keep the traceback, and that the images.
    monkeypatch.setattr(logging.getLogger("plx_train.serving.batcher"), "disabled", True)
    images: list[weakref.ref[np.ndarray]] = []

    class Failing(FakePipeline):
        def predict_many(self, images_: Sequence[np.ndarray], params: Mapping[str, Any] | None = None) -> list[Any]:
            images.extend(map(weakref.ref, images_))
            raise type(fault)(str(fault))

    options = ServeOptions(max_wait_ms=0.0, decoders=1)
    with serving(create_app(Failing(), options), options) as server:
        gc.collect()
        gc.disable()
        try:
            assert {server.post(grey(13)).status for _ in range(3)} <= {422, 500}
            until(lambda: not any(image() is not None for image in images))
        finally:
            gc.enable()
    assert len(images) == 3
