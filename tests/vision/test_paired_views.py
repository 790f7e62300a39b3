"""Pairs of training images."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from plx_train.vision.classifier_options import ViewOptions
from plx_train.vision.paired_views import PairedViews
from plx_train.vision.samples import LabelledImage
from plx_train.vision.views import Views
from plx_train.vision.whole_image import WholeImageProcessor

PLAIN = ViewOptions(crop=[1, 1], flip=False, colour=0.0)


class Processor(WholeImageProcessor):
    def postprocess(self, output, context):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    def post_process(self):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    @classmethod
    def from_inference(cls, inference):  # type: ignore[no-untyped-def]
        raise NotImplementedError


def test_an_image_is_paired_with_each_other_of_its_class_alike() -> None:
    classes = [0, 1, 0, 0, 2]
    samples = [LabelledImage(Path(f"{place}.png"), number, "x:1") for place, number in enumerate(classes)]
    views = Views(PLAIN, Processor(("a",), None, (8, 8)), np.asarray)
    paired, rng = PairedViews.of(views, classes), np.random.default_rng(0)

    def seen(index: int) -> Counter[int]:
        counts: Counter[int] = Counter()
        for _ in range(300):
            pair, target = paired(samples, index, lambda place: np.full((8, 8, 3), place, np.uint8), rng)
            assert pair[0].max() == index and target == classes[index]
            counts[int(pair[1].max())] += 1
        return counts

    for index, others in ((0, {2, 3}), (2, {0, 3}), (3, {0, 2}), (4, {4})):
        counts = seen(index)
        assert set(counts) == others and min(counts.values()) > 100
