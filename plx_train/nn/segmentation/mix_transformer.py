"""Mix Transformer (arXiv 2105.15203); structure and names of parameters are PaddleSeg's."""

from __future__ import annotations

import math

import paddle
from paddle import nn
from paddle.nn import functional as F

STRIDES = (4, 2, 2, 2)
"""Each stage's to the one before."""
HEADS = (1, 2, 5, 8)
REDUCTIONS = (8, 4, 2, 1)
"""Factors by which the sides of a map are lessened whose points others look at."""
WIDER = 4
"""Factor of the channels between the two layers at each point."""
DROPPED = 0.1
"""Share of the samples whose last block is left out in training; that of earlier ones is less."""
SMALLEST = 1e-6
"""What keeps norms from dividing by nothing, but for those of patches and of what is looked at."""


class MixTransformer(nn.Layer):
    """Features at strides 4, 8, 16 and 32 of images (N, 3, H, W).

    Args:
        channels: of each stage.
        depths: blocks of each stage.
    """

    def __init__(self, channels: tuple[int, ...], depths: tuple[int, ...]) -> None:
        super().__init__()
        self.out_channels = channels
        shares = iter(paddle.linspace(0, DROPPED, sum(depths)).tolist())
        for place, (inputs, outputs, depth) in enumerate(zip((3, *channels), channels, depths, strict=False)):
            number = place + 1
            setattr(self, f"patch_embed{number}", _Patches(inputs, outputs, STRIDES[place]))
            blocks = [_Block(outputs, HEADS[place], REDUCTIONS[place], next(shares)) for _ in range(depth)]
            setattr(self, f"block{number}", nn.LayerList(blocks))
            setattr(self, f"norm{number}", nn.LayerNorm(outputs, SMALLEST))

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        found = []
        for number in range(1, len(self.out_channels) + 1):
            patches = getattr(self, f"patch_embed{number}").proj(x)
            tokens = getattr(self, f"patch_embed{number}").norm(to_tokens(patches))
            for block in getattr(self, f"block{number}"):
                tokens = block(tokens, patches)
            x = to_map(getattr(self, f"norm{number}")(tokens), patches)
            found.append(x)
        return found


def to_tokens(x: paddle.Tensor) -> paddle.Tensor:
    """A map (N, C, h, w) as its points (N, T, C), row by row."""
    return x.flatten(2).transpose([0, 2, 1])


def to_map(tokens: paddle.Tensor, like: paddle.Tensor) -> paddle.Tensor:
    """Points (N, T, C) as a map of the height and width of `like`."""
    return tokens.transpose([0, 2, 1]).reshape([0, tokens.shape[2], like.shape[2], like.shape[3]])


class _Patches(nn.Layer):
    """Overlapping patches of a map, each as a point."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.proj = convolution(inputs, outputs, 2 * stride - 1, stride)
        self.norm = nn.LayerNorm(outputs)


class _Block(nn.Layer):
    """What points see of each other, and what each makes of it."""

    def __init__(self, channels: int, num_heads: int, reduction: int, dropped: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels, SMALLEST), nn.LayerNorm(channels, SMALLEST)
        self.attn = _Attention(channels, num_heads, reduction)
        self.mlp = _Mixing(channels)
        # Of a sample all is left out or nothing.
        self.drop_path = nn.Dropout(dropped, axis=0)

    def forward(self, x: paddle.Tensor, like: paddle.Tensor) -> paddle.Tensor:
        x = x + self.drop_path(self.attn(self.norm1(x), like))
        return x + self.drop_path(self.mlp(self.norm2(x), like))


class _Attention(nn.Layer):
    """What points take from those of the same map made smaller."""

    def __init__(self, channels: int, num_heads: int, reduction: int) -> None:
        super().__init__()
        self.num_heads, self.head_dim = num_heads, channels // num_heads
        self.q, self.kv, self.proj = (
            linear(channels, channels),
            linear(channels, 2 * channels),
            linear(channels, channels),
        )
        self.is_reduced = reduction > 1
        if self.is_reduced:
            self.sr = nn.Conv2D(channels, channels, reduction, reduction, weight_attr=_initial(reduction, channels))
            self.norm = nn.LayerNorm(channels)

    def forward(self, x: paddle.Tensor, like: paddle.Tensor) -> paddle.Tensor:
        seen = self.norm(to_tokens(self.sr(to_map(x, like)))) if self.is_reduced else x
        key, value = (self._heads(each) for each in self.kv(seen).split(2, axis=-1))
        alike = paddle.matmul(self._heads(self.q(x)) * self.head_dim**-0.5, key, transpose_y=True)
        taken = paddle.matmul(F.softmax(alike, axis=-1), value)
        return self.proj(taken.transpose([0, 2, 1, 3]).flatten(2))

    def _heads(self, x: paddle.Tensor) -> paddle.Tensor:
        """(N, T, C) as (N, heads, T, C / heads)."""
        return x.reshape([0, 0, self.num_heads, self.head_dim]).transpose([0, 2, 1, 3])


class _Mixing(nn.Layer):
    """Two layers at each point, with a look at its neighbours between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = WIDER * channels
        self.fc1, self.fc2 = linear(channels, width), linear(width, channels)
        self.dwconv = nn.Layer()
        self.dwconv.add_sublayer("dwconv", convolution(width, width, 3, groups=width))

    def forward(self, x: paddle.Tensor, like: paddle.Tensor) -> paddle.Tensor:
        mixed = to_tokens(self.dwconv.dwconv(to_map(self.fc1(x), like)))
        return self.fc2(F.gelu(mixed))


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2D:
    """A convolution that is padded so that sizes stay as they are at stride 1."""
    initial = _initial(kernel, outputs // groups)
    return nn.Conv2D(inputs, outputs, kernel, stride, kernel // 2, groups=groups, weight_attr=initial)


def linear(inputs: int, outputs: int) -> nn.Linear:
    """A layer at each point."""
    return nn.Linear(inputs, outputs, paddle.ParamAttr(initializer=nn.initializer.TruncatedNormal(std=0.02)))


def _initial(kernel: int, outputs: int) -> paddle.ParamAttr:
    return paddle.ParamAttr(initializer=nn.initializer.Normal(std=math.sqrt(2 / (kernel * kernel * outputs))))
