"""What queries learn: varifocal, L1 and GIoU losses after each layer, and the same of noisy copies of the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import paddle
from paddle.nn import functional as F

from plx_train.nn.detection.denoising import Denoising
from plx_train.nn.detection.detector import Truths, as_shares
from plx_train.nn.detection.hungarian import match
from plx_train.nn.detection.overlap import centred, corners, giou, overlaps
from plx_train.nn.detection.query_detector import LearnedQueries, Queries
from plx_train.nn.detection.varifocal import varifocal
from plx_train.nn.reading import read_together

CLASS_WEIGHT, BOX_WEIGHT, OVERLAP_WEIGHT = 1.0, 5.0, 2.0
"""How much the losses of classes, distances and overlaps count."""


@dataclass(frozen=True)
class QueryLoss:
    """The sum of all stages' losses, divided by the number of boxes.

    Attributes:
        total: adds up over the processes of a run.
    """

    total: Callable[[paddle.Tensor], paddle.Tensor]

    def __call__(self, outputs: LearnedQueries, truths: Truths, size: tuple[int, int]) -> dict[str, paddle.Tensor]:
        """Scalars ``loss`` and its parts.

        Args:
            size: height and width of the images.
        """
        shares = as_shares(truths, size)
        count = float(sum(len(boxes) for boxes, _ in truths))
        every = [each for each in (outputs.found, outputs.denoised) if each is not None]
        read = read_together(*(tensor for each in every for tensor in _answers(each)))
        sums = _summed(outputs.found, (read[0], read[1]), shares, None)
        copies = 0.0
        if outputs.denoised is not None and outputs.denoising is not None:
            denoised = _summed(outputs.denoised, (read[2], read[3]), shares, outputs.denoising)
            sums = paddle.concat([sums, denoised.sum().unsqueeze(0)])
            copies = count * outputs.denoising.count
        else:
            sums = paddle.concat([sums, paddle.zeros([1])])
        counts = self.total(paddle.to_tensor([count] * 3 + [copies], "float32")).clip(min=1)
        classes, boxes, overlap, denoising = (self.total(sums) / counts).unbind()
        parts = {"classes": classes, "boxes": boxes, "overlaps": overlap, "denoising": denoising}
        return {"loss": classes + boxes + overlap + denoising, **parts}


def _answers(found: Queries) -> tuple[paddle.Tensor, paddle.Tensor]:
    """Scores and boxes of queries."""
    return F.sigmoid(found.logits.detach().astype("float32")), found.boxes.detach().astype("float32")


def _summed(
    found: Queries, answers: tuple[np.ndarray, np.ndarray], truths: Truths, denoising: Denoising | None
) -> paddle.Tensor:
    """The weighted losses of classes, distances and overlaps, added up over stages, images and queries, (3,).

    Args:
        answers: scores and boxes of `found` as numbers.
        truths: boxes x1, y1, x2, y2 as shares.
        denoising: says which query learns what; None: they are matched.
    """
    logits, boxes = found.logits.astype("float32"), found.boxes.astype("float32")
    scores, seen = answers
    places, wanted, classes = [], [], []
    for stage in range(len(scores)):
        for image, (own, numbers) in enumerate(truths):
            queries, learned = (
                match(scores[stage, image], seen[stage, image], own, numbers)
                if denoising is None
                else (denoising.places[image], denoising.truths[image])
            )
            places.append((stage * len(truths) + image) * scores.shape[2] + queries)
            wanted.append(own[learned])
            classes.append(numbers[learned])
    flat = _Learned(np.concatenate(places), np.concatenate(wanted), np.concatenate(classes))
    return _losses(logits.flatten(0, 2), boxes.flatten(0, 2), seen.reshape(-1, 4), flat)


@dataclass(frozen=True)
class _Learned:
    """What the queries at `places`, among those of all stages and images, are to find."""

    places: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray


def _losses(logits: paddle.Tensor, boxes: paddle.Tensor, seen: np.ndarray, learned: _Learned) -> paddle.Tensor:
    """The three losses of queries, (3,); `seen` are the `boxes` as numbers."""
    target, is_learned = np.zeros(logits.shape, np.float32), np.zeros(logits.shape, np.float32)
    agreed, _ = overlaps(corners(seen[learned.places]), learned.boxes)
    target[learned.places, learned.classes] = agreed
    is_learned[learned.places, learned.classes] = 1
    classes = CLASS_WEIGHT * varifocal(logits, paddle.to_tensor(target), paddle.to_tensor(is_learned))
    if len(learned.places) == 0:
        nothing = boxes.sum() * 0
        return paddle.stack([classes, nothing, nothing])
    own = paddle.gather(boxes, paddle.to_tensor(learned.places))
    wanted = learned.boxes.astype(np.float32)
    distance = BOX_WEIGHT * (own - paddle.to_tensor(centred(wanted))).abs().sum()
    middle, half = own[:, :2], own[:, 2:] / 2
    general = giou(paddle.concat([middle - half, middle + half], axis=1), paddle.to_tensor(wanted))
    return paddle.stack([classes, distance, OVERLAP_WEIGHT * (1 - general).sum()])
