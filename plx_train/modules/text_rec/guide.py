"""NRTR (arXiv 1806.00926) as a guide: a transformer that spells the text, to teach the backbone what text is.

PP-OCRv4 is trained with it beside the CTC head; structure and parameter names are the published ones.
"""

from __future__ import annotations

import math

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.modules.text_rec.targets import HEAD_CHANNELS, PAD

MLP_RATIO = 4
DROPOUT = 0.1


class Decoder(nn.Layer):
    """Which token comes next, from those before it and the line's features.

    Args:
        num_tokens: padding, signs, characters and space.
        channels: width, a multiple of `HEAD_CHANNELS`.
        depth: transformer blocks.
    """

    def __init__(self, num_tokens: int, channels: int, depth: int) -> None:
        super().__init__()
        self.channels = channels
        initial = paddle.ParamAttr(initializer=nn.initializer.Normal(std=channels**-0.5))
        self.embedding = nn.Layer()
        self.embedding.embedding = nn.Embedding(num_tokens, channels, padding_idx=PAD, weight_attr=initial)
        self.decoder = nn.LayerList([DecoderBlock(channels) for _ in range(depth)])
        self.tgt_word_prj = _linear(channels, num_tokens, has_bias=False)

    def forward(self, tokens: paddle.Tensor, features: paddle.Tensor) -> paddle.Tensor:
        """Logits (N, S, num_tokens) for tokens int64 (N, S) and features (N, T, channels).

        What stands at one place is a function of the tokens up to it, so all places are learned at once.
        """
        length = tokens.shape[1]
        x = self.embedding.embedding(tokens) * math.sqrt(self.channels)
        x = F.dropout(x + paddle.to_tensor(positions(length, self.channels)), DROPOUT, training=self.training)
        unseen = paddle.triu(paddle.full([length, length], -math.inf), diagonal=1)
        for block in self.decoder:
            x = block(x, features, unseen)
        return self.tgt_word_prj(x)


class FeatureProjection(nn.Layer):
    """(N, inputs, T) to (N, T, channels)."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(inputs, channels, bias_attr=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.fc(x.transpose([0, 2, 1]))


class DecoderBlock(nn.Layer):
    """Attention among the tokens, then to the features, then a perceptron; each is followed by a norm."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.self_attn = SelfAttention(channels)
        self.norm1 = nn.LayerNorm(channels)
        self.cross_attn = CrossAttention(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = MLP(channels)
        self.norm3 = nn.LayerNorm(channels)

    def forward(self, x: paddle.Tensor, features: paddle.Tensor, unseen: paddle.Tensor) -> paddle.Tensor:
        x = self.norm1(x + self._drop(self.self_attn(x, unseen)))
        x = self.norm2(x + self._drop(self.cross_attn(x, features)))
        return self.norm3(x + self._drop(self.mlp(x)))

    def _drop(self, x: paddle.Tensor) -> paddle.Tensor:
        return F.dropout(x, DROPOUT, training=self.training)


class SelfAttention(nn.Layer):
    """Attention of the tokens (N, S, channels) to those that `unseen`, (S, S) of 0 and −∞, leaves to each."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.qkv = _linear(channels, 3 * channels)
        self.out_proj = _linear(channels, channels)

    def forward(self, x: paddle.Tensor, unseen: paddle.Tensor) -> paddle.Tensor:
        query, key, value = _heads(self.qkv(x), 3)
        return self.out_proj(_attend(query, key, value, unseen))


class CrossAttention(nn.Layer):
    """Attention of the tokens (N, S, channels) to the features (N, T, channels)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.q = _linear(channels, channels)
        self.kv = _linear(channels, 2 * channels)
        self.out_proj = _linear(channels, channels)

    def forward(self, x: paddle.Tensor, features: paddle.Tensor) -> paddle.Tensor:
        (query,) = _heads(self.q(x), 1)
        key, value = _heads(self.kv(features), 2)
        return self.out_proj(_attend(query, key, value))


class MLP(nn.Layer):
    """Two linear layers with a rectifier between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = _linear(channels, MLP_RATIO * channels)
        self.fc2 = _linear(MLP_RATIO * channels, channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        hidden = F.dropout(F.relu(self.fc1(x)), DROPOUT, training=self.training)
        return F.dropout(self.fc2(hidden), DROPOUT, training=self.training)


def positions(length: int, channels: int) -> np.ndarray:
    """Sines and cosines by turns that tell places apart, float32 (length, channels) (arXiv 1706.03762, 3.5)."""
    rates = np.exp(np.arange(0, channels, 2) * (-math.log(10000.0) / channels))
    angles = np.arange(length)[:, None] * rates
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(length, channels).astype(np.float32)


def _heads(x: paddle.Tensor, parts: int) -> list[paddle.Tensor]:
    """(N, S, parts · channels) as `parts` tensors (N, heads, S, HEAD_CHANNELS)."""
    split = x.reshape([0, x.shape[1], parts, -1, HEAD_CHANNELS]).transpose([2, 0, 3, 1, 4])
    return [split[part] for part in range(parts)]


def _attend(
    query: paddle.Tensor, key: paddle.Tensor, value: paddle.Tensor, unseen: paddle.Tensor | None = None
) -> paddle.Tensor:
    """(N, S, channels): values of all heads, by how well their keys fit the queries."""
    scores = query.matmul(key, transpose_y=True) * HEAD_CHANNELS**-0.5
    weights = F.softmax(scores if unseen is None else scores + unseen, axis=-1)
    mixed = weights.matmul(value).transpose([0, 2, 1, 3])
    return mixed.reshape([0, mixed.shape[1], -1])


def _linear(inputs: int, outputs: int, has_bias: bool = True) -> nn.Linear:
    initial = paddle.ParamAttr(initializer=nn.initializer.XavierNormal())
    return nn.Linear(inputs, outputs, weight_attr=initial, bias_attr=None if has_bias else False)
