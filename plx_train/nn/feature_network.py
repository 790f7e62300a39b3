"""A classifier's backbone that gives a feature of each image, and what tells classes by it in training."""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F

from plx_train.nn.classifiers import build_classifier, head_of


class FeatureNetwork(nn.Layer):
    """Features (N, dimensions) of images (N, 3, H, W); their lengths say nothing.

    The backbone's classifier gives the feature, or is left out.

    Args:
        dimensions: of a feature; None: as many as go into the classifier.
        num_classes: that the head tells apart; 0 for no head.
    """

    def __init__(self, name: str, dimensions: int | None, num_classes: int, stem_stride: int, dropout: float) -> None:
        super().__init__()
        self.backbone = build_classifier(name, dimensions or 1, stem_stride, dropout)
        path, last = head_of(self.backbone)
        width = dimensions or int(last.weight.shape[0])
        if dimensions is None:
            owner, _, key = path.rpartition(".")
            parent = self.backbone.get_sublayer(owner) if owner else self.backbone
            parent.add_sublayer(key, nn.Identity())
        self.head = nn.Linear(width, num_classes, bias_attr=False) if num_classes else None

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.backbone(x)

    def cosines(self, features: paddle.Tensor) -> paddle.Tensor:
        """Cosines (N, classes) of the angles between features and what the head knows of each class."""
        assert self.head is not None
        return unit(features) @ F.normalize(self.head.weight, axis=0)


def unit(features: paddle.Tensor) -> paddle.Tensor:
    """Features (N, D) of length 1."""
    return F.normalize(features, axis=-1)
