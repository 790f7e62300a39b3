"""Weights of others under a detector's own names: ImageNet classifiers as backbones, PaddleDetection's checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest

from kit.checked_rooms import built
from plx_train.ground.errors import WeightsError
from plx_train.nn.detection.recipes import recipe_of
from plx_train.nn.efficientnet_lite import EfficientNetLite0
from plx_train.weights import load_weights

SIDE = 64


def module_of(network: str, labels: tuple[str, ...] = ("a", "b")) -> Any:
    facts = {"labels": labels, "size": (SIDE, SIDE), "thresholds": (0.5,) * len(labels)}
    return built("object_det", {"network": network, "size": [SIDE, SIDE]}, **facts)


def pdparams(folder: Path, state: dict[str, paddle.Tensor]) -> str:
    path = folder / "official.pdparams"
    paddle.save(state, str(path))
    return str(path)


def load(module: Any, weights: str) -> str:
    return str(load_weights(module.network, weights, False, module.optional_weights, adapt=module.adapt_weights))


def test_a_classifier_is_the_backbone_and_the_rest_begins_anew(tmp_path: Path) -> None:
    paddle.seed(0)
    classifier = EfficientNetLite0(5)
    module = module_of("PicoDet_EfficientNet_Lite0")
    told = load(module, pdparams(tmp_path, classifier.state_dict()))
    assert "loaded 240/240 tensors" in told and "the backbone alone" in told
    images = paddle.rand([1, 3, SIDE, SIDE])
    module.network.eval()
    classifier.eval()
    features = module.network.backbone(images)
    assert [feature.shape[1:] for feature in features] == [[40, 8, 8], [112, 4, 4], [320, 2, 2]]
    x = paddle.nn.functional.relu6(classifier.bn0(classifier.conv_stem(images)))
    for block in classifier.blocks:
        x = block(x)
    assert np.allclose(features[-1].numpy(), x.numpy(), atol=1e-6)


def test_mobilenet_gives_features_at_three_strides() -> None:
    network = recipe_of("PicoDet_MobileNetV2").build(2)
    shapes = [feature.shape[1:] for feature in network.backbone(paddle.rand([1, 3, SIDE, SIDE]))]
    assert shapes == [[32, 8, 8], [96, 4, 4], [320, 2, 2]]


def test_norms_of_the_backbone_alone_are_frozen() -> None:
    module = module_of("PicoDet_EfficientNet_Lite0")
    module.train_mode()
    norms = {
        name: layer.training
        for name, layer in module.network.named_sublayers()
        if isinstance(layer, paddle.nn.BatchNorm2D)
    }
    assert {name for name, learns in norms.items() if not learns} == {
        name for name in norms if name.startswith("backbone.")
    }
    whole = module_of("PicoDet-XS")
    whole.train_mode()
    assert not any(layer.training for layer in whole.network.sublayers() if isinstance(layer, paddle.nn.BatchNorm2D))


def test_a_detector_of_another_backbone_is_refused(tmp_path: Path) -> None:
    other = recipe_of("PicoDet-XS").build(2)
    with pytest.raises(WeightsError, match=r"of 539 tensors, not backbone\.conv_stem"):
        load(module_of("PicoDet_EfficientNet_Lite0"), pdparams(tmp_path, other.state_dict()))


def test_an_alpha_that_is_not_above_zero_counts_as_one(tmp_path: Path) -> None:
    paddle.seed(0)
    module = module_of("PP-YOLOE_plus-S", ("a",))
    state = module.network.state_dict()
    name = "backbone.stages.0.blocks.0.conv2.alpha"
    given = {key: tensor.clone() for key, tensor in state.items()}
    given[name] = paddle.to_tensor([-0.5])
    given["backbone.stages.1.blocks.0.conv2.alpha"] = paddle.to_tensor([0.25])
    load(module, pdparams(tmp_path, given))
    found = module.network.state_dict()
    assert found[name].item() == 1.0
    assert found["backbone.stages.1.blocks.0.conv2.alpha"].item() == 0.25


def test_pp_yoloe_without_the_plus_has_no_alpha() -> None:
    names = recipe_of("PP-YOLOE-S_vehicle").build(4).state_dict()
    assert not any(name.endswith(".alpha") for name in names)
    assert len(names) == 422


def test_heads_of_weights_without_names_are_kept_where_they_are_as_many(tmp_path: Path) -> None:
    paddle.seed(0)
    given = recipe_of("PicoDet-XS").build(2).state_dict()
    path = pdparams(tmp_path, given)
    module = module_of("PicoDet-XS")
    assert "heads as they are: the weights don't name their 2 classes" in load(module, path)
    own = module.network.state_dict()["head.head_cls0.bias"]
    assert np.array_equal(own.numpy(), given["head.head_cls0.bias"].numpy())
    three = module_of("PicoDet-XS", ("a", "b", "c"))
    assert "heads of 3 classes, 0 of them known" in load(three, path)
