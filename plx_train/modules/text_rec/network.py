"""PP-OCRv4 mobile recognition: PP-LCNetV3, SVTR neck, CTC head, and while training a guide beside it.

Structure and parameter names are the published ones (SVTR, arXiv 2205.00159; PP-OCRv3, arXiv 2206.03001).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.modules.text_rec.guide import Decoder, FeatureProjection
from plx_train.modules.text_rec.targets import num_tokens
from plx_train.nn.pp_lcnet_v3 import PPLCNetV3Rec, RepConv

NUM_HEADS = 8
MLP_RATIO = 2
DROPOUT = 0.1
REDUCTION = 8
"""The neck's convolutions have so many times fewer channels than the backbone's map."""
POOL = (3, 2)
"""Rows and columns pooled into one step of the text: all rows that images of 48 pixels leave."""


@dataclass(frozen=True)
class GuideShape:
    """Size of the decoder that trains along: its width, a multiple of 32, and its transformer blocks."""

    channels: int
    depth: int


class TextRecNetwork(nn.Layer):
    """A class for each step along the text line: blank, a character, or space.

    Args:
        num_classes: blank, the characters, and space.
        scale: width of the backbone.
        neck_channels: width of the neck.
        depth: transformer blocks in the neck.
        merged: single-branch backbone.
        guide: what is trained beside the classifier, without being part of the logits.
    """

    def __init__(
        self,
        num_classes: int,
        scale: float = 0.95,
        neck_channels: int = 120,
        depth: int = 2,
        merged: bool = False,
        guide: GuideShape | None = None,
    ) -> None:
        super().__init__()
        self.merged = merged
        self.backbone = PPLCNetV3Rec(scale, merged)
        self.head = RecognitionHead(self.backbone.out_channels, neck_channels, depth, num_classes)
        if guide is not None:
            self.head.add_guide(guide, num_classes)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Logits (N, T, classes) for x (N, 3, 48, W); T is about W / 8."""
        return self.head(F.avg_pool2d(self.backbone(x), POOL))

    def guided(
        self, x: paddle.Tensor, tokens: paddle.Tensor, is_alone: bool = True
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        """The logits, and the guide's (N, S, tokens) for each place after `tokens` int64 (N, S).

        Args:
            is_alone: no gradient of the logits reaches the backbone, which learns from the guide alone.
        """
        features = F.avg_pool2d(self.backbone(x), POOL)
        return self.head(features.detach() if is_alone else features), self.head.spell(features, tokens)

    def merge(self) -> None:
        """Merges all branches of the backbone in place; outputs in evaluation mode stay the same."""
        for layer in self.sublayers():
            if isinstance(layer, RepConv):
                layer.merge()
        self.merged = True


class RecognitionHead(nn.Layer):
    """Neck and classifier under the names that the published multi-branch head gives them."""

    def __init__(self, inputs: int, neck_channels: int, depth: int, num_classes: int) -> None:
        super().__init__()
        self.ctc_encoder = nn.Layer()
        self.ctc_encoder.encoder = SVTRNeck(inputs, neck_channels, depth)
        self.ctc_head = CTCHead(neck_channels, num_classes)
        self.inputs = inputs

    def add_guide(self, shape: GuideShape, num_classes: int) -> None:
        """Adds the decoder, under the published names."""
        self.before_gtc = nn.Sequential(nn.Flatten(2), FeatureProjection(self.inputs, shape.channels))
        self.gtc_head = Decoder(num_tokens(num_classes), shape.channels, shape.depth)

    def spell(self, x: paddle.Tensor, tokens: paddle.Tensor) -> paddle.Tensor:
        """The guide's logits (N, S, tokens) for features (N, inputs, 1, T) and tokens int64 (N, S)."""
        return self.gtc_head(tokens, self.before_gtc(x))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(N, inputs, 1, T) to logits (N, T, classes)."""
        steps = self.ctc_encoder.encoder(x).squeeze(2).transpose([0, 2, 1])
        return self.ctc_head.fc(steps)


class CTCHead(nn.Layer):
    """One linear layer, ``fc``."""

    def __init__(self, inputs: int, num_classes: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        initial = paddle.ParamAttr(initializer=nn.initializer.Uniform(-bound, bound))
        self.fc = nn.Linear(inputs, num_classes, weight_attr=initial, bias_attr=initial)


class SVTRNeck(nn.Layer):
    """Attention among all steps of the line, beside a shortcut: (N, inputs, 1, T) to (N, channels, 1, T)."""

    def __init__(self, inputs: int, channels: int, depth: int) -> None:
        super().__init__()
        reduced = inputs // REDUCTION
        self.conv1 = ConvNormSwish(inputs, reduced, (1, 3))
        self.conv2 = ConvNormSwish(reduced, channels, (1, 1))
        self.svtr_block = nn.LayerList([MixingBlock(channels) for _ in range(depth)])
        self.norm = nn.LayerNorm(channels, epsilon=1e-6)
        self.conv3 = ConvNormSwish(channels, inputs, (1, 1))
        self.conv4 = ConvNormSwish(2 * inputs, reduced, (1, 3))
        self.conv1x1 = ConvNormSwish(reduced, channels, (1, 1))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        steps = self.conv2(self.conv1(x)).squeeze(2).transpose([0, 2, 1])
        for block in self.svtr_block:
            steps = block(steps)
        mixed = self.conv3(self.norm(steps).transpose([0, 2, 1]).unsqueeze(2))
        return self.conv1x1(self.conv4(paddle.concat([x, mixed], axis=1)))


class ConvNormSwish(nn.Layer):
    """Convolution without bias, batch norm, swish; the size stays."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        initial = paddle.ParamAttr(initializer=nn.initializer.KaimingUniform())
        padding = [side // 2 for side in kernel]
        self.conv = nn.Conv2D(inputs, outputs, kernel, padding=padding, weight_attr=initial, bias_attr=False)
        self.norm = nn.BatchNorm2D(outputs)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.swish(self.norm(self.conv(x)))


class MixingBlock(nn.Layer):
    """A transformer block on (N, T, channels), norms first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, epsilon=1e-5)
        self.mixer = Attention(channels)
        self.norm2 = nn.LayerNorm(channels, epsilon=1e-5)
        self.mlp = MLP(channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = x + self.mixer(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Attention(nn.Layer):
    """Self-attention of `NUM_HEADS` heads among all steps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.width = channels // NUM_HEADS
        self.qkv = _linear(channels, 3 * channels)
        self.proj = _linear(channels, channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        parts = self.qkv(x).reshape([0, -1, 3, NUM_HEADS, self.width]).transpose([2, 0, 3, 1, 4])
        query, key, value = parts[0] * self.width**-0.5, parts[1], parts[2]
        weights = F.softmax(query.matmul(key.transpose([0, 1, 3, 2])), axis=-1)
        mixed = F.dropout(weights, DROPOUT, training=self.training).matmul(value)
        mixed = mixed.transpose([0, 2, 1, 3]).reshape([0, -1, NUM_HEADS * self.width])
        return F.dropout(self.proj(mixed), DROPOUT, training=self.training)


class MLP(nn.Layer):
    """Two linear layers with swish between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = _linear(channels, MLP_RATIO * channels)
        self.fc2 = _linear(MLP_RATIO * channels, channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        hidden = F.dropout(F.swish(self.fc1(x)), DROPOUT, training=self.training)
        return F.dropout(self.fc2(hidden), DROPOUT, training=self.training)


def _linear(inputs: int, outputs: int) -> nn.Linear:
    initial = paddle.ParamAttr(initializer=nn.initializer.TruncatedNormal(std=0.02))
    return nn.Linear(inputs, outputs, weight_attr=initial)
