"""PP-LCNetV3: the mobile backbone of PP-OCRv4, in its multi-branch and its merged form.

Published with PP-OCRv4 (PaddleOCR, 2023); parameter names are the official ones. Each convolution is trained as the
sum of several convolutions with batch norm and of an identity, which for inference merge into one convolution.
"""

from __future__ import annotations

import re

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.affine import LearnableAffine
from plx_train.nn.blocks import ConvNorm, SqueezeExcitation, Stride, make_divisible

STEM_CHANNELS = 16
NUM_BRANCHES = 4
NORM_EPSILON = 1e-5
"""Epsilon of Paddle's batch norm."""
BRANCH = re.compile(r"\.(conv_kxk\.\d+|conv_1x1|identity)\.")

# kernel size, input channels, output channels, stride, squeeze-and-excitation
DETECTION_BLOCKS: dict[str, list[tuple[int, int, int, Stride, bool]]] = {
    "blocks2": [(3, 16, 32, 1, False)],
    "blocks3": [(3, 32, 64, 2, False), (3, 64, 64, 1, False)],
    "blocks4": [(3, 64, 128, 2, False), (3, 128, 128, 1, False)],
    "blocks5": [(3, 128, 256, 2, False), *[(5, 256, 256, 1, False)] * 4],
    "blocks6": [(5, 256, 512, 2, True), (5, 512, 512, 1, True), *[(5, 512, 512, 1, False)] * 2],
}
DETECTION_CHANNELS = (16, 24, 56, 480)
"""Channels of the four feature maps at strides 4, 8, 16 and 32, before scaling."""
# Text runs along the columns, so these shrink by 4 only, the rows by 16.
RECOGNITION_BLOCKS: dict[str, list[tuple[int, int, int, Stride, bool]]] = {
    "blocks2": [(3, 16, 32, 1, False)],
    "blocks3": [(3, 32, 64, 1, False), (3, 64, 64, 1, False)],
    "blocks4": [(3, 64, 128, (2, 1), False), (3, 128, 128, 1, False)],
    "blocks5": [(3, 128, 256, (1, 2), False), *[(5, 256, 256, 1, False)] * 4],
    "blocks6": [(5, 256, 512, (2, 1), True), (5, 512, 512, 1, True), (5, 512, 512, (2, 1), False),
                (5, 512, 512, 1, False)],
}  # fmt: skip


def _width(channels: float) -> int:
    return make_divisible(channels, 16)


class Activation(nn.Layer):
    """Hard swish, then a learnable affine."""

    def __init__(self) -> None:
        super().__init__()
        self.lab = LearnableAffine()

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.lab(F.hardswish(x))


class RepConv(nn.Layer):
    """A convolution trained as a sum of branches, or merged, then affine and, unless of stride 2, activation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: Stride, groups: int, merged: bool) -> None:
        super().__init__()
        self.kernel, self.groups, self.merged = kernel, groups, merged
        if merged:
            self.reparam_conv = nn.Conv2D(inputs, outputs, kernel, stride, kernel // 2, groups=groups)
        else:
            self.identity = nn.BatchNorm2D(inputs) if inputs == outputs and stride == 1 else None
            self.conv_kxk = nn.LayerList(
                [ConvNorm(inputs, outputs, kernel, stride, groups) for _ in range(NUM_BRANCHES)]
            )
            self.conv_1x1 = ConvNorm(inputs, outputs, 1, stride, groups) if kernel > 1 else None
        self.shape = (inputs, outputs, stride)
        self.lab = LearnableAffine()
        self.act = Activation() if stride != 2 else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if self.merged and paddle.in_dynamic_mode():
            x = self._merged(x)
        else:
            x = self.lab(self.reparam_conv(x) if self.merged else self._branches(x))
        return x if self.act is None else self.act(x)

    def _merged(self, x: paddle.Tensor) -> paddle.Tensor:
        """The affine is done to the few numbers of the convolution, not to the many of what it gives."""
        layer, scale = self.reparam_conv, self.lab.scale
        weight, bias = layer.weight * scale, layer.bias * scale + self.lab.bias
        stride, padding, groups = layer._stride, self.kernel // 2, self.groups
        return F.conv2d(x, weight, bias, stride, padding, groups=groups)

    def _branches(self, x: paddle.Tensor) -> paddle.Tensor:
        total = sum(branch(x) for branch in self.conv_kxk)
        if self.conv_1x1 is not None:
            total = total + self.conv_1x1(x)
        return total if self.identity is None else total + self.identity(x)

    def merge(self) -> None:
        """Becomes the single convolution that is equal to the branches in evaluation mode."""
        if self.merged:
            return
        inputs, outputs, stride = self.shape
        parts = {name: tensor.numpy() for name, tensor in self.state_dict().items()}
        weight, bias = _merge_branches(parts)
        convolution = nn.Conv2D(inputs, outputs, self.kernel, stride, self.kernel // 2, groups=self.groups)
        convolution.weight.set_value(weight)
        convolution.bias.set_value(bias)
        del self.conv_kxk, self.conv_1x1, self.identity
        self.reparam_conv, self.merged = convolution, True


class Block(nn.Layer):
    """Depthwise convolution, optional squeeze-and-excitation, pointwise convolution."""

    def __init__(self, kernel: int, inputs: int, outputs: int, stride: Stride, has_se: bool, merged: bool) -> None:
        super().__init__()
        self.dw_conv = RepConv(inputs, inputs, kernel, stride, inputs, merged)
        self.se = SqueezeExcitation(inputs) if has_se else None
        self.pw_conv = RepConv(inputs, outputs, 1, 1, 1, merged)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.dw_conv(x)
        return self.pw_conv(x if self.se is None else self.se(x))


def _stage(blocks: list[tuple[int, int, int, Stride, bool]], scale: float, merged: bool) -> nn.Sequential:
    """One resolution's blocks, their widths times `scale`."""
    return nn.Sequential(
        *(
            Block(kernel, _width(inputs * scale), _width(outputs * scale), stride, has_se, merged)
            for kernel, inputs, outputs, stride, has_se in blocks
        )
    )


class PPLCNetV3Det(nn.Layer):
    """The backbone for detection: four feature maps at strides 4, 8, 16, 32.

    Args:
        scale: factor on all widths; PP-OCRv4 mobile takes 0.75.
        merged: single-branch convolutions.
    """

    def __init__(self, scale: float = 0.75, merged: bool = False) -> None:
        super().__init__()
        self.conv1 = ConvNorm(3, _width(STEM_CHANNELS * scale), 3, 2)
        for name, blocks in DETECTION_BLOCKS.items():
            setattr(self, name, _stage(blocks, scale, merged))
        self.out_channels = [int(channels * scale) for channels in DETECTION_CHANNELS]
        widths = [_width(DETECTION_BLOCKS[f"blocks{stage}"][-1][2] * scale) for stage in (3, 4, 5, 6)]
        self.layer_list = nn.LayerList(
            [nn.Conv2D(width, outputs, 1) for width, outputs in zip(widths, self.out_channels, strict=True)]
        )

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        """(N, 3, H, W) to (N, c, H/4, W/4), …, (N, c, H/32, W/32)."""
        x = self.blocks2(self.conv1(x))
        features = []
        stages = (self.blocks3, self.blocks4, self.blocks5, self.blocks6)
        for stage, project in zip(stages, self.layer_list):  # noqa: B905 - a traced zip knows no `strict`
            x = stage(x)
            features.append(project(x))
        return features


class PPLCNetV3Rec(nn.Layer):
    """The backbone for recognition: one feature map at a stride of 16 for the rows and of 4 for the columns.

    Args:
        scale: factor on all widths; PP-OCRv4 mobile takes 0.95.
        merged: single-branch convolutions.
    """

    def __init__(self, scale: float = 0.95, merged: bool = False) -> None:
        super().__init__()
        self.conv1 = ConvNorm(3, _width(STEM_CHANNELS * scale), 3, 2)
        for name, blocks in RECOGNITION_BLOCKS.items():
            setattr(self, name, _stage(blocks, scale, merged))
        self.out_channels = _width(RECOGNITION_BLOCKS["blocks6"][-1][2] * scale)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(N, 3, H, W) to (N, out_channels, H/16, W/4), sides rounded up."""
        x = self.blocks4(self.blocks3(self.blocks2(self.conv1(x))))
        return self.blocks6(self.blocks5(x))


def merge_arrays(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The merged form of published multi-branch weights: what `RepConv.merge` does, on plain arrays by name.

    Raises:
        KeyError, ValueError, IndexError: a part of a branch is missing, or does not fit the others.
    """
    merged = {name: array for name, array in arrays.items() if not BRANCH.search(name)}
    for layer in sorted({name.partition(".conv_kxk.")[0] for name in arrays if ".conv_kxk." in name}):
        start = f"{layer}."
        parts = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
        merged[f"{start}reparam_conv.weight"], merged[f"{start}reparam_conv.bias"] = _merge_branches(parts)
    return merged


def _merge_branches(parts: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Weight (outputs, inputs per group, k, k) and bias (outputs,), float32, of a `RepConv`'s branches together.

    Summed in float64: norms of nearly constant channels have factors of some hundred, which magnify rounding.
    """
    shape = parts["conv_kxk.0.conv.weight"].shape
    outputs, per_group, kernel, _ = shape
    channels, middle = np.arange(outputs), kernel // 2
    weight, bias = np.zeros(shape), np.zeros(outputs)
    for branch in sorted({match[1] for name in parts if (match := BRANCH.match(f".{name}"))}):
        is_identity = branch == "identity"
        factor, shift = _norm_as_affine(parts, branch if is_identity else f"{branch}.bn")
        bias += shift
        if is_identity:
            weight[channels, channels % per_group, middle, middle] += factor
        elif branch == "conv_1x1":
            weight[:, :, middle, middle] += parts["conv_1x1.conv.weight"][:, :, 0, 0] * factor[:, None]
        else:
            weight += parts[f"{branch}.conv.weight"] * factor[:, None, None, None]
    return weight.astype(np.float32), bias.astype(np.float32)


def _norm_as_affine(parts: dict[str, np.ndarray], norm: str) -> tuple[np.ndarray, np.ndarray]:
    """Factor and shift, (outputs,) float64, that the batch norm `norm` amounts to in evaluation mode."""
    scale, bias, mean, variance = (
        parts[f"{norm}.{end}"].astype(np.float64) for end in ("weight", "bias", "_mean", "_variance")
    )
    factor = scale / np.sqrt(variance + NORM_EPSILON)
    return factor, bias - mean * factor
