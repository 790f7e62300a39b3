"""How classifiers look at images a second time."""

from __future__ import annotations

import numpy as np

from plx_train.modules.image_cls.processor import ImageClsProcessor
from plx_train.modules.image_cls.room import ImageClsRoom


def looks(size: tuple[int, int], short: int | None) -> list[tuple[tuple[int, int], int | None]]:
    processor = ImageClsProcessor(labels=("a", "b"), size=size, resize_short=short)
    found = ImageClsRoom().looks(processor, 224)
    for one in found:
        assert one.preprocess(np.zeros((40, 60, 3), np.uint8))[0].shape == (3, one.size[1], one.size[0])
    return [(one.size, one.resize_short) for one in found]


def test_small_inputs_are_enlarged_in_their_form() -> None:
    assert looks((64, 64), None) == [((64, 64), None), ((224, 224), None)]
    assert looks((96, 48), 112) == [((96, 48), 112), ((224, 112), 261)]


def test_large_inputs_stay() -> None:
    assert looks((224, 224), 256) == [((224, 224), 256)]
