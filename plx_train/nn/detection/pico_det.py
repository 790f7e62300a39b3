"""PicoDet (arXiv 2111.00902) as its first release has it: PP-LCNet, CSP-PAN, and a head with shared branches.

Structure, order and names of parameters are those of PaddleDetection.
"""

from __future__ import annotations

import math

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.blocks import ConvNorm, make_divisible
from plx_train.nn.detection.csp_pan import CSPPAN
from plx_train.nn.pp_lcnet import BLOCKS, STEM_CHANNELS, DepthwiseSeparable

STRIDES = (8, 16, 32, 64)
"""Pixels between the points of each level."""
NUM_BINS = 8
"""Distances that an edge's distribution is over: 0 to 7 strides."""
NUM_CONVOLUTIONS = 4
PRIOR = 0.01
"""Score of everything before training."""


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
        x = self.conv1(x)
        features = []
        for name in self.stages:
            x = getattr(self, name)(x)
            features.append(x)
        return features[2:]


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


class PicoFeat(nn.Layer):
    """Four depthwise blocks for each level; classes and boxes share them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for level in range(len(STRIDES)):
            for number in range(NUM_CONVOLUTIONS):
                self.add_sublayer(f"cls_conv_dw{level}.{number}", _ConvNorm(channels, 5, channels))
                self.add_sublayer(f"cls_conv_pw{level}.{number}", _ConvNorm(channels, 1))

    def forward(self, x: paddle.Tensor, level: int) -> paddle.Tensor:
        for number in range(NUM_CONVOLUTIONS):
            x = self._sub_layers[f"cls_conv_dw{level}.{number}"](x)
            x = self._sub_layers[f"cls_conv_pw{level}.{number}"](x)
        return x


class PicoHead(nn.Layer):
    """Logits of classes and of the distances to a box's edges, for each point of each level."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.conv_feat = PicoFeat(channels)
        bias = -math.log((1 - PRIOR) / PRIOR)
        for level in range(len(STRIDES)):
            self.add_sublayer(
                f"head_cls{level}",
                nn.Conv2D(
                    channels,
                    num_classes + 4 * NUM_BINS,
                    1,
                    weight_attr=paddle.ParamAttr(initializer=nn.initializer.Normal(std=0.01)),
                    bias_attr=paddle.ParamAttr(initializer=nn.initializer.Constant(bias)),
                ),
            )

    def forward(self, features: list[paddle.Tensor]) -> tuple[paddle.Tensor, paddle.Tensor]:
        levels = [
            self._sub_layers[f"head_cls{level}"](self.conv_feat(feature, level)).flatten(2)
            for level, feature in enumerate(features)
        ]
        points = paddle.concat(levels, axis=2).transpose([0, 2, 1])
        return points[:, :, : self.num_classes], points[:, :, self.num_classes :]


class PicoDet(nn.Layer):
    """Class logits (N, P, classes) and distance logits (N, P, 4 × bins) of images (N, 3, H, W).

    The P points are those of `STRIDES`, level by level, row by row; H and W are multiples of 32.

    Args:
        scale: of the backbone's widths.
        channels: of neck and head.
    """

    def __init__(self, num_classes: int, scale: float = 1.0, channels: int = 128) -> None:
        super().__init__()
        self.backbone = LCNet(scale)
        self.neck = CSPPAN(self.backbone.out_channels, channels)
        self.head = PicoHead(channels, num_classes)

    def forward(self, x: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        return self.head(self.neck(self.backbone(x)))


def generated_names(network: PicoDet) -> dict[str, str]:
    """The names of a network's tensors by those that Paddle gave them in an export, ``conv2d_0.w_0`` for example.

    Paddle counts layers as they are made. Two convolutions that the official head makes and throws away count too.
    """
    names: dict[str, str] = {}
    for number, (name, _) in enumerate(_as_made(network, nn.Conv2D)):
        given = f"conv2d_{number + 2 * name.startswith('head.head_cls')}"
        names |= {f"{given}.w_0": f"{name}.weight", f"{given}.b_0": f"{name}.bias"}
    for number, (name, _) in enumerate(_as_made(network, nn.BatchNorm2D)):
        parts = {"w_0": "weight", "b_0": "bias", "w_1": "_mean", "w_2": "_variance"}
        names |= {f"batch_norm2d_{number}.{given}": f"{name}.{own}" for given, own in parts.items()}
    return names


def _as_made(network: PicoDet, kind: type[nn.Layer]) -> list[tuple[str, nn.Layer]]:
    """Names and layers of a kind in the order in which they were made, which Paddle numbers."""
    found = [each for each in network.named_sublayers() if isinstance(each[1], kind)]
    return sorted(found, key=lambda each: int(each[1].full_name().rpartition("_")[2]))
