"""Noisy copies of the truth, which a decoder learns to make right again (arXiv 2203.01305, contrastive: 2203.03605)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plx_train.nn.detection.overlap import centred

NUM_COPIES = 100
"""Right copies of boxes for an image, about; as many are made that are too far off."""
LABEL_NOISE = 0.25
"""Share of copies whose class is drawn anew."""
BOX_NOISE = 0.5
"""Share of a box's sides by which edges of right copies move at most, and those of wrong ones at least, to twice it."""
EDGE = 1e-5
"""Shares of an image are kept this far from 0 and 1, where logits have no end."""


@dataclass(frozen=True)
class Denoising:
    """The D noisy queries of a batch, in groups; the same number for each image.

    Attributes:
        classes: int64 (N, D), the number of classes where there is none.
        boxes: logits of x, y of the centre, width and height as shares, float32 (N, D, 4).
        places, truths: of each image, its right copies among its D queries and the numbers of their boxes, int64 (K,).
        group: queries of a group, which see each other and no other's.
        count: of the groups.
    """

    classes: np.ndarray
    boxes: np.ndarray
    places: tuple[np.ndarray, ...]
    truths: tuple[np.ndarray, ...]
    group: int
    count: int

    @property
    def size(self) -> int:
        """Number of noisy queries, D."""
        return self.group * self.count

    def hidden(self, num_queries: int) -> np.ndarray:
        """What queries may not see, bool (D + Q, D + Q): others' groups, and those that search see no noisy ones."""
        groups = np.concatenate([np.repeat(np.arange(self.count), self.group), np.full(num_queries, -1)])
        return (groups[:, None] != groups[None]) & (groups[None] >= 0)


def make_noisy(
    truths: Sequence[tuple[np.ndarray, np.ndarray]], num_classes: int, rng: np.random.Generator
) -> Denoising | None:
    """Noisy copies of the boxes of a batch; None where it has none.

    Args:
        truths: boxes x1, y1, x2, y2 (G, 4) as shares of their image, and classes (G,), of each image.
    """
    most = max((len(boxes) for boxes, _ in truths), default=0)
    if most == 0:
        return None
    count = max(NUM_COPIES // most, 1)
    numbers = np.full((len(truths), most), num_classes, np.int64)
    exact = np.zeros((len(truths), most, 4), np.float32)
    for image, (boxes, classes) in enumerate(truths):
        numbers[image, : len(boxes)], exact[image, : len(boxes)] = classes, boxes
    numbers, exact = (np.concatenate([each] * (2 * count), axis=1) for each in (numbers, exact))
    is_wrong = np.tile(np.repeat([0.0, 1.0], most), count)[:, None]
    places = tuple(
        (np.arange(count)[:, None] * 2 * most + np.arange(len(boxes))).reshape(-1).astype(np.int64)
        for boxes, _ in truths
    )
    learned = tuple(np.tile(np.arange(len(boxes), dtype=np.int64), count) for boxes, _ in truths)
    renamed = np.where(rng.random(numbers.shape) < LABEL_NOISE, rng.integers(0, num_classes, numbers.shape), numbers)
    numbers = np.where(numbers < num_classes, renamed, numbers)
    return Denoising(numbers, logits_of(centred(_moved(exact, is_wrong, rng))), places, learned, 2 * most, count)


def _moved(boxes: np.ndarray, is_wrong: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Boxes (N, D, 4) with each edge moved on its own, within the image."""
    sides = np.tile(boxes[..., 2:] - boxes[..., :2], 2)
    far = rng.random(boxes.shape) + is_wrong
    sign = rng.choice([-1.0, 1.0], boxes.shape)
    return np.clip(boxes + BOX_NOISE * sides * far * sign, 0, 1)


def logits_of(shares: np.ndarray) -> np.ndarray:
    """What sigmoids make `shares` of, float32."""
    return np.asarray(np.log(np.maximum(shares, EDGE) / np.maximum(1 - shares, EDGE)), np.float32)
