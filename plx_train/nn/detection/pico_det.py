"""PicoDet (arXiv 2111.00902) in both releases: PP-LCNet, a path aggregation network, and a head on each level.

Structure, order and names of parameters are those of PaddleDetection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.blocks import ConvNorm, features_at, make_divisible
from plx_train.nn.detection.backbones import of_backbone
from plx_train.nn.detection.detector import RARE, Detector, PointDetector
from plx_train.nn.detection.path_aggregation import CSPPAN, LCPAN, DPModule
from plx_train.nn.pp_lcnet import BLOCKS, STEM_CHANNELS, DepthwiseSeparable

STRIDES = (8, 16, 32, 64)
"""Pixels between the points of each level."""
BINS = range(8)
"""Distances that an edge's distribution is over: 0 to 7 strides."""
TINY = 1e-9


class LCNet(nn.Layer):
    """Features of PP-LCNet at strides 8, 16 and 32.

    Args:
        scale: of all widths.
    """

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.conv1 = ConvNorm(3, make_divisible(STEM_CHANNELS * scale, 8), 3, 2, activate=F.hardswish)
        self.stages = tuple(BLOCKS)
        self.out_channels = tuple(make_divisible(BLOCKS[name][-1][2] * scale, 8) for name in self.stages[2:])
        for name, blocks in BLOCKS.items():
            layers = [
                DepthwiseSeparable(
                    kernel, make_divisible(inputs * scale, 8), make_divisible(outputs * scale, 8), stride, se
                )
                for kernel, inputs, outputs, stride, se in blocks
            ]
            setattr(self, name, nn.Sequential(*layers))

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        return features_at(self.conv1(x), (getattr(self, name) for name in self.stages), (2, 3, 4))


class _ConvNorm(nn.Layer):
    """Convolution and batch norm, under the names that the head gives them."""

    def __init__(self, channels: int, kernel: int, groups: int = 1) -> None:
        super().__init__()
        initial = paddle.ParamAttr(initializer=nn.initializer.Normal(std=0.01))
        self.conv = nn.Conv2D(
            channels, channels, kernel, padding=kernel // 2, groups=groups, weight_attr=initial, bias_attr=False
        )
        self.norm = nn.BatchNorm2D(channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.hardswish(self.norm(self.conv(x)))


class PicoSE(nn.Layer):
    """Channels weighted by the picture as a whole."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2D(
            channels, channels, 1, weight_attr=paddle.ParamAttr(initializer=nn.initializer.Normal(std=0.001))
        )
        self.conv = _ConvNorm(channels, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv(x * F.sigmoid(self.fc(F.adaptive_avg_pool2d(x, 1))))


class PicoFeat(nn.Layer):
    """Depthwise blocks for each level; classes and boxes share them.

    Args:
        count: of the blocks.
        with_se: a weighting of channels stands after them.
    """

    def __init__(self, channels: int, count: int, with_se: bool) -> None:
        super().__init__()
        self.count = count
        if with_se:
            self.se = nn.LayerList()
        for level in range(len(STRIDES)):
            for number in range(count):
                self.add_sublayer(f"cls_conv_dw{level}.{number}", _ConvNorm(channels, 5, channels))
                self.add_sublayer(f"cls_conv_pw{level}.{number}", _ConvNorm(channels, 1))
            if with_se:
                self.se.append(PicoSE(channels))

    def forward(self, x: paddle.Tensor, level: int) -> paddle.Tensor:
        for number in range(self.count):
            x = self._sub_layers[f"cls_conv_dw{level}.{number}"](x)
            x = self._sub_layers[f"cls_conv_pw{level}.{number}"](x)
        return x


class PicoHead(nn.Layer):
    """Logits of classes (N, P, classes), and of the distances to a box's edges (N, P, 4 × bins)."""

    def __init__(self, channels: int, num_classes: int, num_blocks: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.conv_feat = PicoFeat(channels, num_blocks, with_se=False)
        for level in range(len(STRIDES)):
            self.add_sublayer(f"head_cls{level}", _pointwise(channels, num_classes + 4 * len(BINS), RARE))

    def forward(self, features: list[paddle.Tensor]) -> tuple[paddle.Tensor, paddle.Tensor]:
        levels = [
            self._sub_layers[f"head_cls{level}"](self.conv_feat(feature, level)).flatten(2)
            for level, feature in enumerate(features)
        ]
        points = paddle.concat(levels, axis=2).transpose([0, 2, 1])
        return points[:, :, : self.num_classes], points[:, :, self.num_classes :]


class PicoHeadV2(nn.Layer):
    """The same, with a score for the place beside those of the classes: the class's is the mean of both."""

    def __init__(self, channels: int, num_classes: int, num_blocks: int) -> None:
        super().__init__()
        self.conv_feat = PicoFeat(channels, num_blocks, with_se=True)
        self.cls_align = nn.LayerList()
        for level in range(len(STRIDES)):
            self.add_sublayer(f"head_cls{level}", _pointwise(channels, num_classes, RARE))
            self.add_sublayer(f"head_reg{level}", _pointwise(channels, 4 * len(BINS), 0.0))
            self.cls_align.append(DPModule(channels, 1, activates=False))

    def forward(self, features: list[paddle.Tensor]) -> tuple[paddle.Tensor, paddle.Tensor]:
        scores, distances = [], []
        for level, feature in enumerate(features):
            shared = self.conv_feat(feature, level)
            weighted = self.conv_feat.se[level](shared)
            place = F.log_sigmoid(self.cls_align[level](shared))
            mean = (F.log_sigmoid(self._sub_layers[f"head_cls{level}"](weighted)) + place) / 2
            scores.append(mean.flatten(2))
            distances.append(self._sub_layers[f"head_reg{level}"](weighted).flatten(2))
        # The logit of the geometric mean. Of scores instead of their logarithms oneDNN in paddle 3.3 makes another.
        score = paddle.concat(scores, axis=2).transpose([0, 2, 1])
        logits = score - paddle.log(1 - paddle.exp(score) + TINY)
        return logits, paddle.concat(distances, axis=2).transpose([0, 2, 1])


def _pointwise(inputs: int, outputs: int, bias: float) -> nn.Layer:
    return nn.Conv2D(
        inputs,
        outputs,
        1,
        weight_attr=paddle.ParamAttr(initializer=nn.initializer.Normal(std=0.01)),
        bias_attr=paddle.ParamAttr(initializer=nn.initializer.Constant(bias)),
    )


class PicoDet(PointDetector):
    """Class logits (N, P, classes) and distance logits (N, P, 4 × bins) of images (N, 3, H, W).

    The P points are those of `strides`, level by level, row by row; H and W are multiples of 32.

    Args:
        scale: of the backbone's widths.
        channels: of neck and head.
        num_blocks: of the head.
        is_first_release: with the neck and the head of the first one, as the published layout models are.
    """

    strides: ClassVar[tuple[int, ...]] = STRIDES
    bins = BINS
    heads: ClassVar[Mapping[str, int]] = {r"^head\.head_cls\d\.(weight|bias)$": 0}

    def __init__(
        self, num_classes: int, scale: float, channels: int, num_blocks: int = 4, is_first_release: bool = False
    ) -> None:
        super().__init__()
        self.backbone = LCNet(scale)
        neck, head = (CSPPAN, PicoHead) if is_first_release else (LCPAN, PicoHeadV2)
        self.neck = neck(self.backbone.out_channels, channels)
        self.head = head(channels, num_classes, num_blocks)

    def forward(self, x: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        return self.head(self.neck(self.backbone(x)))

    def own_names(self, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Tensors of an official export, which have names that Paddle gave, as the network's; others as they are."""
        given = self._generated_names()
        if not any(name in given for name in state):
            return dict(state)
        # Its other tensors are numbers of the graph.
        return {given[name]: array for name, array in state.items() if name in given}

    def _generated_names(self) -> dict[str, str]:
        """The names of a network's tensors by those that Paddle gave them in an export, ``conv2d_0.w_0`` for example.

        Paddle counts layers as they are made. Two convolutions that the official head makes and throws away count too.
        """
        names: dict[str, str] = {}
        for number, (name, _) in enumerate(_as_made(self, nn.Conv2D)):
            given = f"conv2d_{number + 2 * name.startswith('head.head_cls')}"
            names |= {f"{given}.w_0": f"{name}.weight", f"{given}.b_0": f"{name}.bias"}
        for number, (name, _) in enumerate(_as_made(self, nn.BatchNorm2D)):
            parts = {"w_0": "weight", "b_0": "bias", "w_1": "_mean", "w_2": "_variance"}
            names |= {f"batch_norm2d_{number}.{given}": f"{name}.{own}" for given, own in parts.items()}
        return names


class PicoDetOn(PicoDet):
    """Neck and head of today's PicoDet over the backbone of another network, of which there are ImageNet weights.

    Args:
        backbone: makes what gives features at strides 8, 16 and 32, and has their `out_channels`.
    """

    pretrained_part: ClassVar[str] = "backbone."

    def __init__(
        self, backbone: Callable[[], nn.Layer], num_classes: int, channels: int = 96, num_blocks: int = 2
    ) -> None:
        Detector.__init__(self)
        self.backbone = backbone()
        self.neck = LCPAN(self.backbone.out_channels, channels)
        self.head = PicoHeadV2(channels, num_classes, num_blocks)

    def own_names(self, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The tensors of a classifier as those of the backbone, those of a detector as they are."""
        return of_backbone(state, self.backbone)


def _as_made(network: PicoDet, kind: type[nn.Layer]) -> list[tuple[str, nn.Layer]]:
    """Names and layers of a kind in the order in which they were made, which Paddle numbers."""
    found = [each for each in network.named_sublayers() if isinstance(each[1], kind)]
    return sorted(found, key=lambda each: int(each[1].full_name().rpartition("_")[2]))
