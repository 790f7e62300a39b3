"""A promoted version takes over under load without a failed request; a broken one never does."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from kit.fake_pipeline import FakeModel, FakePipeline
from kit.local_server import grey, serving
from kit.processes import until
from plx_train.config.serve_options import ServeOptions
from plx_train.serving.app import create_app
from plx_train.serving.batcher import Batcher
from plx_train.serving.endpoints import endpoint_of
from plx_train.serving.follow import Follower, NewVersions, described, followed, wanted_versions
from plx_train.serving.metrics import Metrics


@dataclass
class FakeRegistry:
    """The alias, and what loading it gives."""

    version: str | None = "1"
    make: Callable[[str], FakePipeline] = lambda version: FakePipeline(version=version)
    loaded: list[str] = field(default_factory=list)

    def current_version(self, name: str, alias: str) -> str | None:
        assert (name, alias) == ("text_det", "champion")
        return self.version

    def load(self) -> FakePipeline:
        self.loaded.append(str(self.version))
        return self.make(str(self.version))


def follower(registry: FakeRegistry) -> tuple[Follower, Batcher]:
    metrics = Metrics()
    batcher = Batcher(FakePipeline(), 4, 0.0, metrics)
    source = NewVersions(registry.load, registry.current_version, 0.02)
    return Follower(batcher, source, endpoint_of(FakePipeline()), metrics), batcher


def looks(follower: Follower, times: int = 1) -> list[bool]:
    async def look() -> list[bool]:
        return [await follower.look() for _ in range(times)]

    return asyncio.run(look())


def test_versions_change_under_load_without_a_failed_request() -> None:
    registry = FakeRegistry(make=lambda version: FakePipeline(version=version, seconds=0.002))
    options = ServeOptions(max_batch=4, max_wait_ms=2.0)
    source = NewVersions(registry.load, registry.current_version, 0.02)
    answers: list[tuple[int, int, str]] = []
    is_over = threading.Event()

    def client(number: int) -> None:
        while not is_over.is_set():
            answer = server.post(grey(number))
            page = answer.told["result"]["ocrResults"][0]["prunedResult"] if answer.status == 200 else {}
            version = page.get("models", {}).get("TextDetection", {}).get("version", "")
            answers.append((answer.status, int(page.get("rec_texts", ["-1"])[0] == str(number)), version))

    with serving(create_app(registry.load(), options, source), options) as server:
        clients = [threading.Thread(target=client, args=(20 * number,)) for number in range(6)]
        for thread in clients:
            thread.start()
        for version in ("2", "3", "4", "5"):
            time.sleep(0.15)
            registry.version = version
            until(lambda version=version: server.service.batcher.pipeline.version == version)
        time.sleep(0.15)
        is_over.set()
        for thread in clients:
            thread.join()
        metrics = server.get("/metrics").content.decode()

    assert len(answers) > 50
    assert {status for status, _, _ in answers} == {200}
    assert all(is_right for _, is_right, _ in answers)
    assert {version for _, _, version in answers} == {"1", "2", "3", "4", "5"}
    assert 'plx_version_changes_total{outcome="accepted"} 4.0' in metrics
    assert 'version="5"' in metrics
    assert 'version="1"' not in metrics


BROKEN = {
    "does not load": (lambda version: (_ for _ in ()).throw(OSError("no such folder")), "no such folder"),
    "fails": (lambda version: FakePipeline(version=version, fault=RuntimeError("bad graph")), "bad graph"),
    "finds nothing": (lambda version: FakePipeline(version=version, is_broken=True), "finds no dt_polys"),
    "gives too little": (lambda version: Short(version=version), "results for 4 inputs"),
    "gives no numbers": (lambda version: NotFinite(version=version), "Out of range float"),
    "is of another kind": (lambda version: FakePipeline("doc_preprocessor", version=version), "ocr_res_img"),
}


class Short(FakePipeline):
    def predict_many(self, images, params=None):  # type: ignore[no-untyped-def]
        return super().predict_many(images[:2], params)


class NotFinite(FakePipeline):
    def _texts(self, image):  # type: ignore[no-untyped-def]
        return super()._texts(image) | {"rec_scores": [float("nan")]}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_version_is_refused_and_the_old_one_stays(case: str, caplog: pytest.LogCaptureFixture) -> None:
    make, reason = BROKEN[case]
    registry = FakeRegistry(version="2", make=make)
    follows, batcher = follower(registry)
    if case == "fails":
        follows._source = NewVersions(registry.load, registry.current_version, 1.0, np.full((9, 9, 3), 13, np.uint8))
    old = batcher.pipeline

    assert looks(follows, 3) == [False] * 3

    assert batcher.pipeline is old
    assert registry.loaded == ["2"], "it is not tried again and again"
    assert follows._metrics.registry.get_sample_value("plx_version_changes_total", {"outcome": "refused"}) == 1
    assert "new version refused" in caplog.text
    assert reason in caplog.text

    registry.version, registry.make = "3", lambda version: FakePipeline(version=version)
    assert looks(follows) == [True]
    assert batcher.pipeline.models["TextDetection"].version == "3"


def test_a_refused_version_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plx_train.serving.follow.FIRST_RETRY_SECONDS", 0.0)
    registry = FakeRegistry(version="2", make=lambda version: FakePipeline(version=version, is_broken=True))
    follows, batcher = follower(registry)
    assert looks(follows) == [False]
    registry.make = lambda version: FakePipeline(version=version)
    assert looks(follows) == [True]
    assert batcher.pipeline.models["TextDetection"].version == "2"


def test_a_silent_registry_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    registry = FakeRegistry()
    follows, batcher = follower(registry)
    old = batcher.pipeline

    def silent(name: str, alias: str) -> str:
        raise ConnectionError("no route")

    follows._source = NewVersions(registry.load, silent, 0.02)
    assert looks(follows, 3) == [False] * 3
    assert batcher.pipeline is old
    assert caplog.text.count("the registry does not answer") == 1


def test_an_alias_that_is_gone_leaves_the_version_in_use() -> None:
    registry = FakeRegistry(version=None)
    assert looks(follower(registry)[0]) == [False]
    assert registry.loaded == []


def test_the_same_version_is_not_loaded_again() -> None:
    registry = FakeRegistry()
    assert looks(follower(registry)[0], 3) == [False] * 3
    assert registry.loaded == []


def test_requests_go_on_while_a_version_loads(caplog: pytest.LogCaptureFixture) -> None:
    may_load = threading.Event()

    def slowly(version: str) -> FakePipeline:
        may_load.wait(20)
        return FakePipeline(version=version)

    registry, options = FakeRegistry(version="2", make=slowly), ServeOptions(max_wait_ms=0.0)
    source = NewVersions(registry.load, registry.current_version, 0.02)
    caplog.set_level(logging.INFO)
    with serving(create_app(FakePipeline(), options, source), options) as server:
        until(lambda: registry.loaded)
        assert [server.post(grey(value)).text for value in (1, 2, 3)] == ["1", "2", "3"]
        assert server.service.batcher.pipeline.models["TextDetection"].version == "1"
        may_load.set()
        until(lambda: server.service.batcher.pipeline.models["TextDetection"].version == "2")
    assert "now serving TextDetection" in caplog.text


def test_a_registry_that_hangs_does_not_keep_the_server_from_ending() -> None:
    asked, may_end = threading.Event(), threading.Event()

    def hang(name: str, alias: str) -> str:
        asked.set()
        may_end.wait(60)
        return "1"

    options = ServeOptions(decoders=1)
    source = NewVersions(FakePipeline, hang, 0.02)
    with serving(create_app(FakePipeline(), options, source), options):
        assert asked.wait(20)
        began = time.monotonic()
    assert time.monotonic() - began < 15
    may_end.set()


def test_data_is_followed_beside_models() -> None:
    index = FakeModel(reference="models:/pots@champion", version="3")
    fixed = FakeModel(reference="/data/index", version=None)
    pipeline = FakePipeline(data={"index": index, "other": fixed})
    assert followed(pipeline) == {"TextDetection": ("text_det", "champion"), "index": ("pots", "champion")}
    assert wanted_versions(pipeline, lambda name, _: {"pots": "4"}.get(name)) == {"TextDetection": "1", "index": "4"}
    assert described(pipeline).endswith("index: models:/pots@champion 3, other: /data/index")


def test_a_new_version_of_data_is_taken_over() -> None:
    def made(version: str) -> FakePipeline:
        return FakePipeline(data={"index": FakeModel(reference="models:/text_det@champion", version=version)})

    registry = FakeRegistry(make=made)
    watching, batcher = follower(registry)
    batcher.pipeline = made("1")
    registry.version = "2"
    assert looks(watching) == [True] and batcher.pipeline.data["index"].version == "2"
