"""SegFormer (arXiv 2105.15203); structure and names of parameters are PaddleSeg's."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.segmentation.layers import ConvNormReLU, resized
from plx_train.nn.segmentation.mix_transformer import MixTransformer, linear, to_map, to_tokens

DROPOUT = 0.1


class SegFormer(nn.Layer):
    """Logits (N, classes, H, W) of images (N, 3, H, W), one map.

    Args:
        width: channels of each stage's features before they are put together.
    """

    def __init__(self, num_classes: int, backbone: MixTransformer, width: int) -> None:
        super().__init__()
        self.backbone, self.width = backbone, width
        for number, channels in enumerate(backbone.out_channels, 1):
            setattr(self, f"linear_c{number}", _AtEachPoint(channels, width))
        self.dropout = nn.Dropout2D(DROPOUT)
        self.linear_fuse = _Fusion(width * len(backbone.out_channels), width)
        self.linear_pred = nn.Conv2D(width, num_classes, 1)

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        features = self.backbone(x)
        known = [getattr(self, f"linear_c{number}")(each) for number, each in enumerate(features, 1)]
        # The coarsest comes first.
        return [resized(self.linear_pred(self.dropout(self.linear_fuse(known[::-1]))), x)]


class _AtEachPoint(nn.Layer):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.proj = linear(inputs, outputs)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return to_map(self.proj(to_tokens(x)), x)


class _Fusion(ConvNormReLU):
    """A convolution of single points of all maps, side by side at the size of the last, which is the largest.

    As it looks at single points and has no bias, each map goes through its own part of it before it is enlarged: for
    four maps a third of the arithmetic, and the same.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 1)

    def forward(self, maps: list[paddle.Tensor]) -> paddle.Tensor:
        weights = self._conv.weight.split(len(maps), axis=1)
        mixed = [F.conv2d(each, weights[place]) for place, each in enumerate(maps)]
        total = mixed[-1]
        for each in mixed[:-1]:
            total = total + resized(each, total)
        return F.relu(self._batch_norm(total))
