"""What is learned of the class of each pixel; those that count neither way are left out of all of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import paddle
from paddle.nn import functional as F

from plx_train.nn.reading import read_together

UNCOUNTED = 255
SMALL = 1e-6


@dataclass(frozen=True)
class LossParts:
    """How much each part counts; 0 for none.

    Attributes:
        hard: probability of a pixel's own class from which on it is learned; 1: all pixels are alike.
        kept: share of the pixels that are learned at least, the least sure ones.
        dice, lovasz: of the overlap with each class, by Dice's coefficient and by intersection over union.
        boundary: of the cross entropy of pixels near others of another class.
        auxiliary: of the maps that coarser features give.
    """

    hard: float = 0.9
    kept: float = 0.0625
    dice: float = 0.0
    lovasz: float = 0.0
    boundary: float = 0.0
    auxiliary: float = 1.0


def segmentation_loss(
    outputs: list[paddle.Tensor], target: paddle.Tensor, parts: LossParts, trust: paddle.Tensor | None = None
) -> dict[str, paddle.Tensor]:
    """Scalar ``loss`` and its parts.

    Args:
        outputs: logits (N, classes, H, W), the map that counts first.
        target: int64 (N, H, W).
        trust: float32 (N,), by which each sample counts.
    """
    first = outputs[0].astype("float32")
    weights = (target != UNCOUNTED).astype("float32")
    counted = paddle.where(target == UNCOUNTED, paddle.zeros_like(target), target)
    if trust is not None:
        weights = weights * trust.reshape([-1, 1, 1])
    entropy = _entropy(first, counted)
    found = {"entropy": _of_hard(entropy, weights, parts)}
    loss = found["entropy"]
    if len(outputs) > 1 and parts.auxiliary:
        others = [_of_hard(_entropy(each.astype("float32"), counted), weights, parts) for each in outputs[1:]]
        found["auxiliary"] = paddle.add_n(others)
        loss = loss + parts.auxiliary * found["auxiliary"]
    if parts.boundary:
        found["boundary"] = _mean(entropy, weights * _near_others(target))
        loss = loss + parts.boundary * found["boundary"]
    if parts.dice or parts.lovasz:
        probabilities = F.softmax(first, axis=1)
        if parts.dice:
            found["dice"] = dice_loss(probabilities, counted, weights)
            loss = loss + parts.dice * found["dice"]
        if parts.lovasz:
            found["lovasz"] = lovasz_loss(probabilities, counted, weights)
            loss = loss + parts.lovasz * found["lovasz"]
    return {"loss": loss, **found} if len(found) > 1 else {"loss": loss}


def _entropy(logits: paddle.Tensor, target: paddle.Tensor) -> paddle.Tensor:
    """Cross entropy of each pixel, (N, H, W)."""
    return F.cross_entropy(logits, target.unsqueeze(1), reduction="none", axis=1).squeeze(1)


def _mean(losses: paddle.Tensor, weights: paddle.Tensor) -> paddle.Tensor:
    return (losses * weights).sum() / (weights.sum() + SMALL)


def _of_hard(losses: paddle.Tensor, weights: paddle.Tensor, parts: LossParts) -> paddle.Tensor:
    """Mean over the pixels that are not learned yet, and over the hardest ones at least (arXiv 1604.03540)."""
    if parts.hard >= 1:
        return _mean(losses, weights)
    found, counts = read_together(losses, weights)
    values = found[counts > 0]
    least = math.ceil(parts.kept * values.size)
    limit = -math.log(parts.hard)
    if 0 < least < values.size:
        limit = min(limit, float(np.partition(values, values.size - least)[values.size - least]))
    return _mean(losses, weights * (losses.detach() >= limit).astype("float32"))


def _near_others(target: paddle.Tensor) -> paddle.Tensor:
    """1 at pixels of which one of the eight around is of another class, float32 (N, H, W)."""
    values = target.astype("float32").unsqueeze(1)
    highest = F.max_pool2d(values, 3, 1, 1)
    lowest = -F.max_pool2d(-values, 3, 1, 1)
    return (highest != lowest).astype("float32").squeeze(1)


def dice_loss(probabilities: paddle.Tensor, target: paddle.Tensor, weights: paddle.Tensor) -> paddle.Tensor:
    """1 - Dice's coefficient, mean over the classes that are there (arXiv 1606.04797).

    Args:
        probabilities: (N, classes, H, W).
        target: int64 (N, H, W).
        weights: float32 (N, H, W), by which pixels count.
    """
    truth = F.one_hot(target, probabilities.shape[1]).transpose([0, 3, 1, 2]) * weights.unsqueeze(1)
    found = probabilities * weights.unsqueeze(1)
    common = (found * truth).sum(axis=[0, 2, 3])
    sizes = truth.sum(axis=[0, 2, 3])
    overlap = (2 * common + SMALL) / (found.sum(axis=[0, 2, 3]) + sizes + SMALL)
    is_there = (sizes > 0).astype("float32")
    return ((1 - overlap) * is_there).sum() / (is_there.sum() + SMALL)


def lovasz_loss(probabilities: paddle.Tensor, target: paddle.Tensor, weights: paddle.Tensor) -> paddle.Tensor:
    """The Lovász extension of 1 - intersection over union, mean over the classes that are there (arXiv 1705.08790).

    Args:
        probabilities, target, weights: as of `dice_loss`; pixels without weight are left out, others count alike.
    """
    classes = probabilities.shape[1]
    places = paddle.nonzero(weights.flatten() > 0).flatten()
    own = paddle.gather(probabilities.transpose([0, 2, 3, 1]).reshape([-1, classes]), places)
    truth = paddle.gather(target.flatten(), places)
    losses = []
    for number in range(classes):
        is_own = (truth == number).astype("float32")
        if not bool(is_own.any()):
            continue
        errors = (is_own - own[:, number]).abs()
        order = paddle.argsort(errors.detach(), descending=True)
        losses.append((paddle.gather(errors, order) * _steps(paddle.gather(is_own, order))).sum())
    return paddle.add_n(losses) / len(losses) if losses else probabilities.sum() * 0


def _steps(is_own: paddle.Tensor) -> paddle.Tensor:
    """How much each error adds to 1 - intersection over union, the largest first."""
    size = is_own.sum()
    loss = 1 - (size - is_own.cumsum()) / (size + (1 - is_own).cumsum())
    return paddle.concat([loss[:1], loss[1:] - loss[:-1]])
