"""A few patches that stand for many: greedy k-centres, in memory that is known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np


def share_of(patches: int, images: int, budget: int) -> int:
    """Patches that are taken of each image, so that those of all are at most `budget`; one at least."""
    return max(min(patches, budget // max(images, 1)), 1)


def gathered(batches: Iterable[np.ndarray], images: int, budget: int, rng: np.random.Generator) -> np.ndarray:
    """Random patches float32 (K, channels) of images' features (patches, channels), as many of each; `budget` at most.

    Where there are more images than that, some are passed over.
    """
    kept: list[np.ndarray] = []
    skipped = {*rng.permutation(images)[budget:].tolist()}
    for place, patches in enumerate(batches):
        if place not in skipped:
            number = share_of(len(patches), images, budget)
            kept.append(patches[np.sort(rng.permutation(len(patches))[:number])])
    return np.concatenate(kept)


def coreset(
    points: np.ndarray, number: int, rng: np.random.Generator, told: Callable[[float], None] = lambda share: None
) -> np.ndarray:
    """Places int64 (number,) of points that leave none far from all of them; all places where there are no more points.

    Each is the point farthest from those before it (Gonzalez, 1985): no other number leaves any point closer than half
    as far. It takes memory for one number a point.

    Args:
        points: float32 (N, channels).
        told: is told the share that is done, now and then.
    """
    if number >= len(points):
        return np.arange(len(points))
    chosen = np.empty(number, np.int64)
    squares = np.einsum("ij,ij->i", points, points)
    far = np.full(len(points), np.inf, np.float32)
    newest = int(rng.integers(len(points)))
    for place in range(number):
        chosen[place] = newest
        np.minimum(far, squares + squares[newest] - 2 * (points @ points[newest]), out=far)
        newest = int(far.argmax())
        if place % 100 == 0:
            told(place / number)
    return chosen
