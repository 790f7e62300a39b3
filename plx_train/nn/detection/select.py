"""The boxes that a network answers with: those of high scores that no better one of their class covers."""

from __future__ import annotations

import paddle

from plx_train.nn.detection.names import MAX_CANDIDATES, MIN_SCORE


def select_boxes(
    boxes: paddle.Tensor, scores: paddle.Tensor, nms_threshold: float, max_boxes: int
) -> tuple[paddle.Tensor, paddle.Tensor]:
    """Rows class, score, x1, y1, x2, y2 (M, 6) of all images, one after the other, and their numbers, int32 (N,).

    Args:
        boxes: x1, y1, x2, y2 (N, P, 4).
        scores: (N, classes, P).
        nms_threshold: intersection over union from which on a box covers another of its class.
        max_boxes: of an image.
    """
    rows, _, counts = paddle._C_ops.multiclass_nms3(
        boxes, scores, None, MIN_SCORE, MAX_CANDIDATES, max_boxes, nms_threshold, True, 1.0, -1
    )
    return rows, counts
