"""How much boxes x1, y1, x2, y2 overlap."""

from __future__ import annotations

import numpy as np
import paddle

TINY = 1e-9


def centred(boxes: np.ndarray) -> np.ndarray:
    """Boxes x1, y1, x2, y2 (…, 4) as x, y of their centre, width and height; edges may stand in the wrong order."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def corners(boxes: np.ndarray) -> np.ndarray:
    """Boxes x, y of their centre, width and height (…, 4) as x1, y1, x2, y2."""
    middle, half = boxes[..., :2], boxes[..., 2:] / 2
    return np.concatenate([middle - half, middle + half], axis=-1)


def overlaps(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intersection over union and its generalised form (arXiv 1902.09630) of boxes (…, 4), broadcast."""
    low, high = np.maximum(first[..., :2], second[..., :2]), np.minimum(first[..., 2:], second[..., 2:])
    common = np.prod(np.maximum(high - low, 0), axis=-1)
    union = _area(first) + _area(second) - common
    around = np.maximum(first[..., 2:], second[..., 2:]) - np.minimum(first[..., :2], second[..., :2])
    hull = np.prod(np.maximum(around, 0), axis=-1)
    iou = common / np.maximum(union, TINY)
    return iou, iou - (hull - union) / np.maximum(hull, TINY)


def _area(boxes: np.ndarray) -> np.ndarray:
    return np.prod(np.maximum(boxes[..., 2:] - boxes[..., :2], 0), axis=-1)


def giou(first: paddle.Tensor, second: paddle.Tensor) -> paddle.Tensor:
    """The generalised form for pairs of boxes (N, 4), (N,)."""
    low, high = paddle.maximum(first[:, :2], second[:, :2]), paddle.minimum(first[:, 2:], second[:, 2:])
    common = _product(high - low)
    union = _product(first[:, 2:] - first[:, :2]) + _product(second[:, 2:] - second[:, :2]) - common + TINY
    hull = _product(paddle.maximum(first[:, 2:], second[:, 2:]) - paddle.minimum(first[:, :2], second[:, :2]))
    hull = hull + TINY
    return common / union - (hull - union) / hull


def _product(sides: paddle.Tensor) -> paddle.Tensor:
    sides = paddle.clip(sides, min=0)
    return sides[:, 0] * sides[:, 1]
