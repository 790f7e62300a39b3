"""The loss of a detector whose points see boxes: its parts, divided by what all processes found to learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import paddle

from plx_train.distributed.ranks import total
from plx_train.nn.detection.dense_loss import dense_sums
from plx_train.nn.detection.pico_det import STRIDES

BOX_WEIGHT, DISTRIBUTION_WEIGHT = 2.0, 0.25


def detection_loss(
    outputs: tuple[paddle.Tensor, paddle.Tensor],
    truths: Sequence[tuple[np.ndarray, np.ndarray]],
    size: tuple[int, int],
) -> dict[str, paddle.Tensor]:
    """Scalars ``loss`` and its parts.

    Args:
        outputs: logits of classes (N, P, classes) and of distances (N, P, 4 × bins).
        truths: boxes (G, 4) and classes (G,) of each image.
        size: height and width of the images.
    """
    sums = dense_sums(outputs[0].astype("float32"), outputs[1].astype("float32"), truths, size, STRIDES)
    count = total(paddle.to_tensor(sums.count)).clip(min=1)
    weight = total(paddle.to_tensor(sums.weight)).clip(min=1)
    parts = {
        "classes": total(sums.classes) / count,
        "boxes": BOX_WEIGHT * total(sums.boxes) / weight,
        "distances": DISTRIBUTION_WEIGHT * total(sums.distances) / weight,
    }
    return {"loss": sum(parts.values(), paddle.zeros([])), **parts}
