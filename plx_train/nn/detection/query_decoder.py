"""RT-DETR's decoder: queries begin at the encoder's surest places, and correct their boxes layer by layer.

Structure and names of parameters are PaddleDetection's.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.detection.attention import DeformableAttention, SelfAttention, linear
from plx_train.nn.detection.attention_layers import uniform
from plx_train.nn.detection.denoising import EDGE, Denoising, logits_of
from plx_train.nn.detection.detector import RARE
from plx_train.nn.detection.query_detector import LearnedQueries, Queries

SIDE = 0.05
"""Sides of the box that a token of the finest level begins with, as a share of the image; doubled level by level."""
MARGIN = 0.01
"""Tokens this near to the image's edges begin no box."""
FAR = 1e4
"""A logit whose sigmoid is 1."""
HIDDEN = -1e9
"""Is added to how alike two queries are that may not see each other."""


def anchors_of(sizes: Sequence[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Logits of the boxes that tokens begin with, float32 (T, 4), and whether they may, float32 (T, 1).

    Args:
        sizes: height and width of each level.
    """
    levels = []
    for level, (height, width) in enumerate(sizes):
        rows, columns = np.mgrid[:height, :width].reshape(2, -1)
        centres = np.stack([(columns + 0.5) / width, (rows + 0.5) / height], axis=1)
        levels.append(np.concatenate([centres, np.full_like(centres, SIDE * 2**level)], axis=1))
    boxes = np.concatenate(levels)
    may = np.asarray(((boxes > MARGIN) & (boxes < 1 - MARGIN)).all(axis=1, keepdims=True))
    logits = logits_of(boxes)
    logits[~may[:, 0]] = FAR
    return logits, may.astype(np.float32)


def inverse_sigmoid(shares: paddle.Tensor) -> paddle.Tensor:
    """Logits of shares from 0 to 1."""
    return paddle.log(shares.clip(min=EDGE) / (1 - shares).clip(min=EDGE))


class MLP(nn.Layer):
    """Linear layers with ReLUs between them.

    Args:
        sizes: of the input, of what lies between, and of the output.
        ends_in_zero: it gives zeros before training.
    """

    def __init__(self, sizes: Sequence[int], ends_in_zero: bool = False) -> None:
        super().__init__()
        self.layers = nn.LayerList()
        for place, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
            is_zero = ends_in_zero and place == len(sizes) - 2
            self.layers.append(linear(inputs, outputs, nn.initializer.Constant(0.0) if is_zero else uniform(inputs)))

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


@dataclass(frozen=True)
class Memory:
    """What queries look at: tokens of all levels (N, T, C), and height and width of each level."""

    tokens: paddle.Tensor
    sizes: tuple[tuple[int, int], ...]


class DecoderLayer(nn.Layer):
    """Attention of queries to each other and to features, and a perceptron."""

    def __init__(self, channels: int, num_heads: int, width: int, num_levels: int) -> None:
        super().__init__()
        self.self_attn = SelfAttention(channels, num_heads)
        self.cross_attn = DeformableAttention(channels, num_heads, num_levels)
        self.linear1, self.linear2 = linear(channels, width), linear(width, channels)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(channels) for _ in range(3))

    def forward(
        self, x: paddle.Tensor, places: paddle.Tensor, boxes: paddle.Tensor, memory: Memory, mask: paddle.Tensor | None
    ) -> paddle.Tensor:
        x = self.norm1(x + self.self_attn(x, places, mask))
        x = self.norm2(x + self.cross_attn(x + places, boxes, memory.tokens, memory.sizes))
        return self.norm3(x + self.linear2(F.relu(self.linear1(x))))


class _Decoder(nn.Layer):
    def __init__(self, layers: Sequence[DecoderLayer]) -> None:
        super().__init__()
        self.layers = nn.LayerList(layers)


@dataclass(frozen=True)
class DecoderShape:
    """Sizes of a decoder.

    Attributes:
        channels: of its tokens, `num_heads` of its attention.
        width: channels within its perceptrons.
        num_queries: that search for boxes.
    """

    channels: int = 256
    num_heads: int = 8
    width: int = 1024
    num_layers: int = 6
    num_queries: int = 300
    num_levels: int = 3


class QueryDecoder(nn.Layer):
    """Finds boxes in features of one width on several levels, the finest first.

    Args:
        inputs: channels of the features.
    """

    def __init__(self, inputs: int, num_classes: int, shape: DecoderShape) -> None:
        super().__init__()
        channels = shape.channels
        self.num_classes, self.num_queries = num_classes, shape.num_queries
        self.input_proj = nn.LayerList()
        for _ in range(shape.num_levels):
            projection = nn.Conv2D(
                inputs,
                channels,
                1,
                weight_attr=paddle.ParamAttr(initializer=nn.initializer.XavierUniform()),
                bias_attr=False,
            )
            self.input_proj.append(nn.Sequential(("conv", projection), ("norm", nn.BatchNorm2D(channels))))
        self.decoder = _Decoder(
            [DecoderLayer(channels, shape.num_heads, shape.width, shape.num_levels) for _ in range(shape.num_layers)]
        )
        initial = paddle.ParamAttr(initializer=nn.initializer.Normal())
        self.denoising_class_embed = nn.Embedding(num_classes, channels, weight_attr=initial)
        self.query_pos_head = MLP([4, 2 * channels, channels])
        self.enc_output = nn.Sequential(linear(channels, channels), nn.LayerNorm(channels))
        self.enc_score_head = linear(channels, num_classes, uniform(channels), RARE)
        self.enc_bbox_head = MLP([channels, channels, channels, 4], ends_in_zero=True)
        self.dec_score_head, self.dec_bbox_head = nn.LayerList(), nn.LayerList()
        for _ in range(shape.num_layers):
            self.dec_score_head.append(linear(channels, num_classes, uniform(channels), RARE))
            self.dec_bbox_head.append(MLP([channels, channels, channels, 4], ends_in_zero=True))

    def forward(
        self, features: Sequence[paddle.Tensor], anchors: paddle.Tensor, may_begin: paddle.Tensor
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Class logits (N, Q, classes) and boxes (N, Q, 4).

        Args:
            anchors, may_begin: as `anchors_of` gives them.
        """
        memory = self._memory(features)
        x, boxes = self._chosen(memory.tokens, anchors, may_begin)
        for number in range(len(self.decoder.layers)):
            x, boxes = self._corrected(number, x, boxes, boxes, memory)
        return self.dec_score_head[-1](x), boxes

    def learn(
        self,
        features: Sequence[paddle.Tensor],
        anchors: paddle.Tensor,
        may_begin: paddle.Tensor,
        denoising: Denoising | None,
    ) -> LearnedQueries:
        """What queries find in the encoder and after each layer, and what becomes of noisy ones; see `forward`."""
        memory = self._memory(features)
        chosen, begun = self._chosen(memory.tokens, anchors, may_begin)
        logits, found = [self.enc_score_head(chosen)], [begun]
        x, boxes, mask, noisy = chosen.detach(), begun.detach(), None, 0
        if denoising is not None:
            noisy, mask = denoising.size, self._mask(denoising, chosen.shape[1])
            x = paddle.concat([self._named(denoising), x], axis=1)
            boxes = paddle.concat([F.sigmoid(paddle.to_tensor(denoising.boxes)), boxes], axis=1)
        denoised = []
        for number in range(len(self.decoder.layers)):
            x, boxes = self._corrected(number, x, boxes, boxes.detach(), memory, mask)
            scores = self.dec_score_head[number](x)
            denoised.append((scores[:, :noisy], boxes[:, :noisy]))
            logits.append(scores[:, noisy:])
            found.append(boxes[:, noisy:])
        return LearnedQueries(
            Queries(paddle.stack(logits), paddle.stack(found)),
            Queries(*(paddle.stack(each) for each in zip(*denoised, strict=True))) if noisy else None,
            denoising,
        )

    def _memory(self, features: Sequence[paddle.Tensor]) -> Memory:
        projected = [self.input_proj[place](feature) for place, feature in enumerate(features)]
        sizes = tuple((int(each.shape[2]), int(each.shape[3])) for each in projected)
        return Memory(paddle.concat([each.flatten(2).transpose([0, 2, 1]) for each in projected], axis=1), sizes)

    def _chosen(
        self, tokens: paddle.Tensor, anchors: paddle.Tensor, may_begin: paddle.Tensor
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        """The surest tokens (N, Q, C), and their boxes (N, Q, 4)."""
        tokens = tokens * may_begin
        # What is not chosen learns nothing, and is computed once more where it is.
        with paddle.no_grad():
            surest = self.enc_score_head(self.enc_output(tokens)).max(-1)
        count = min(self.num_queries, int(anchors.shape[0]))
        _, places = paddle.topk(surest, count, axis=1)
        along = places.unsqueeze(-1).tile([1, 1, tokens.shape[2]])
        chosen = self.enc_output(paddle.take_along_axis(tokens, along, 1, broadcast=False))
        own = paddle.gather(anchors, places.flatten()).reshape([-1, count, 4])
        return chosen, F.sigmoid(self.enc_bbox_head(chosen) + own)

    def _corrected(
        self,
        number: int,
        x: paddle.Tensor,
        boxes: paddle.Tensor,
        seen: paddle.Tensor,
        memory: Memory,
        mask: paddle.Tensor | None = None,
    ) -> tuple[paddle.Tensor, paddle.Tensor]:
        """Queries and boxes after a layer, which looks around the boxes `seen`: the same without gradient."""
        x = self.decoder.layers[number](x, self.query_pos_head(seen), seen, memory, mask)
        return x, F.sigmoid(self.dec_bbox_head[number](x) + inverse_sigmoid(boxes))

    def _named(self, denoising: Denoising) -> paddle.Tensor:
        """Noisy queries as their classes have them, (N, D, C); zeros where there is none."""
        table = self.denoising_class_embed.weight
        table = paddle.concat([table, paddle.zeros([1, table.shape[1]], table.dtype)])
        numbers = denoising.classes
        return paddle.gather(table, paddle.to_tensor(numbers.reshape(-1))).reshape([*numbers.shape, -1])

    def _mask(self, denoising: Denoising, num_queries: int) -> paddle.Tensor:
        return paddle.to_tensor(np.where(denoising.hidden(num_queries), HIDDEN, 0.0).astype(np.float32))
