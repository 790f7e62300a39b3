"""Which classifiers keep their batch norms' statistics where few images are labelled."""

from __future__ import annotations

import pytest

from plx_train.config.compose import compose_run
from plx_train.contract.processor import Processor
from plx_train.contract.rooms import load_room
from plx_train.modules.image_cls.processor import ImageClsProcessor
from plx_train.modules.image_mlcls.processor import ImageMlclsProcessor

SINGLE, SEVERAL = ImageClsProcessor(("a", "b")), ImageMlclsProcessor(("a", "b"), thresholds=(0.5, 0.5))


@pytest.mark.parametrize(
    ("room", "processor", "number", "is_kept"),
    [
        ("image_cls", SINGLE, 20, True),
        ("image_cls", SINGLE, 200, False),
        # At its recipe's rate a network with several labels comes to say the same of all images.
        ("image_mlcls", SEVERAL, 20, False),
    ],
)
def test_few_images_of_one_class_each_keep_those_of_the_weights(
    room: str, processor: Processor, number: int, is_kept: bool
) -> None:
    options = compose_run([f"module={room}", "module.network=PP-LCNet_x0_25"]).options.module
    module = load_room(room).build(options, processor, None, is_fine_tuning=True)
    module.expect(number)
    assert module.freezes_norm is is_kept
    module.options.freeze_norm = not is_kept
    scratch = load_room(room).build(options, processor, None, is_fine_tuning=False)
    scratch.expect(number)
    assert scratch.freezes_norm is not is_kept
