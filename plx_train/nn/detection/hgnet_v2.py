"""PP-HGNetV2, as RT-DETR has it; structure and names of parameters are PaddleDetection's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.blocks import ConvNorm, features_at

NUM_LAYERS = 6
"""Layers of a block."""


@dataclass(frozen=True)
class Stage:
    """A stage of the network.

    Attributes:
        middle, outputs: channels within its blocks, and after them.
        num_blocks: how many there are.
        kernel: of their layers.
        is_light: layers are a pointwise and a depthwise convolution.
    """

    middle: int
    outputs: int
    num_blocks: int
    kernel: int = 3
    is_light: bool = False


@dataclass(frozen=True)
class HGNetShape:
    """Sizes of a network: channels within and after its stem, and stages."""

    stem: tuple[int, int]
    stages: tuple[Stage, ...]


SHAPES: Mapping[str, HGNetShape] = MappingProxyType(
    {
        "L": HGNetShape(
            (32, 48), (Stage(48, 128, 1), Stage(96, 512, 1), Stage(192, 1024, 3, 5, True), Stage(384, 2048, 1, 5, True))
        ),
        "X": HGNetShape(
            (32, 64),
            (Stage(64, 128, 1), Stage(128, 512, 2), Stage(256, 1024, 5, 5, True), Stage(512, 2048, 2, 5, True)),
        ),
        "H": HGNetShape(
            (48, 96),
            (Stage(96, 192, 2), Stage(192, 512, 3), Stage(384, 1024, 6, 5, True), Stage(768, 2048, 3, 5, True)),
        ),
    }
)


class _PaddedConvNorm(nn.Layer):
    """A convolution of 2 x 2 that needs a row and a column more than it gives."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        initial = paddle.ParamAttr(initializer=nn.initializer.KaimingNormal())
        self.conv = nn.Conv2D(inputs, outputs, 2, weight_attr=initial, bias_attr=False)
        self.bn = nn.BatchNorm2D(outputs)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.relu(self.bn(self.conv(x)))


class StemBlock(nn.Layer):
    """Features at stride 4, of convolutions and of a pooling beside each other."""

    def __init__(self, middle: int, outputs: int) -> None:
        super().__init__()
        self.stem1 = ConvNorm(3, middle, 3, 2, activate=F.relu)
        self.stem2a = _PaddedConvNorm(middle, middle // 2)
        self.stem2b = _PaddedConvNorm(middle // 2, middle)
        self.stem3 = ConvNorm(2 * middle, middle, 3, 2, activate=F.relu)
        self.stem4 = ConvNorm(middle, outputs, 1, activate=F.relu)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        # Zeros are no larger than anything that is pooled: it comes out of ReLUs.
        x = _padded(self.stem1(x))
        convolved = self.stem2b(_padded(self.stem2a(x)))
        return self.stem4(self.stem3(paddle.concat([F.max_pool2d(x, 2, 1), convolved], axis=1)))


def _padded(x: paddle.Tensor) -> paddle.Tensor:
    """`x` with a column of zeros at the right and a row at the bottom."""
    return F.pad(x, [0, 1, 0, 1])


class LightConvNorm(nn.Layer):
    """A pointwise and a depthwise convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inputs, outputs, 1)
        self.conv2 = ConvNorm(outputs, outputs, kernel, groups=outputs, activate=F.relu)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv2(self.conv1(x))


class HGBlock(nn.Layer):
    """Layers one after the other, of all of which features are made.

    Args:
        has_shortcut: the input is added to them.
    """

    def __init__(self, inputs: int, stage: Stage, has_shortcut: bool) -> None:
        super().__init__()
        self.layers = nn.LayerList()
        for number in range(NUM_LAYERS):
            given = stage.middle if number else inputs
            if stage.is_light:
                self.layers.append(LightConvNorm(given, stage.middle, stage.kernel))
            else:
                self.layers.append(ConvNorm(given, stage.middle, stage.kernel, activate=F.relu))
        total, half = inputs + NUM_LAYERS * stage.middle, stage.outputs // 2
        self.aggregation_squeeze_conv = ConvNorm(total, half, 1, activate=F.relu)
        self.aggregation_excitation_conv = ConvNorm(half, stage.outputs, 1, activate=F.relu)
        self.has_shortcut = has_shortcut

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        made = [x]
        for layer in self.layers:
            made.append(layer(made[-1]))
        y = self.aggregation_excitation_conv(self.aggregation_squeeze_conv(paddle.concat(made, axis=1)))
        return x + y if self.has_shortcut else y


class HGStage(nn.Layer):
    """Blocks, before which the features may be halved in size."""

    def __init__(self, inputs: int, stage: Stage, halves: bool) -> None:
        super().__init__()
        self.downsample = ConvNorm(inputs, inputs, 3, 2, groups=inputs) if halves else None
        self.blocks = nn.Sequential(
            *[HGBlock(stage.outputs if number else inputs, stage, number > 0) for number in range(stage.num_blocks)]
        )

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.blocks(x if self.downsample is None else self.downsample(x))


class HGNetV2(nn.Layer):
    """Features at strides 8, 16 and 32."""

    def __init__(self, shape: HGNetShape) -> None:
        super().__init__()
        self.stem = StemBlock(*shape.stem)
        inputs = [shape.stem[1], *(stage.outputs for stage in shape.stages)]
        self.stages = nn.LayerList(
            [HGStage(inputs[place], stage, place > 0) for place, stage in enumerate(shape.stages)]
        )
        self.out_channels = tuple(inputs[2:])

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        return features_at(self.stem(x), self.stages, (1, 2, 3))
