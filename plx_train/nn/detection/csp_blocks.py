"""What PP-YOLOE+ (arXiv 2203.16250) is built of; structure and names of parameters are PaddleDetection's.

Activations are `swish`: the gradient of paddle 3.3's `silu`, the same function, is not a number below -88.
"""

from __future__ import annotations

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.blocks import ConvNorm, features_at


class RepVggBlock(nn.Layer):
    """Two convolutions of which the sum is taken; merged, they are one with the same outputs in evaluation.

    Args:
        with_alpha: the smaller one has a weight of its own.
    """

    def __init__(self, channels: int, with_alpha: bool) -> None:
        super().__init__()
        self.conv1 = ConvNorm(channels, channels, 3)
        self.conv2 = ConvNorm(channels, channels, 1)
        one = paddle.ParamAttr(initializer=nn.initializer.Constant(1.0))
        self.alpha = self.create_parameter([1], attr=one) if with_alpha else None
        self.conv: nn.Layer | None = None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if self.conv is not None:
            return F.swish(self.conv(x))
        second = self.conv2(x)
        return F.swish(self.conv1(x) + (second if self.alpha is None else self.alpha * second))

    def merge(self) -> None:
        """Makes one convolution of both, in place."""
        if self.conv is not None:
            return
        kernel, bias = _folded(self.conv1)
        other, shift = _folded(self.conv2)
        weight = 1.0 if self.alpha is None else float(self.alpha.item())
        kernel = kernel + weight * np.pad(other, [(0, 0), (0, 0), (1, 1), (1, 1)])
        channels = kernel.shape[0]
        self.conv = nn.Conv2D(channels, channels, 3, padding=1)
        self.conv.weight.set_value(kernel.astype(np.float32))
        self.conv.bias.set_value((bias + weight * shift).astype(np.float32))
        del self.conv1, self.conv2
        self.alpha = None


def _folded(layer: ConvNorm) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a convolution with its batch norm in it."""
    norm = layer.bn
    mean, variance, scale, shift = (
        np.asarray(tensor.numpy(), np.float64) for tensor in (norm._mean, norm._variance, norm.weight, norm.bias)
    )
    factor = scale / np.sqrt(variance + norm._epsilon)
    return layer.conv.weight.numpy() * factor.reshape(-1, 1, 1, 1), shift - mean * factor


class BasicBlock(nn.Layer):
    """A convolution and a `RepVggBlock`, past which the input goes where `shortcut` says so."""

    def __init__(self, channels: int, shortcut: bool, with_alpha: bool) -> None:
        super().__init__()
        self.conv1 = ConvNorm(channels, channels, 3, activate=F.swish)
        self.conv2 = RepVggBlock(channels, with_alpha)
        self.shortcut = shortcut

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        y = self.conv2(self.conv1(x))
        return x + y if self.shortcut else y


class EffectiveSE(nn.Layer):
    """Channels weighted by the picture as a whole (arXiv 1911.06667)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2D(channels, channels, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return x * F.hardsigmoid(self.fc(F.adaptive_avg_pool2d(x, 1)))


class CSPResStage(nn.Layer):
    """A stage of the backbone: half of the channels go through `count` blocks."""

    def __init__(self, inputs: int, outputs: int, count: int, with_alpha: bool) -> None:
        super().__init__()
        middle = (inputs + outputs) // 2
        self.conv_down = ConvNorm(inputs, middle, 3, 2, activate=F.swish)
        self.conv1 = ConvNorm(middle, middle // 2, 1, activate=F.swish)
        self.conv2 = ConvNorm(middle, middle // 2, 1, activate=F.swish)
        self.blocks = nn.Sequential(*[BasicBlock(middle // 2, True, with_alpha) for _ in range(count)])
        self.attn = EffectiveSE(middle)
        self.conv3 = ConvNorm(middle, outputs, 1, activate=F.swish)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.conv_down(x)
        return self.conv3(self.attn(paddle.concat([self.conv1(x), self.blocks(self.conv2(x))], axis=1)))


class CSPResNet(nn.Layer):
    """Features at strides 8, 16 and 32.

    Args:
        width, depth: multiples of the largest one's channels and blocks.
        with_alpha: of its `RepVggBlock`.
    """

    def __init__(self, width: float, depth: float, with_alpha: bool = True) -> None:
        super().__init__()
        channels = [max(round(each * width), 1) for each in (64, 128, 256, 512, 1024)]
        counts = [max(round(each * depth), 1) for each in (3, 6, 6, 3)]
        half = channels[0] // 2
        self.stem = nn.Sequential(
            ("conv1", ConvNorm(3, half, 3, 2, activate=F.swish)),
            ("conv2", ConvNorm(half, half, 3, activate=F.swish)),
            ("conv3", ConvNorm(half, channels[0], 3, activate=F.swish)),
        )
        self.stages = nn.Sequential(
            *[
                (str(place), CSPResStage(channels[place], channels[place + 1], count, with_alpha))
                for place, count in enumerate(counts)
            ]
        )
        self.out_channels = tuple(channels[2:])

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        return features_at(self.stem(x), self.stages, (1, 2, 3))


class SPP(nn.Layer):
    """What lies around each point, at three distances, beside it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = ConvNorm(inputs, outputs, 1, activate=F.swish)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        pooled = [F.max_pool2d(x, size, 1, size // 2) for size in (5, 9, 13)]
        return self.conv(paddle.concat([x, *pooled], axis=1))


class CSPStage(nn.Layer):
    """A stage of the neck: half of the channels go through `count` blocks, in the middle of which `SPP` may stand."""

    def __init__(self, inputs: int, outputs: int, count: int, with_spp: bool) -> None:
        super().__init__()
        half = outputs // 2
        self.conv1 = ConvNorm(inputs, half, 1, activate=F.swish)
        self.conv2 = ConvNorm(inputs, half, 1, activate=F.swish)
        self.convs = nn.Sequential()
        for number in range(count):
            self.convs.add_sublayer(str(number), BasicBlock(half, False, False))
            if with_spp and number == (count - 1) // 2:
                self.convs.add_sublayer("spp", SPP(4 * half, half))
        self.conv3 = ConvNorm(2 * half, outputs, 1, activate=F.swish)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.conv3(paddle.concat([self.conv1(x), self.convs(self.conv2(x))], axis=1))
