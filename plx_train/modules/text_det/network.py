"""PP-OCRv4 mobile detection: PP-LCNetV3, residual squeeze-and-excitation FPN, differentiable binarisation.

Structure and parameter names are the published ones (PP-OCRv3, arXiv 2206.03001; DB, arXiv 1911.08947).
"""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.blocks import SqueezeExcitation, upsample
from plx_train.nn.pp_lcnet_v3 import PPLCNetV3Det, RepConv

NECK_SLOPE = 0.2
"""Slope of the hard sigmoid in the neck; the backbone's is 1/6."""


class TextDetNetwork(nn.Layer):
    """Text probability for each pixel.

    Args:
        scale: width of the backbone.
        neck_channels: width of the neck; the head has a quarter of it.
        merged: single-branch backbone.
        steepness: k of the approximate step function, DB paper eq. 2.

    Attributes:
        with_threshold: in training, also give threshold and binary map.
    """

    def __init__(
        self, scale: float = 0.75, neck_channels: int = 96, merged: bool = False, steepness: float = 50.0
    ) -> None:
        super().__init__()
        self.merged = merged
        self.with_threshold = True
        self.steepness = steepness
        self.backbone = PPLCNetV3Det(scale, merged)
        self.neck = RSEFPN(self.backbone.out_channels, neck_channels)
        self.head = DBHead(neck_channels)

    def forward(self, x: paddle.Tensor) -> dict[str, paddle.Tensor]:
        """``maps`` in 0..1 for x (N, 3, H, W), H and W multiples of 32.

        (N, 1, H, W) in evaluation or without threshold branch, else (N, 3, H, W): shrink, threshold, binary.
        """
        features = self.neck(self.backbone(x))
        shrink = self.head.binarize(features)
        if not (self.training and self.with_threshold):
            return {"maps": shrink}
        threshold = self.head.thresh(features)
        binary = F.sigmoid(self.steepness * (shrink - threshold))
        return {"maps": paddle.concat([shrink, threshold, binary], axis=1)}

    def merge(self) -> None:
        """Merges all branches of the backbone in place; outputs in evaluation mode stay the same."""
        for layer in self.sublayers():
            if isinstance(layer, RepConv):
                layer.merge()
        self.merged = True


class RSELayer(nn.Layer):
    """Convolution, then x + SE(x)."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        initial = paddle.ParamAttr(initializer=nn.initializer.KaimingUniform())
        self.in_conv = nn.Conv2D(inputs, outputs, kernel, padding=kernel // 2, weight_attr=initial, bias_attr=False)
        self.se_block = SqueezeExcitation(outputs, NECK_SLOPE)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.in_conv(x)
        return x + self.se_block(x)


class RSEFPN(nn.Layer):
    """Feature pyramid: four maps in, one (N, channels, H/4, W/4) out."""

    def __init__(self, in_channels: list[int], channels: int) -> None:
        super().__init__()
        self.ins_conv = nn.LayerList([RSELayer(inputs, channels, 1) for inputs in in_channels])
        self.inp_conv = nn.LayerList([RSELayer(channels, channels // 4, 3) for _ in in_channels])

    def forward(self, features: list[paddle.Tensor]) -> paddle.Tensor:
        in2, in3, in4, in5 = [layer(features[level]) for level, layer in enumerate(self.ins_conv)]
        out4 = in4 + upsample(in5, 2)
        out3 = in3 + upsample(out4, 2)
        out2 = in2 + upsample(out3, 2)
        p2, p3, p4, p5 = [self.inp_conv[level](x) for level, x in enumerate((out2, out3, out4, in5))]
        return paddle.concat([upsample(p5, 8), upsample(p4, 4), upsample(p3, 2), p2], axis=1)


class DBHead(nn.Layer):
    """Two equal branches: `binarize` gives the shrink map, `thresh` the threshold map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.binarize = DBBranch(channels)
        self.thresh = DBBranch(channels)


class DBBranch(nn.Layer):
    """(N, channels, H/4, W/4) to (N, 1, H, W) in 0..1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 4
        self.conv1 = nn.Conv2D(channels, inner, 3, padding=1, bias_attr=False)
        self.conv_bn1 = nn.BatchNorm2D(inner)
        self.conv2 = _enlarging(inner, inner)
        self.conv_bn2 = nn.BatchNorm2D(inner)
        self.conv3 = _enlarging(inner, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = F.relu(self.conv_bn1(self.conv1(x)))
        x = F.relu(self.conv_bn2(self.conv2(x)))
        return F.sigmoid(self.conv3(x))


def _enlarging(inputs: int, outputs: int) -> nn.Conv2DTranspose:
    initial = paddle.ParamAttr(initializer=nn.initializer.KaimingUniform())
    return nn.Conv2DTranspose(inputs, outputs, 2, 2, weight_attr=initial)
