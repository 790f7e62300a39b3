"""Classifiers of images by name: those written here and those of ``paddle.vision``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from paddle import nn

from plx_train.ground.errors import ConfigError
from plx_train.nn.classifier_names import NETWORKS
from plx_train.nn.efficientnet_lite import EfficientNetLite0
from plx_train.nn.pp_lcnet import PPLCNet
from plx_train.nn.rows import RowLinear

HEADS = re.compile(r"^(fc|classifier\.[13])\.(weight|bias)$")
"""Parameters with one column, or number, per class."""


def build_classifier(name: str, num_classes: int, stem_stride: int = 2, dropout: float = 0.2) -> nn.Layer:
    """A network that gives logits (N, num_classes) of images (N, 3, H, W).

    In evaluation an image's logits have the same bits in whatever batch it is, as far as the device's convolutions do.

    Args:
        stem_stride: of PP-LCNet alone.
        dropout: before the classifier, where the network has such.

    Raises:
        ConfigError: there is no network called `name`, or it has no other stride.
    """
    network = _built(name, num_classes, stem_stride, dropout)
    for layer in network.sublayers():
        if type(layer) is nn.Linear:
            # What it holds stays, and no random number is drawn for it again.
            layer.__class__ = RowLinear
    return network


def _built(name: str, num_classes: int, stem_stride: int, dropout: float) -> nn.Layer:
    if name not in NETWORKS:
        near = difflib.get_close_matches(name, NETWORKS, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there is: {', '.join(NETWORKS)}"
        raise ConfigError(f"module.network={name} is unknown; {hint}")
    from paddle.vision.models import mobilenet_v2

    family, _, scale = name.rpartition("_x")
    if family == "PP-LCNet":
        return PPLCNet(num_classes, _number(scale), stem_stride, dropout)
    if stem_stride != 2:
        raise ConfigError(f"module.stem_stride={stem_stride} is for PP-LCNet alone, not for {name}")
    if name == "EfficientNet-Lite0":
        return EfficientNetLite0(num_classes, dropout)
    if family == "MobileNetV2":
        network = mobilenet_v2(scale=_number(scale), num_classes=num_classes)
        network.classifier[0].p = dropout
        return network
    return _of_paddle_vision(name, scale)(num_classes=num_classes)


def head_of(network: nn.Layer) -> tuple[str, nn.Linear]:
    """The layer that scores the classes, and its path in a classifier."""
    layers = ((path, layer) for path, layer in network.named_sublayers() if HEADS.match(f"{path}.weight"))
    return next((path, layer) for path, layer in layers if isinstance(layer, nn.Linear))


def _of_paddle_vision(name: str, scale: str) -> Callable[..., nn.Layer]:
    from paddle.vision import models

    if name.startswith("ResNet"):
        return getattr(models, name.lower())
    build = models.mobilenet_v3_small if "small" in name else models.mobilenet_v3_large
    return lambda num_classes: build(scale=_number(scale), num_classes=num_classes)


def _number(scale: str) -> float:
    return float(scale.replace("_", "."))
