"""Choosing the post-processing's settings on held-out pages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kit.checked_rooms import true_sample
from kit.tiny_detector import Label, rectangle
from plx_train.contract.rooms import load_room
from plx_train.modules.text_det.calibrate import calibrate
from plx_train.modules.text_det.metric import TextDetMetric
from plx_train.modules.text_det.processor import TextDetProcessor

SHAPE = (240, 320)
BASE = TextDetProcessor()


def page(seed: int, margin: float, noise: float = 0.0) -> tuple[np.ndarray, list[Label]]:
    """A map with bars of text and, at probability `noise`, as many of none; labels `margin` around it."""
    rng = np.random.default_rng(seed)
    prob_map, labels = np.zeros((120, 160), np.float32), []
    for top in range(8, 110, 20):
        left, width = int(rng.integers(5, 20)), int(rng.integers(40, 60))
        prob_map[top : top + 8, left : left + width] = rng.uniform(0.8, 0.95)
        prob_map[top : top + 8, 100:140] = noise
        corners = rectangle(left - margin, top - margin, left + width - 1 + margin, top + 7 + margin)
        labels.append(Label(corners * 2))
    return prob_map, labels


def run(margin: float, noise: float = 0.0, base: TextDetProcessor = BASE, min_gain: float = 0.001):
    maps, labels = zip(*(page(seed, margin, noise) for seed in range(3)), strict=True)
    calibration = calibrate(maps, [SHAPE] * 3, labels, base, min_gain)
    return calibration, maps, labels


def true_hmean(processor: TextDetProcessor, maps, labels) -> float:
    metric = TextDetMetric()
    for prob_map, page_labels in zip(maps, labels, strict=True):
        metric.update(processor.postprocess(prob_map, SHAPE), true_sample(page_labels))
    return metric.compute()["hmean"]


def test_settings_that_are_right_stay() -> None:
    calibration, _, _ = run(margin=4.5)  # which is what unclip 1.5 grows them by
    assert calibration.processor == BASE
    assert calibration.hmean == calibration.base_hmean == 1.0
    assert calibration.num_pages == 3


def test_tight_labels_ask_for_less_growth() -> None:
    calibration, maps, labels = run(margin=0)
    assert calibration.base_hmean < 0.2
    assert calibration.hmean == 1.0
    assert calibration.processor.unclip_ratio < 1.0
    assert replace(calibration.processor, unclip_ratio=1.5) == BASE, "only what helps is changed"
    assert true_hmean(calibration.processor, maps, labels) == calibration.hmean


def test_weak_false_boxes_ask_for_a_higher_score() -> None:
    calibration, _, _ = run(margin=4.5, noise=0.68)
    assert calibration.base_hmean == pytest.approx(2 / 3)  # as many false as true boxes
    assert calibration.hmean == 1.0
    assert calibration.processor == replace(BASE, box_thresh=0.7), "the nearest of those that are as good"


def test_a_small_gain_changes_nothing() -> None:
    calibration, _, _ = run(margin=0, min_gain=1.01)
    assert calibration.processor == BASE
    assert calibration.hmean == calibration.base_hmean


@pytest.mark.parametrize("box_type", ["quad", "poly"])
def test_every_figure_is_the_processor_s_own(box_type: str) -> None:
    base = TextDetProcessor(thresh=0.33, box_thresh=0.62, unclip_ratio=1.45, box_type=box_type)
    calibration, maps, labels = run(margin=1.5, noise=0.72, base=base)
    rng = np.random.default_rng(0)
    for index in rng.choice(len(calibration.table), 12, replace=False):
        setting = calibration.table[index]
        processor = replace(
            base, thresh=setting.thresh, box_thresh=setting.box_thresh, unclip_ratio=setting.unclip_ratio
        )
        assert true_hmean(processor, maps, labels) == pytest.approx(setting.hmean, abs=1e-12)
    assert true_hmean(base, maps, labels) == pytest.approx(calibration.base_hmean, abs=1e-12)
    assert calibration.hmean == max(setting.hmean for setting in calibration.table)


def test_pages_without_text_or_boxes() -> None:
    calibration = calibrate([np.zeros((32, 32), np.float32)], [(32, 32)], [[]], BASE)
    assert calibration.processor == BASE and calibration.hmean == 0.0


def test_the_outcome_as_json() -> None:
    content = run(margin=0)[0].to_json()
    assert content["base_hmean"] < content["hmean"] == 1.0
    assert set(content["table"][0]) == {
        "thresh",
        "box_thresh",
        "unclip_ratio",
        "fit",
        "hmean",
        "precision",
        "recall",
    }


def test_official_settings_are_the_options_and_all_else_stays_the_model_s() -> None:
    room = load_room("text_det")
    calibrated = TextDetProcessor(640, image_mode="RGB", thresh=0.5, box_thresh=0.7, unclip_ratio=1.1)
    assert room.official(calibrated, room.options(box_thresh=0.55)) == TextDetProcessor(
        640, image_mode="RGB", box_thresh=0.55
    )
