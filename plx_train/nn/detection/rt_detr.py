"""RT-DETR (arXiv 2304.08069): a convolutional backbone, a hybrid encoder, and a decoder of queries.

Structure and names of parameters are those of PaddleDetection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import paddle
from paddle import nn

from plx_train.nn.detection.attention_layers import waves
from plx_train.nn.detection.denoising import make_noisy
from plx_train.nn.detection.detector import Truths, as_shares
from plx_train.nn.detection.hybrid_encoder import EncoderShape, HybridEncoder
from plx_train.nn.detection.query_decoder import DecoderShape, QueryDecoder, anchors_of
from plx_train.nn.detection.query_detector import LearnedQueries, QueryDetector

STRIDES = (8, 16, 32)
"""Pixels between the tokens of each level."""
MAX_SEED = 2**31


class RTDETR(QueryDetector):
    """Class logits (N, Q, classes) and boxes (N, Q, 4), x, y of the centre, width and height as shares of the image.

    Args:
        backbone: gives features at `STRIDES`, with the channels `out_channels`.
    """

    heads: ClassVar[Mapping[str, int]] = {
        r"^transformer\.(enc_score_head|dec_score_head\.\d+)\.weight$": 1,
        r"^transformer\.(enc_score_head|dec_score_head\.\d+)\.bias$": 0,
        r"^transformer\.denoising_class_embed\.weight$": 0,
    }

    def __init__(self, num_classes: int, backbone: nn.Layer, encoder: EncoderShape, decoder: DecoderShape) -> None:
        super().__init__()
        self.num_classes, self.channels = num_classes, encoder.channels
        self.backbone = backbone
        self.neck = HybridEncoder(backbone.out_channels, encoder)
        self.transformer = QueryDecoder(encoder.channels, num_classes, decoder)
        self.prepared: tuple[int, int] | None = None

    def prepare(self, height: int, width: int) -> None:
        """Makes what depends on the size of images alone, in pixels."""
        if self.prepared == (height, width):
            return
        sizes = [(height // stride, width // stride) for stride in STRIDES]
        anchors, may_begin = anchors_of(sizes)
        made = {"anchors": anchors, "may_begin": may_begin, "places": waves(*sizes[-1], self.channels)}
        for name, array in made.items():
            self.register_buffer(name, paddle.to_tensor(array), persistable=False)
        self.prepared = height, width

    def forward(self, x: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        self.prepare(*x.shape[2:])
        return self.transformer(self.neck(self.backbone(x), self.places), self.anchors, self.may_begin)

    def learn(self, x: paddle.Tensor, truths: Truths) -> LearnedQueries:
        """What all stages find, and make of noisy copies of the `truths`."""
        self.prepare(*x.shape[2:])
        shares = as_shares(truths, x.shape[2:])
        noisy = make_noisy(shares, self.num_classes, np.random.default_rng(np.random.randint(MAX_SEED)))
        return self.transformer.learn(self.neck(self.backbone(x), self.places), self.anchors, self.may_begin, noisy)
