"""PP-LiteSeg (arXiv 2204.02681); structure and names of parameters are PaddleSeg's."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.segmentation.layers import ConvNormReLU, resized
from plx_train.nn.segmentation.stdc import STDC

BINS = (1, 2, 4)
"""Sides of the grids that the last features are averaged to."""
CONTEXT = 128
"""Channels of what is made of these."""


class PPLiteSeg(nn.Layer):
    """Logits (N, classes, H, W) of images (N, 3, H, W): one map, in training one from each stride, the finest first.

    Args:
        backbone: name of an STDC.
        fused: channels of the features at strides 8, 16 and 32 after fusion.
        inner: channels of the heads there.
    """

    def __init__(self, num_classes: int, backbone: str, fused: tuple[int, ...], inner: tuple[int, ...]) -> None:
        super().__init__()
        self.backbone = STDC(backbone)
        self.ppseg_head = _Decoder(self.backbone.out_channels, fused)
        pairs = zip(fused, inner, strict=True)
        self.seg_heads = nn.LayerList([_Head(inputs, width, num_classes) for inputs, width in pairs])

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        features = self.ppseg_head(self.backbone(x))
        num_heads = len(self.seg_heads) if self.training else 1
        return [resized(self.seg_heads[place](features[place]), x) for place in range(num_heads)]


class _Decoder(nn.Layer):
    """Context, then fusion from the coarsest features to the finest."""

    def __init__(self, channels: tuple[int, ...], fused: tuple[int, ...]) -> None:
        super().__init__()
        self.cm = _Context(channels[-1])
        above = (*fused[1:], CONTEXT)
        triples = zip(channels, above, fused, strict=True)
        self.arm_list = nn.LayerList([_Fusion(low, high, outputs) for low, high, outputs in triples])

    def forward(self, features: list[paddle.Tensor]) -> list[paddle.Tensor]:
        high, found = self.cm(features[-1]), []
        for place in range(len(features) - 1, -1, -1):
            high = self.arm_list[place](features[place], high)
            found.append(high)
        return found[::-1]


class _Context(nn.Layer):
    """What the image shows on the whole and in its quarters, at each point."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.stages = nn.LayerList(
            [
                nn.Sequential(nn.AdaptiveAvgPool2D(side), ConvNormReLU(inputs, CONTEXT, 1, has_bias=True))
                for side in BINS
            ]
        )
        self.conv_out = ConvNormReLU(CONTEXT, CONTEXT, 3, has_bias=True)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        found = [resized(stage(x), x) for stage in self.stages]
        return self.conv_out(paddle.add_n(found))


class _Fusion(nn.Layer):
    """Fine and coarse features, mixed at each point by weights that both tell."""

    def __init__(self, low: int, high: int, outputs: int) -> None:
        super().__init__()
        self.conv_x = ConvNormReLU(low, high, 3)
        self.conv_out = ConvNormReLU(high, outputs, 3)
        self.conv_xy_atten = nn.Sequential(ConvNormReLU(4, 2, 3), ConvNormReLU(2, 1, 3, activates=False))
        one = paddle.ParamAttr(initializer=nn.initializer.Constant(1.0))
        self._scale = self.create_parameter([1], attr=one, dtype="float32")
        self._scale.stop_gradient = True

    def forward(self, low: paddle.Tensor, high: paddle.Tensor) -> paddle.Tensor:
        low = self.conv_x(low)
        high = resized(high, low)
        reduced = [each for x in (low, high) for each in (_mean(x), _largest(x))]
        share = F.sigmoid(self.conv_xy_atten(paddle.concat(reduced, axis=1)))
        return self.conv_out(low * share + high * (self._scale - share))


def _mean(x: paddle.Tensor) -> paddle.Tensor:
    """The mean over the channels; as a sum, for oneDNN in paddle 3.3 writes a line to the terminal for each mean."""
    return x.sum(1, keepdim=True) * (1 / x.shape[1])


def _largest(x: paddle.Tensor) -> paddle.Tensor:
    """The largest of the channels, taken out by its number: the gradient of `max` would cost most of a step."""
    if not paddle.in_dynamic_mode():
        return x.max(1, keepdim=True)
    return paddle.take_along_axis(x, x.detach().argmax(1, keepdim=True), 1)


class _Head(nn.Layer):
    def __init__(self, inputs: int, inner: int, num_classes: int) -> None:
        super().__init__()
        self.conv = ConvNormReLU(inputs, inner, 3)
        self.conv_out = nn.Conv2D(inner, num_classes, 1, bias_attr=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv_out(self.conv(x))
