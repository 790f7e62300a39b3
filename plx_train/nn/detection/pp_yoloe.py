"""PP-YOLOE+ (arXiv 2203.16250): CSPRepResNet, a path aggregation network, and a task-aligned head.

Structure and names of parameters are those of PaddleDetection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.blocks import ConvNorm, upsample
from plx_train.nn.detection.attention_layers import AttentionLayers, waves
from plx_train.nn.detection.csp_blocks import CSPResNet, CSPStage
from plx_train.nn.detection.detector import RARE, PointDetector

BINS = range(17)
ATTENTION = {"num_heads": 4, "width": 2048, "num_layers": 4}


class CustomCSPPAN(nn.Layer):
    """Features of three widths at strides 32, 16 and 8.

    Args:
        inputs: channels of the backbone's features, the finest first.
        width, depth: multiples of the largest one's channels and blocks.
        attends: the places of the coarsest features see each other first.
    """

    def __init__(self, inputs: Sequence[int], width: float, depth: float, attends: bool = False) -> None:
        super().__init__()
        self.encoder = AttentionLayers(inputs[-1], **ATTENTION) if attends else None
        self.prepared: tuple[int, int] | None = None
        outputs = [max(round(each * width), 1) for each in (768, 384, 192)]
        count = max(round(3 * depth), 1)
        self.out_channels = tuple(outputs)
        self.fpn_stages, self.fpn_routes = nn.LayerList(), nn.LayerList()
        for place, (given, made) in enumerate(zip(inputs[::-1], outputs, strict=True)):
            before = outputs[place - 1] // 2 if place else 0
            self.fpn_stages.append(nn.Sequential(("0", CSPStage(given + before, made, count, place == 0))))
            if place < len(outputs) - 1:
                self.fpn_routes.append(ConvNorm(made, made // 2, 1, activate=F.swish))
        self.pan_stages, self.pan_routes = nn.LayerList(), nn.LayerList()
        for place in range(len(outputs) - 1):
            finer = outputs[place + 1]
            self.pan_stages.append(nn.Sequential(("0", CSPStage(outputs[place] + finer, outputs[place], count, False))))
            self.pan_routes.append(ConvNorm(finer, finer, 3, 2, activate=F.swish))

    def prepare(self, height: int, width: int) -> None:
        """Makes what depends on the size of the coarsest features alone."""
        if self.encoder is not None and self.prepared != (height, width):
            places = paddle.to_tensor(waves(height, width, self.encoder.channels))
            self.register_buffer("places", places, persistable=False)
            self.prepared = height, width

    def forward(self, features: list[paddle.Tensor]) -> list[paddle.Tensor]:
        if self.encoder is not None:
            self.prepare(*features[-1].shape[2:])
            features = [*features[:-1], self.encoder(features[-1], self.places)]
        down: list[paddle.Tensor] = []
        for place, stage in enumerate(self.fpn_stages):
            x = features[-1 - place]
            if place > 0:
                x = paddle.concat([upsample(self.fpn_routes[place - 1](down[-1]), 2), x], axis=1)
            down.append(stage(x))
        up = [down[-1]]
        for place in range(len(down) - 2, -1, -1):
            route = self.pan_routes[place](up[0])
            up.insert(0, self.pan_stages[place](paddle.concat([route, down[place]], axis=1)))
        return up


class ESEAttn(nn.Layer):
    """Channels weighted by the picture as a whole."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        small = paddle.ParamAttr(initializer=nn.initializer.Normal(std=0.001))
        self.fc = nn.Conv2D(channels, channels, 1, weight_attr=small)
        self.conv = ConvNorm(channels, channels, 1, activate=F.swish)

    def forward(self, x: paddle.Tensor, pooled: paddle.Tensor) -> paddle.Tensor:
        return self.conv(x * F.sigmoid(self.fc(pooled)))


class PPYOLOEHead(nn.Layer):
    """Logits of classes (N, P, classes), and of the distances to a box's edges (N, P, 4 × bins)."""

    def __init__(self, inputs: Sequence[int], num_classes: int, num_bins: int) -> None:
        super().__init__()
        self.stem_cls = nn.LayerList([ESEAttn(each) for each in inputs])
        self.stem_reg = nn.LayerList([ESEAttn(each) for each in inputs])
        self.pred_cls = nn.LayerList([_prediction(each, num_classes, RARE) for each in inputs])
        self.pred_reg = nn.LayerList([_prediction(each, 4 * num_bins, 1.0) for each in inputs])

    def forward(self, features: list[paddle.Tensor]) -> tuple[paddle.Tensor, paddle.Tensor]:
        scores, distances = [], []
        for level, x in enumerate(features):
            pooled = F.adaptive_avg_pool2d(x, 1)
            scores.append(self.pred_cls[level](self.stem_cls[level](x, pooled) + x).flatten(2))
            distances.append(self.pred_reg[level](self.stem_reg[level](x, pooled)).flatten(2))
        both = (paddle.concat(each, axis=2).transpose([0, 2, 1]) for each in (scores, distances))
        first, second = both
        return first, second


def _prediction(inputs: int, outputs: int, bias: float) -> nn.Layer:
    return nn.Conv2D(
        inputs,
        outputs,
        3,
        padding=1,
        weight_attr=paddle.ParamAttr(initializer=nn.initializer.Constant(0.0)),
        bias_attr=paddle.ParamAttr(initializer=nn.initializer.Constant(bias)),
    )


class PPYOLOE(PointDetector):
    """Class logits (N, P, classes) and distance logits (N, P, 4 × bins) of images (N, 3, H, W).

    The P points are those of `strides`, level by level, row by row; H and W are multiples of 32.

    Args:
        width, depth: multiples of the largest one's channels and blocks.
        with_alpha: as PP-YOLOE+ has it, not PP-YOLOE.
        bins: distances, in strides, that an edge's distribution is over.
        attends: as PP-YOLOE+ SOD has it, for small objects.
    """

    strides: ClassVar[tuple[int, ...]] = (32, 16, 8)
    heads: ClassVar[Mapping[str, int]] = {r"^yolo_head\.pred_cls\.\d\.(weight|bias)$": 0}

    def __init__(
        self,
        num_classes: int,
        width: float,
        depth: float,
        with_alpha: bool = True,
        bins: range = BINS,
        attends: bool = False,
    ) -> None:
        super().__init__()
        self.bins = bins
        self.backbone = CSPResNet(width, depth, with_alpha)
        self.neck = CustomCSPPAN(self.backbone.out_channels, width, depth, attends)
        self.yolo_head = PPYOLOEHead(self.neck.out_channels, num_classes, len(bins))

    def prepare(self, height: int, width: int) -> None:
        """See `Detector`."""
        self.neck.prepare(height // self.strides[0], width // self.strides[0])

    def forward(self, x: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        return self.yolo_head(self.neck(self.backbone(x)))

    def as_computed(self, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Tensors of PaddleDetection's ``.pdparams``, in which an alpha that is not above 0 is none: it counts as 1."""
        return {
            name: np.where(array > 0, array, np.ones_like(array)) if name.endswith(".alpha") else array
            for name, array in state.items()
        }
