"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation and with ReLU6 (Tan and Le, 2019; Liu, 2020)."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F

# blocks, kernel size, stride of the first, expansion, output channels
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM_CHANNELS, LAST_CHANNELS = 32, 1280
NORM_EPSILON, NORM_MOMENTUM = 1e-3, 0.99


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2D:
    # Of even sizes, strides of 2 are padded at the right and below alone, as the weights were trained.
    initial = paddle.ParamAttr(initializer=nn.initializer.KaimingNormal())
    return nn.Conv2D(
        inputs, outputs, kernel, stride, "SAME", groups=groups, weight_attr=initial, bias_attr=False
    )  # fmt: skip


def _norm(channels: int) -> nn.BatchNorm2D:
    return nn.BatchNorm2D(channels, NORM_MOMENTUM, NORM_EPSILON)


class InvertedResidual(nn.Layer):
    """Widens by a pointwise convolution, then depthwise, then narrows; added to its input where shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expands = expansion > 1
        if self.expands:
            self.expand_conv, self.bn0 = _conv(inputs, inner, 1), _norm(inner)
        self.depthwise_conv, self.bn1 = _conv(inner, inner, kernel, stride, groups=inner), _norm(inner)
        self.project_conv, self.bn2 = _conv(inner, outputs, 1), _norm(outputs)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = F.relu6(self.bn0(self.expand_conv(x))) if self.expands else x
        y = self.bn2(self.project_conv(F.relu6(self.bn1(self.depthwise_conv(y)))))
        return x + y if self.adds else y


class EfficientNetLite0(nn.Layer):
    """Logits (N, num_classes) of images (N, 3, H, W)."""

    def __init__(self, num_classes: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.conv_stem, self.bn0 = _conv(3, STEM_CHANNELS, 3, 2), _norm(STEM_CHANNELS)
        blocks, inputs = [], STEM_CHANNELS
        for num, kernel, stride, expansion, outputs in STAGES:
            for place in range(num):
                blocks.append(InvertedResidual(inputs, outputs, kernel, 1 if place else stride, expansion))
                inputs = outputs
        self.blocks = nn.LayerList(blocks)
        self.conv_head, self.bn1 = _conv(inputs, LAST_CHANNELS, 1), _norm(LAST_CHANNELS)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(LAST_CHANNELS, num_classes)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = F.relu6(self.bn0(self.conv_stem(x)))
        for block in self.blocks:
            x = block(x)
        x = F.relu6(self.bn1(self.conv_head(x)))
        return self.fc(self.dropout(F.adaptive_avg_pool2d(x, 1).flatten(1)))
