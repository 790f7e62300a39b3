"""Figures of the class of each pixel against an example that was worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plx_train.contract.sample import Sample
from plx_train.metrics.segmentation import (
    SegmentationMetric,
    dice_of,
    kappa,
    near_boundaries,
    overlaps,
    pixel_counts,
    segment_files,
)
from plx_train.vision.labels.masks import Mask
from plx_train.vision.segments import Segments

TRUTH = np.asarray([[0, 0, 1, 1], [0, 0, 1, 255]], np.uint8)
FOUND = np.asarray([[0, 1, 1, 1], [0, 0, 0, 2]], np.uint8)
COUNTS = [[3, 1, 0], [1, 2, 0], [0, 0, 0]]


def test_pixels_are_counted_but_for_those_that_count_neither_way() -> None:
    assert pixel_counts(TRUTH, FOUND, 3).tolist() == COUNTS


def test_figures_are_those_worked_out_by_hand() -> None:
    counts = np.asarray(COUNTS)
    assert overlaps(counts)[:2].tolist() == [3 / 5, 2 / 4] and np.isnan(overlaps(counts)[2])
    assert dice_of(counts).tolist() == [6 / 8, 4 / 6, 0]
    by_chance = (4 * 4 + 3 * 3) / 49
    assert kappa(counts) == pytest.approx((5 / 7 - by_chance) / (1 - by_chance))


def test_the_metric_adds_images_up() -> None:
    metric = SegmentationMetric(3)
    outlines = tuple((number, ((x, y),) * 3) for number, x, y in ((1, 2, 0), (1, 3, 0), (1, 2, 1), (255, 3, 1)))
    sample = Sample(None, (2, 4), Mask(outlines=outlines), "a")
    assert np.array_equal(sample.truth.of((2, 4)), TRUTH)
    assert metric.update(Segments(FOUND, ("a", "b", "c")), sample) == pytest.approx((3 / 5 + 2 / 4) / 2)
    metric.update(Segments(FOUND, ("a", "b", "c")), sample)
    found = metric.compute()
    # A class that is neither there nor found counts as 1 in mIoU and as 0 in dice, as PaddleSeg has it.
    assert found["mIoU"] == pytest.approx((3 / 5 + 2 / 4 + 1) / 3)
    assert found["dice"] == pytest.approx((6 / 8 + 4 / 6) / 3)
    assert found["accuracy"] == pytest.approx(5 / 7)
    assert metric.counts.tolist() == (2 * np.asarray(COUNTS)).tolist()


def test_an_image_that_is_right_is_worth_one() -> None:
    metric = SegmentationMetric(2)
    assert metric.update(Segments(np.zeros((4, 4), np.uint8), ("a", "b")), Sample(None, (4, 4), Mask(), "a")) == 1
    assert metric.compute()["boundary_mIoU"] == 1


def test_boundaries_are_between_classes_alone() -> None:
    truth = np.zeros((9, 9), np.uint8)
    truth[:, 5:] = 1
    assert np.array_equal(np.flatnonzero(near_boundaries(truth)[0]), [4, 5])
    truth[:, 5:] = 255
    assert not near_boundaries(truth).any()


def test_files_name_each_class() -> None:
    files = segment_files(np.asarray(COUNTS), ("sky", "road", "car"))
    first, second, third = json.loads(files["classes.json"])
    assert (first["name"], first["iou"], first["pixels"]) == ("sky", 3 / 5, 4)
    assert (second["precision"], second["recall"]) == (2 / 3, 2 / 3) and third["iou"] == 1
    assert files["confusion.csv"].splitlines()[1] == "sky,3,1,0"
