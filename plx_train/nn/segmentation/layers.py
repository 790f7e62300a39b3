"""What segmentation networks are built of; names of parameters are PaddleSeg's."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F


class ConvNormReLU(nn.Layer):
    """Convolution, batch norm, ReLU; padded so that sizes stay as they are at stride 1."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, dilation: int = 1, has_bias: bool = False, activates: bool = True
    ) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        bias = None if has_bias else False
        self._conv = nn.Conv2D(inputs, outputs, kernel, 1, padding, dilation, weight_attr=_initial(), bias_attr=bias)
        self._batch_norm = nn.BatchNorm2D(outputs)
        self.activates = activates

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self._batch_norm(self._conv(x))
        return F.relu(x) if self.activates else x


class _DepthwiseNorm(nn.Layer):
    """A convolution of each channel by itself, and batch norm."""

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self._conv = nn.Conv2D(
            channels, channels, kernel, 1, padding, dilation, groups=channels, weight_attr=_initial()
        )  # fmt: skip
        self._batch_norm = nn.BatchNorm2D(channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self._batch_norm(self._conv(x))


class SeparableConvNormReLU(nn.Layer):
    """A convolution of each channel by itself, then one of all channels at each point."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.depthwise_conv = _DepthwiseNorm(inputs, kernel, dilation)
        self.piontwise_conv = ConvNormReLU(inputs, outputs, 1, has_bias=True)  # PaddleSeg spells it so

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.piontwise_conv(self.depthwise_conv(x))


def _initial() -> paddle.ParamAttr:
    return paddle.ParamAttr(initializer=nn.initializer.KaimingNormal())


def resized(x: paddle.Tensor, like: paddle.Tensor) -> paddle.Tensor:
    """Maps (N, C, h, w) at the height and width of `like`, bilinear between the centres of pixels.

    It is two products of matrices: oneDNN in paddle 3.3 can't run `interpolate` in an exported graph, which is several
    times slower on a CPU too. Of three axes, and nothing is transposed in them: else oneDNN takes maps for another
    layout, or is wrong where a side is 1.
    """
    height, width = like.shape[2], like.shape[3]
    rows, columns = _weights(height, x.shape[2]), _weights(width, x.shape[3]).t()
    x, channels = x.flatten(0, 1), x.shape[1]
    return paddle.matmul(paddle.matmul(rows, x), columns).reshape([-1, channels, height, width])


def _weights(wanted: int, given: int) -> paddle.Tensor:
    """How much each of `given` places counts for each of `wanted` ones, float32 (wanted, given)."""
    scale = paddle.full([1], 1.0, "float32") * given / wanted
    places = (paddle.arange(wanted, dtype="float32") + 0.5) * scale - 0.5
    places = paddle.minimum(F.relu(places), paddle.full([1], 1.0, "float32") * (given - 1))
    own = paddle.arange(given, dtype="float32")
    return F.relu(1 - paddle.abs(places.unsqueeze(1) - own.unsqueeze(0)))
