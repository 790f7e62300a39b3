"""One evaluation: samples in order whoever computes them, post-processing beside the network, nothing done twice."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from kit.tiny_detector import Pages, TinyDetector
from plx_train.contract.evaluation import Evaluation
from plx_train.metrics.evaluate import evaluate, network_engine
from plx_train.modules.text_det.metric import TextDetMetric
from plx_train.modules.text_det.processor import TextDetProcessor


@pytest.fixture(scope="module")
def module() -> TinyDetector:
    module = TinyDetector()
    module.eval_mode()
    return module


def run(module: TinyDetector, num_threads: int, official: TextDetProcessor | None = None) -> Evaluation:
    pages = Pages(module.processor, 5)
    return evaluate(module, network_engine(module), pages, module.processor, num_threads, official)


def test_samples_come_in_order_whatever_is_ready_first(module: TinyDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run(module, 1)
    postprocess, where = TextDetProcessor.postprocess, set()

    def slower_at_first(self, output, shape, started=[]):  # noqa: B006
        started.append(0)
        where.add(threading.current_thread())
        time.sleep(0.2 / len(started))
        return postprocess(self, output, shape)

    monkeypatch.setattr(TextDetProcessor, "postprocess", slower_at_first)
    found = run(module, 3)
    assert found.metrics == expected.metrics and found.metrics["hmean"] > 0.9
    for one, other in zip(found.samples, expected.samples, strict=True):
        assert (one.index, one.name, one.value) == (other.index, other.name, other.value)
        assert np.array_equal(one.prediction.quads, other.prediction.quads)
    assert threading.main_thread() not in where and len(where) > 1


def test_published_settings_are_measured_beside_and_not_twice(
    module: TinyDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    updates: list[int] = []
    update = TextDetMetric.update
    monkeypatch.setattr(TextDetMetric, "update", lambda *given: updates.append(1) or update(*given))
    other = replace(module.processor, unclip_ratio=0.5)
    alone = evaluate(module, network_engine(module), Pages(other, 5), other)
    updates.clear()
    both = run(module, 2, other)
    assert both.metrics["hmean_official"] == alone.metrics["hmean"] != both.metrics["hmean"]
    assert len(updates) == 10

    updates.clear()
    same = run(module, 2, replace(module.processor))
    assert same.metrics["hmean_official"] == same.metrics["hmean"] == both.metrics["hmean"]
    assert len(updates) == 5
