"""OCRNet over HRNet: PaddleSeg's names, the published size, and a graph for images of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import paddle
import pytest

from plx_train.nn.segmentation.networks import build_segmenter, class_tensors
from plx_train.nn.segmentation.ocrnet import OCRNet


@pytest.fixture(scope="module")
def network() -> OCRNet:
    paddle.seed(3)
    made = build_segmenter("OCRNet_HRNet-W18", 4)
    made.eval()
    return made


def test_names_are_the_official_ones(network: OCRNet) -> None:
    assert {
        "backbone.conv_layer1_2._batch_norm._mean",
        "backbone.la1.bb_layer2_1.conv_down._conv.weight",
        "backbone.tr1.transition_tr1_layer_2._conv.weight",
        "backbone.tr3.transition_tr3_layer_4._conv.weight",
        "backbone.st2.stage_st2_1.branches_func.bb_st2_1_branch_layer_2_4.conv2._conv.weight",
        "backbone.st3.stage_st3_4.fuse_func.residual_st3_4_layer_1_3._conv.weight",
        "backbone.st4.stage_st4_3.fuse_func.residual_st4_3_layer_4_1_3._batch_norm.bias",
        "head.conv3x3_ocr._conv.bias",
        "head.spatial_ocr.attention_block.f_object.1._conv.weight",
        "head.spatial_ocr.conv1x1.0._batch_norm.weight",
    } <= set(network.state_dict())
    assert set(class_tensors(network)) == {
        f"head.{part}.{kind}" for part in ("cls_head", "aux_head.1") for kind in ("weight", "bias")
    }


def test_it_is_as_large_as_published() -> None:
    # PaddleSeg's table of models has 12.1 million for Cityscapes.
    count = sum(parameter.size for parameter in build_segmenter("OCRNet_HRNet-W18", 19).parameters())
    assert count / 1e6 == pytest.approx(12.1, abs=0.1)


def test_the_first_guess_is_learned_too(network: OCRNet) -> None:
    x = paddle.randn([1, 3, 64, 64])
    (alone,) = network(x)
    network.training = True
    first, guess = network(x)
    network.training = False
    assert np.array_equal(alone, first) and guess.shape == first.shape and not np.allclose(guess, first)


@pytest.mark.long
def test_its_graph_takes_any_size_and_interpolates_nothing(network: OCRNet, tmp_path: Path) -> None:
    spec = [paddle.static.InputSpec([None, 3, None, None], "float32", "x")]
    paddle.jit.save(network, str(tmp_path / "graph"), input_spec=spec)
    assert "interp" not in (tmp_path / "graph.json").read_text()
    graph = paddle.jit.load(str(tmp_path / "graph"))
    for size in ((64, 64), (75, 41)):
        x = paddle.randn([2, 3, *size])
        np.testing.assert_allclose(graph(x), network(x)[0], atol=1e-4)
