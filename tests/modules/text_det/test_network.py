"""The text detector: forms, published names, exact merging and enlarging, equality with the published one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import paddle
import pytest
from paddle.nn import functional as F

from kit.official import official_program
from plx_train.ground.places import datasets_dir
from plx_train.modules.text_det.network import TextDetNetwork, upsample
from plx_train.modules.text_det.processor import TextDetProcessor
from plx_train.nn.affine import LEARNING_RATE
from plx_train.nn.pp_lcnet_v3 import NUM_BRANCHES, RepConv
from plx_train.vision.image import read_image
from plx_train.weights import load_weights

PUBLISHED = "PP-OCRv4_mobile_det"
NUM_PUBLISHED_TENSORS, NUM_PUBLISHED_VALUES = 234, 1_171_721
"""Of the exported network, counted in its file of parameters."""
TOLERANCE = 1e-4


def tiny(merged: bool = False) -> TextDetNetwork:
    """A narrow network whose norms hold statistics as after training; no weight is simply 0 or 1."""
    rng = np.random.default_rng(3)
    network = TextDetNetwork(scale=0.25, neck_channels=16)
    for name, tensor in network.state_dict().items():
        values = rng.normal(0.0, 1.0, tensor.shape)
        if tensor.ndim == 1:
            values = 0.1 * values if name.endswith("bias") else 1.0 + 0.3 * np.tanh(values)
        else:
            values = values / np.sqrt(np.prod(tensor.shape[1:]))
        tensor.set_value(values.astype(np.float32))
    # Probabilities away from 0 and 1, where differences show.
    weight = network.head.binarize.conv3.weight
    weight.set_value(weight * 0.05)
    set_statistics(network)
    if merged:
        network.merge()
    return network


def set_statistics(network: TextDetNetwork) -> None:
    """Gives every norm the statistics of one batch."""
    norms = [layer for layer in network.sublayers() if isinstance(layer, paddle.nn.BatchNorm2D)]
    network.train()
    for norm in norms:
        norm._momentum = 0.0
    network(pages(2))
    for norm in norms:
        norm._momentum = 0.9
        # A channel that is constant on this one batch would magnify rounding some hundred times.
        norm._variance.set_value(np.maximum(norm._variance.numpy(), 0.1))


def pages(count: int = 1, height: int = 64, width: int = 96) -> paddle.Tensor:
    values = np.random.default_rng(5).normal(0.0, 1.0, (count, 3, height, width))
    return paddle.to_tensor(values.astype(np.float32))


@pytest.mark.parametrize("merged", [True, False])
def test_evaluation_gives_one_probability_map_of_the_size_of_the_page(merged: bool) -> None:
    network = tiny(merged)
    network.eval()
    maps = network(pages(2))["maps"].numpy()
    assert maps.shape == (2, 1, 64, 96)
    assert maps.min() >= 0 and maps.max() <= 1
    assert maps.std() > 0.01


def test_training_gives_shrink_threshold_and_binary_map() -> None:
    network = tiny(merged=True)
    network.train()
    maps = network(pages())["maps"].numpy()
    assert maps.shape == (1, 3, 64, 96)
    shrink, threshold, binary = maps[0].astype(np.float64)
    expected = 1 / (1 + np.exp(-50 * (shrink - threshold)))
    assert np.abs(binary - expected).max() < 1e-4
    network.with_threshold = False
    assert network(pages())["maps"].shape == [1, 1, 64, 96]


def test_the_threshold_branch_does_not_change_the_shrink_map() -> None:
    network = tiny(merged=True)
    network.eval()
    alone = network(pages())["maps"].numpy()
    network.train()
    for layer in network.sublayers():
        if isinstance(layer, paddle.nn.BatchNorm2D):
            layer.eval()
    assert np.array_equal(network(pages())["maps"].numpy()[:, :1], alone)


@pytest.mark.parametrize("with_threshold", [True, False])
def test_a_gradient_reaches_every_parameter_that_is_used(with_threshold: bool) -> None:
    network = tiny()
    network.train()
    network.with_threshold = with_threshold
    maps = network(pages(2))["maps"]
    weight = paddle.to_tensor(np.random.default_rng(1).normal(size=maps.shape).astype(np.float32))
    (maps * weight).sum().backward()
    trained = {name: tensor for name, tensor in network.named_parameters() if not tensor.stop_gradient}
    # A number that is added everywhere before a batch norm is taken out by it again: its gradient is rounding or none.
    without = {
        name
        for name, tensor in trained.items()
        if tensor.grad is None or not (tensor.grad.any() or name.endswith("dw_conv.act.lab.bias"))
    }
    threshold = {name for name in trained if name.startswith("head.thresh.")}
    assert without == (set() if with_threshold else threshold)


def test_steep_maps_stay_finite() -> None:
    network = tiny(merged=True)
    network.train()
    network.head.binarize.conv3.bias.set_value(np.full(1, 1e4, np.float32))
    network.head.thresh.conv3.bias.set_value(np.full(1, -1e4, np.float32))
    maps = network(pages())["maps"]
    maps.sum().backward()
    assert np.isfinite(maps.numpy()).all()
    assert all(np.isfinite(p.grad.numpy()).all() for p in network.parameters() if p.grad is not None)


def test_merging_keeps_the_output() -> None:
    network = tiny()
    network.eval()
    x = pages(2)
    before = network(x)["maps"].numpy()
    features = [feature.numpy() for feature in network.backbone(x)]
    network.merge()
    assert network.merged and not any(".conv_kxk." in name for name in network.state_dict())
    assert np.abs(network(x)["maps"].numpy() - before).max() < 2e-5
    for merged, feature in zip(network.backbone(x), features, strict=True):
        assert np.abs(merged.numpy() - feature).max() < 3e-5 * np.abs(feature).max()


def test_merging_uses_statistics_and_all_branches() -> None:
    layer = RepConv(4, 4, 3, 1, 1, merged=False)
    layer.eval()
    assert len(layer.conv_kxk) == NUM_BRANCHES and layer.conv_1x1 is not None and layer.identity is not None
    rng = np.random.default_rng(2)
    for name, tensor in layer.state_dict().items():
        low = 0.5 if name.endswith("_variance") else -1.0
        tensor.set_value(rng.uniform(low, 1.5, tensor.shape).astype(np.float32))
    x = pages()[:, :1].tile([1, 4, 1, 1]) * paddle.arange(1, 5, dtype="float32").reshape([1, 4, 1, 1])
    before = layer(x).numpy()
    layer.merge()
    layer.merge()
    assert np.abs(layer(x).numpy() - before).max() < 1e-5 * np.abs(before).max()
    assert set(layer.state_dict()) >= {
        "reparam_conv.weight",
        "reparam_conv.bias",
        "lab.scale",
        "act.lab.bias",
    }


def test_a_merged_network_has_the_names_of_one_built_merged() -> None:
    network = TextDetNetwork(scale=0.25, neck_channels=16)
    network.merge()
    built = TextDetNetwork(scale=0.25, neck_channels=16, merged=True)
    assert {name: tensor.shape for name, tensor in network.state_dict().items()} == {
        name: tensor.shape for name, tensor in built.state_dict().items()
    }


def test_published_training_weights_load_into_the_merged_network(tmp_path: Path) -> None:
    """As published: multi-branch, of a distilled student, with affines that strided convolutions never use."""
    published, merged = tiny(), TextDetNetwork(scale=0.25, neck_channels=16, merged=True)
    state = {f"Student.{name}": tensor for name, tensor in published.state_dict().items()}
    unused = "Student.backbone.blocks3.0.dw_conv.act.lab.scale"
    paddle.save(state | {unused: paddle.ones([1])}, str(tmp_path / "w.pdparams"))
    coverage = load_weights(merged, str(tmp_path / "w"))
    assert coverage.loaded == coverage.total == len(merged.state_dict())
    assert coverage.unexpected == (unused.removeprefix("Student."),)
    published.eval()
    merged.eval()
    assert np.abs(merged(pages())["maps"].numpy() - published(pages())["maps"].numpy()).max() < 2e-5


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_enlarging_equals_nearest_interpolation_exactly(factor: int) -> None:
    x = pages(2, 5, 7)
    x.stop_gradient = False
    ours = upsample(x, factor)
    theirs = F.interpolate(x, scale_factor=factor, mode="nearest")
    assert np.array_equal(ours.numpy(), theirs.numpy())
    (ours * ours).sum().backward()
    assert np.allclose(x.grad.numpy(), 2 * factor**2 * x.numpy(), rtol=1e-6)


def test_names_are_the_published_ones() -> None:
    names = set(TextDetNetwork(scale=0.25, neck_channels=16).state_dict())
    assert names >= {
        "backbone.conv1.conv.weight",
        "backbone.conv1.bn._variance",
        "backbone.blocks2.0.dw_conv.conv_kxk.3.bn._mean",
        "backbone.blocks2.0.dw_conv.conv_1x1.conv.weight",
        "backbone.blocks2.0.dw_conv.identity.weight",
        "backbone.blocks2.0.dw_conv.lab.scale",
        "backbone.blocks2.0.dw_conv.act.lab.bias",
        "backbone.blocks5.4.pw_conv.conv_kxk.0.conv.weight",
        "backbone.blocks6.0.se.conv2.bias",
        "backbone.layer_list.3.bias",
        "neck.ins_conv.0.in_conv.weight",
        "neck.inp_conv.3.se_block.conv1.bias",
        "head.binarize.conv1.weight",
        "head.binarize.conv_bn1._mean",
        "head.binarize.conv2.bias",
        "head.thresh.conv_bn2.bias",
        "head.thresh.conv3.weight",
    }
    # A pointwise convolution needs no 1x1 branch, a strided one no activation, one that widens no identity.
    assert not any(".pw_conv.conv_1x1." in name for name in names)
    assert not any(name.startswith("backbone.blocks3.0.dw_conv.act.") for name in names)
    assert not any(name.startswith("backbone.blocks4.0.pw_conv.identity.") for name in names)


def test_the_full_size_network_is_as_large_as_the_published_one() -> None:
    state = TextDetNetwork(merged=True).state_dict()
    exported = [tensor for name, tensor in state.items() if not name.startswith("head.thresh.")]
    assert len(exported) == NUM_PUBLISHED_TENSORS
    assert sum(int(tensor.size) for tensor in exported) == NUM_PUBLISHED_VALUES


def test_affines_learn_at_a_tenth_of_the_rate() -> None:
    rates = {name: parameter.optimize_attr["learning_rate"] for name, parameter in tiny(merged=True).named_parameters()}
    affines = {name for name in rates if ".lab." in name}
    assert affines and all(rates[name] == LEARNING_RATE for name in affines)
    assert all(rates[name] == 1.0 for name in rates if name not in affines)


@pytest.mark.long
@pytest.mark.network
def test_real_pages_give_what_the_published_program_gives() -> None:
    network = TextDetNetwork(merged=True)
    coverage = load_weights(network, PUBLISHED, False, (r"^head\.thresh\.",))
    assert coverage.loaded == coverage.total == NUM_PUBLISHED_TENSORS
    assert not coverage.missing
    network.eval()
    program = official_program(coverage.source.path)
    processor = TextDetProcessor()
    lines = (datasets_dir() / "pages" / "val.txt").read_text("utf-8").splitlines()
    for line, sizes in ((lines[0], [None, (640, 640), (320, 480)]), (lines[-1], [None])):
        page = read_image(datasets_dir() / "pages" / line.partition("\t")[0])
        for size in sizes:
            image = page if size is None else cv2.resize(page, size)
            x = processor.preprocess(image)[0][None]
            with paddle.no_grad():
                ours = network(paddle.to_tensor(x))["maps"].numpy()
            theirs = program(x)
            assert ours.shape == theirs.shape and theirs.max() > 0.9, "the page shows no text"
            assert np.abs(ours - theirs).max() < TOLERANCE
