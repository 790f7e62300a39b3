"""Figures of defects against written-out examples: pictures, pixels, regions, kinds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from kit.checked_rooms import true_sample
from plx_train.data.defect_lines import GOOD
from plx_train.metrics.defects import DefectMetric, PixelCounts, image_figures
from plx_train.vision.defects import Defect


@dataclass
class Found:
    """What is said of a picture of four pixels or more."""

    score: float
    heat: np.ndarray
    pred: np.ndarray


def found(score: float, heat: list[list[float]]) -> Found:
    values = np.asarray(heat, np.float16)
    return Found(score, values, (values > 1).astype(np.uint8)[None] * 255)


def test_figures_of_pictures() -> None:
    kinds = ["good", "good", "good", "hole", "cut"]
    figures = image_figures(kinds, [0.2, 0.5, 1.2, 1.4, 0.7])
    # Of six pairs the cut's 0.7 lies below one good picture.
    assert figures["image_auroc"] == pytest.approx(5 / 6)
    # Called: one good picture and the hole.
    assert figures["f1"] == pytest.approx(2 * 1 / (2 + 2))
    assert (figures["recall"], figures["precision"]) == (0.5, 0.5)
    assert figures["false_alarms"] == pytest.approx(1 / 3)
    # All down to 0.7: two hits of three.
    assert figures["best_f1"] == pytest.approx(2 * 2 / (3 + 2))


def test_areas_of_pixels_and_regions() -> None:
    counts = PixelCounts()
    # Two regions: one of a pixel, scored 4, one of two pixels, scored 3 and 1.
    mask = np.asarray([[1, 0, 1], [0, 0, 1]], np.uint8)
    counts.add(np.asarray([[4, 2, 3], [0.5, 0.5, 1]], np.float16), mask)
    counts.add(np.asarray([[0.25, 0.25, 0.25], [0.25, 2, 0.25]], np.float16), None)
    figures = counts.figures()
    assert counts.regions == 2
    # Clear: 2, 0.5, 0.5 and 2 beside five of 0.25; marked: 4, 3, 1. Only 1 lies below two of nine.
    assert figures["pixel_auroc"] == pytest.approx((9 + 9 + 7) / 27)
    # Overlap before any false pixel: (1 + 1/2) / 2; it stays so up to 2 of 9 false ones, then all is covered.
    assert figures["aupro"] == pytest.approx((0.75 * 2 / 9 + 1.0 * (0.3 - 2 / 9)) / 0.3, abs=0.1)
    rising = np.trapezoid([0.75, 0.75, 1.0, 1.0], [0, 2 / 9, 2 / 9, 0.3]) / 0.3
    assert figures["aupro"] == pytest.approx(rising)


def test_pixels_that_do_not_count_change_nothing() -> None:
    first, second = PixelCounts(), PixelCounts()
    heat = np.asarray([[4, 2, 3]], np.float16)
    first.add(heat, np.asarray([[1, 0, 255]], np.uint8))
    second.add(heat[:, :2], np.asarray([[1, 0]], np.uint8))
    assert first.figures() == second.figures() and first.clear.sum() == 1


def test_a_metric_over_kinds(tmp_path: Path) -> None:
    mask = np.zeros((2, 2), np.uint8)
    mask[0, 0] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    metric = DefectMetric()
    right = metric.update(found(0.5, [[0.5, 0.1], [0.1, 0.1]]), true_sample(Defect(GOOD)))
    marked = metric.update(found(3.0, [[3, 2], [0.1, 0.1]]), true_sample(Defect("hole", tmp_path / "mask.png")))
    metric.update(found(0.4, [[0.1, 0.1], [0.1, 0.1]]), true_sample(Defect("cut")))
    assert (right, marked) == (pytest.approx(1 - 0.5 / 1.5), pytest.approx(0.75))
    figures = metric.compute()
    assert figures["image_auroc"] == 0.5 and figures["recall"] == 0.5 and figures["pixel_auroc"] == 1.0
    # One pixel is hit, one falsely called, one marked.
    assert figures["dice"] == pytest.approx(2 * 1 / (2 + 1))
    rows = metric.by_kind()
    assert rows["hole"]["image_auroc"] == 1.0 and rows["cut"]["image_auroc"] == 0.0
    assert rows["hole"]["pixel_auroc"] == 1.0 and "pixel_auroc" not in rows["cut"]


def test_without_masks_there_are_no_figures_of_pixels() -> None:
    metric = DefectMetric()
    metric.update(found(0.5, [[0.5]]), true_sample(Defect(GOOD)))
    metric.update(found(2.0, [[2.0]]), true_sample(Defect("hole")))
    assert {"image_auroc", "f1"} <= metric.compute().keys() and "aupro" not in metric.compute()
