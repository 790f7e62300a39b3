"""Losses that bring features of one class together and others apart."""

from __future__ import annotations

import math

import paddle
from paddle.nn import functional as F

NEVER = -1e4
"""Logit of what is left out."""
NEAR_ONE = 1 - 1e-6
"""Largest cosine whose angle has a gradient."""


def arc_face(cosines: paddle.Tensor, classes: paddle.Tensor, margin: float, scale: float) -> paddle.Tensor:
    """Cross entropy of `scale` times the cosines, the right angle taken `margin` wider (Deng et al., 2019).

    Where a wider angle would pass half a turn the cosine goes down in a line instead.

    Args:
        cosines: (N, classes).
        classes: int64 (N,).
    """
    chosen = F.one_hot(classes, cosines.shape[-1])
    right = (cosines * chosen).sum(axis=-1).clip(-NEAR_ONE, NEAR_ONE)
    wider = right * math.cos(margin) - paddle.sqrt(1 - right * right) * math.sin(margin)
    moved = paddle.where(right > math.cos(math.pi - margin), wider, right - margin * math.sin(margin))
    return F.cross_entropy(scale * (cosines + chosen * (moved - right).unsqueeze(-1)), classes)


def contrast(cosines: paddle.Tensor, classes: paddle.Tensor, scale: float) -> paddle.Tensor:
    """Mean of minus the logarithm of an image's share of its class among all others (Khosla et al., 2020).

    Args:
        cosines: (N, N), of features with each other.
        classes: int64 (N,).
    """
    others = paddle.where(paddle.eye(len(classes)) > 0, paddle.full_like(cosines, NEVER), scale * cosines)
    alike = (classes.unsqueeze(0) == classes.unsqueeze(1)).astype(cosines.dtype) - paddle.eye(len(classes))
    losses = -(alike * F.log_softmax(others, axis=-1)).sum(axis=-1) / alike.sum(axis=-1).clip(min=1)
    return losses.mean()


def triplet(features: paddle.Tensor, classes: paddle.Tensor, margin: float, mining: str) -> paddle.Tensor:
    """Mean of how far the farthest image of an image's class is from being nearer, by `margin`, than another class's.

    Args:
        features: (N, D), of length 1; a distance is 1 less the cosine.
        classes: int64 (N,).
        mining: which other image is taken: ``hard`` the nearest (Hermans et al., 2017), ``semi`` the nearest of those
            that are not nearer than the image's own (Schroff et al., 2015), or the farthest where all are.
    """
    distances = 1 - features @ features.T
    alike = classes.unsqueeze(0) == classes.unsqueeze(1)
    own = paddle.where(alike, distances, paddle.full_like(distances, -math.inf)).max(axis=1)
    far = paddle.full_like(distances, math.inf)
    others = paddle.where(alike, far, distances)
    nearest = others.min(axis=1)
    if mining == "semi":
        beyond = paddle.where(others > own.unsqueeze(1), others, far).min(axis=1)
        farthest = paddle.where(alike, -far, distances).max(axis=1)
        nearest = paddle.where(paddle.isfinite(beyond), beyond, farthest)
    losses = F.relu(own - nearest + margin)
    # Where all images of a batch are of one class there is nothing to be nearer than.
    return paddle.where(paddle.isfinite(nearest), losses, paddle.zeros_like(losses)).mean()
