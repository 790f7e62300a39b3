"""The loss of a detector whose points see boxes: its parts, divided by what all processes found to learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import paddle

from plx_train.nn.detection.assigned import Assigner
from plx_train.nn.detection.dense_loss import dense_sums
from plx_train.nn.detection.detector import Truths
from plx_train.nn.detection.points import points_of


@dataclass(frozen=True)
class PointLoss:
    """The weighted sum of the losses of classes, boxes and distances.

    Attributes:
        strides: pixels between the network's points, level by level.
        bins: distances that an edge's distribution is over.
        assign: chooses which of them learn what.
        total: adds up over the processes of a run.
    """

    strides: tuple[int, ...]
    bins: range
    assign: Assigner
    box_weight: float
    distance_weight: float
    total: Callable[[paddle.Tensor], paddle.Tensor]

    def __call__(
        self, outputs: tuple[paddle.Tensor, paddle.Tensor], truths: Truths, size: tuple[int, int]
    ) -> dict[str, paddle.Tensor]:
        """Scalars ``loss`` and its parts.

        Args:
            outputs: logits of classes (N, P, classes) and of distances (N, P, 4 × bins).
            size: height and width of the images.
        """
        scores, distances = (each.astype("float32") for each in outputs)
        sums = dense_sums(scores, distances, truths, points_of(size, self.strides), self.bins, self.assign)
        count = self.total(paddle.to_tensor(sums.count)).clip(min=1)
        weight = self.total(paddle.to_tensor(sums.weight)).clip(min=1)
        parts = {
            "classes": self.total(sums.classes) / count,
            "boxes": self.box_weight * self.total(sums.boxes) / weight,
            "distances": self.distance_weight * self.total(sums.distances) / weight,
        }
        return {"loss": sum(parts.values(), paddle.zeros([])), **parts}
