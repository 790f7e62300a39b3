"""What detectors learn whose points see boxes: varifocal, GIoU and distribution losses, of points that were chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import paddle
from paddle.nn import functional as F

from plx_train.nn.detection.assigned import Assigner
from plx_train.nn.detection.overlap import giou
from plx_train.nn.detection.points import boxes_at, mean_distances
from plx_train.nn.detection.varifocal import varifocal
from plx_train.nn.reading import read_together

EDGE = 0.01
"""Distances are learned up to this much below the last bin."""


@dataclass(frozen=True)
class DenseSums:
    """Losses added up over a batch, scalars, with what they are divided by.

    Attributes:
        classes: varifocal loss, to be divided by `count`.
        boxes, distances: GIoU loss and that of the distributions, to be divided by `weight`.
    """

    classes: paddle.Tensor
    boxes: paddle.Tensor
    distances: paddle.Tensor
    count: float
    weight: float


@dataclass(frozen=True)
class _Targets:
    """What the points of a batch learn; of those that learn a box, by their place among all points of the batch."""

    places: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    points: np.ndarray
    scores: np.ndarray
    weights: np.ndarray
    total: float


def dense_sums(
    scores: paddle.Tensor,
    distances: paddle.Tensor,
    truths: Sequence[tuple[np.ndarray, np.ndarray]],
    points: np.ndarray,
    bins: range,
    assign: Assigner,
) -> DenseSums:
    """The losses of a batch.

    Args:
        scores: logits (N, P, classes).
        distances: logits (N, P, 4 × bins).
        truths: boxes x1, y1, x2, y2 (G, 4) in pixels and classes (G,) of each image.
        points: centre and stride of each point, (P, 3).
        bins: distances, in strides, that distributions are over.
        assign: chooses what learns what.
    """
    num_classes = scores.shape[2]
    targets = _targets(scores, mean_distances(distances, bins), truths, points, assign)
    flat = scores.reshape([-1, num_classes])
    wanted = np.zeros(flat.shape, np.float32)
    wanted[targets.places, targets.classes] = targets.scores
    target = paddle.to_tensor(wanted)
    classes = varifocal(flat, target, target)
    if len(targets.places) == 0:
        nothing = distances.sum() * 0
        return DenseSums(classes, nothing, nothing, targets.total, 0.0)
    logits = paddle.gather(distances.reshape([-1, 4 * len(bins)]), paddle.to_tensor(targets.places))
    boxes, shares = _box_losses(logits, targets, bins)
    return DenseSums(classes, boxes, shares, targets.total, float(targets.weights.sum()))


def _targets(
    scores: paddle.Tensor,
    distances: paddle.Tensor,
    truths: Sequence[tuple[np.ndarray, np.ndarray]],
    points: np.ndarray,
    assign: Assigner,
) -> _Targets:
    with paddle.no_grad():
        found, seen = read_together(F.sigmoid(scores), boxes_at(paddle.to_tensor(points), distances))
    parts, total = [], 0.0
    for number, (boxes, classes) in enumerate(truths):
        own = assign(points, found[number], seen[number], boxes, classes)
        places = own.points + number * len(points)
        wanted = boxes[own.truths].reshape(-1, 4)
        parts.append((places, wanted, classes[own.truths], points[own.points], own.scores, own.weights))
        total += own.total
    places, wanted, learned, near, aims, weights = (np.concatenate(each) for each in zip(*parts, strict=True))
    return _Targets(places, wanted, learned, near, aims, weights, total)


def _box_losses(logits: paddle.Tensor, targets: _Targets, bins: range) -> tuple[paddle.Tensor, paddle.Tensor]:
    """The weighted sums of GIoU loss, and of the cross entropy of distances with both neighbouring bins."""
    weights, stride = paddle.to_tensor(targets.weights), targets.points[:, 2:]
    centre = np.concatenate([targets.points[:, :2] / stride, np.ones_like(stride)], axis=1).astype(np.float32)
    wanted = targets.boxes / stride
    seen = boxes_at(paddle.to_tensor(centre), mean_distances(logits, bins))
    boxes = ((1 - giou(seen, paddle.to_tensor(wanted))) * weights).sum()
    exact = np.concatenate([centre[:, :2] - wanted[:, :2], wanted[:, 2:] - centre[:, :2]], axis=1)
    exact = np.clip(exact, bins[0], bins[-1] - EDGE).reshape(-1) - bins[0]
    lower = exact.astype(np.int64)
    share = paddle.to_tensor((exact - lower).astype(np.float32))
    logarithms = F.log_softmax(logits.reshape([-1, len(bins)]), axis=-1)
    rows = np.arange(len(lower))
    below, above = (
        paddle.gather_nd(logarithms, paddle.to_tensor(np.stack([rows, lower + step], axis=1))) for step in (0, 1)
    )
    missed = -(below * (1 - share) + above * share).reshape([-1, 4]).mean(axis=1)
    return boxes, (missed * weights).sum()
