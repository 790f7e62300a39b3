"""What networks with a backbone see in images: the means of its maps, the same in whatever company."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kit.rooms import tiny_room
from kit.runs import arguments_of
from plx_train.config.compose import compose_run
from plx_train.contract.module import Module
from plx_train.contract.rooms import load_room
from plx_train.ground.errors import UserError
from plx_train.workflow.dataset import RunData, check
from plx_train.workflow.pool import features_of

CHANNELS = {"text_det": 4, "text_rec": 1, "object_det": 3}
"""Stages of the backbones."""


def built(room: str, tmp_path: Path, *overrides: str) -> tuple[Module, list]:
    dataset = tiny_room(room).make_dataset(tmp_path / "data")
    options = compose_run(arguments_of(room, dataset, tmp_path / "run", *overrides)).options
    processor, checked = check(options, tmp_path)
    assert processor is not None
    data = RunData(load_room(room), processor, checked)
    return data.build(options, is_fine_tuning=True), checked.train[:5]


@pytest.mark.parametrize("room", CHANNELS)
def test_features_are_the_means_of_all_stages(room: str, tmp_path: Path) -> None:
    module, samples = built(room, tmp_path)
    together = features_of(module, samples)
    maps: list = []
    hook = module.network.backbone.register_forward_post_hook(lambda layer, inputs, outputs: maps.append(outputs))
    alone = features_of(module, samples[2:3])
    hook.remove()
    stages = maps[0] if isinstance(maps[0], list | tuple) else [maps[0]]
    assert len(stages) == CHANNELS[room]
    assert len(together) == len(alone) == len(stages)
    for several, one, stage in zip(together, alone, stages, strict=True):
        expected = stage.numpy()[0].mean(axis=(1, 2))
        assert several.shape == (5, len(expected)) and several.dtype == np.float32
        np.testing.assert_allclose(one[0], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(several[2], one[0], rtol=1e-3, atol=1e-4)
    assert np.abs(together[-1][0] - together[-1][1]).max() > 0


def test_tiles_of_an_image_count_together(tmp_path: Path) -> None:
    module, samples = built("object_det", tmp_path, "module.tiles=64")
    assert module.processor.tiling is not None
    found = features_of(module, samples)
    assert all(len(one) == 5 and np.isfinite(one).all() for one in found)


def test_a_network_without_a_backbone_says_so(tmp_path: Path) -> None:
    module, samples = built("text_det", tmp_path)
    del module.network.backbone
    with pytest.raises(UserError, match=r"module=text_det has no backbone"):
        features_of(module, samples)
