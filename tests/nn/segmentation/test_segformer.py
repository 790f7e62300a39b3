"""SegFormer: PaddleSeg's names, the published size, and a graph for images of any size without interpolation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle.nn import functional as F

from plx_train.nn.segmentation.networks import build_segmenter, class_tensors, own_names
from plx_train.nn.segmentation.segformer import SegFormer, _Fusion


@pytest.fixture(scope="module")
def network() -> SegFormer:
    paddle.seed(3)
    made = build_segmenter("SegFormer-B0", 4)
    made.eval()
    return made


def test_names_are_the_official_ones(network: SegFormer) -> None:
    assert {
        "backbone.patch_embed1.proj.weight",
        "backbone.patch_embed4.norm.bias",
        "backbone.block1.0.attn.sr.weight",
        "backbone.block3.1.attn.norm.weight",
        "backbone.block4.1.attn.kv.bias",
        "backbone.block2.0.mlp.dwconv.dwconv.bias",
        "backbone.norm4.weight",
        "linear_c4.proj.weight",
        "linear_fuse._conv.weight",
        "linear_fuse._batch_norm._mean",
        "linear_pred.bias",
    } <= set(network.state_dict())
    assert not any(name.startswith("backbone.block4.0.attn.sr") for name in network.state_dict())
    assert {name: axis for name, (_, axis) in class_tensors(network).items()} == {
        "linear_pred.weight": 0,
        "linear_pred.bias": 0,
    }


def test_it_is_as_large_as_published() -> None:
    # The authors' table has 3.8 million for 150 classes.
    count = sum(parameter.size for parameter in build_segmenter("SegFormer-B0", 150).parameters())
    assert count / 1e6 == pytest.approx(3.8, abs=0.06)


def test_weights_of_the_backbone_alone_are_its(network: SegFormer) -> None:
    alone = {name: tensor.numpy() for name, tensor in network.backbone.state_dict().items()}
    assert own_names(alone, network).keys() == {f"backbone.{name}" for name in alone}


def test_maps_are_put_together_as_side_by_side() -> None:
    paddle.seed(5)
    fusion = _Fusion(12, 5)
    fusion.eval()
    maps = [paddle.randn([2, 4, *size]) for size in ((2, 3), (4, 6), (8, 12))]
    beside = paddle.concat([F.interpolate(each, (8, 12), mode="bilinear") for each in maps], axis=1)
    expected = F.relu(fusion._batch_norm(fusion._conv(beside)))
    np.testing.assert_allclose(fusion(maps), expected, atol=1e-5)


def test_a_block_is_left_out_for_whole_samples() -> None:
    trained = build_segmenter("SegFormer-B0", 4)
    drop = trained.backbone.block4[1].drop_path
    paddle.seed(1)
    found = drop(paddle.ones([400, 3, 2])).numpy()
    assert {len(set(sample.ravel().tolist())) for sample in found} == {1}
    assert (found == 0).mean() == pytest.approx(0.1, abs=0.05) and found.max() == pytest.approx(1 / 0.9)
    assert trained.backbone.block1[0].drop_path(paddle.ones([4, 2])).numpy().all()


def test_its_graph_takes_any_size_and_interpolates_nothing(network: SegFormer, tmp_path: Path) -> None:
    spec = [paddle.static.InputSpec([None, 3, None, None], "float32", "x")]
    paddle.jit.save(network, str(tmp_path / "graph"), input_spec=spec)
    assert "interp" not in (tmp_path / "graph.json").read_text()
    graph = paddle.jit.load(str(tmp_path / "graph"))
    for size in ((64, 64), (96, 32)):
        x = paddle.randn([2, 3, *size])
        np.testing.assert_allclose(graph(x), network(x)[0], atol=1e-4)
