"""Names and shapes of all tensors are those of PaddleDetection; ``scripts/check_detection_parity.py`` prints them."""

from __future__ import annotations

import hashlib

import paddle
import pytest

from plx_train.nn.detection.recipes import RECIPES

NAMES = {
    "PicoDet-S": "79344b2443df",
    "PicoDet_layout_1x": "50d8d083c694",
    "PP-YOLOE_plus-S": "223b1f245283",
    "PP-YOLOE_plus_SOD-S": "4131e5ea1894",
    "RT-DETR-R18": "d267742dd0d4",
    "RT-DETR-R50": "8c1378db2bd5",
    "RT-DETR-L": "728be48dcd1e",
}
"""The first column of that table."""


@pytest.mark.parametrize("name", NAMES)
def test_names_and_shapes_are_the_official_ones(name: str) -> None:
    with paddle.utils.unique_name.guard():
        state = RECIPES[name].build(7).state_dict()
    lines = sorted(f"{key} {list(tensor.shape)}" for key, tensor in state.items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12] == NAMES[name]
