"""What PatchCore and PaDiM learn of good pictures, in memory that is known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import paddle

from plx_train.nn.anomaly.coreset import coreset, gathered
from plx_train.nn.anomaly.padim import PaDiM
from plx_train.nn.anomaly.patch_core import PatchCore
from plx_train.nn.anomaly.patches import PatchNetwork
from plx_train.nn.anomaly.whole import SHRINKAGE

Images = Iterator[np.ndarray]
"""Batches float32 (N, 3, H, W)."""
Told = Callable[[float, str], None]
"""Is told the share of a fit that is done, and what is being done."""
SEEN = 0.5
"""Share of a fit that is done when all pictures were seen, where patches are chosen after that."""

TINY = 1e-24
"""The smallest spread, where all pictures are alike."""


def fit_memory(network: PatchCore, images: Images, number: int, candidates: int, told: Told) -> np.ndarray:
    """Remembers those of the patches of `number` images that lie far apart; gives the images' mean features.

    Args:
        candidates: patches that are looked at, at most.
    """
    # The run has seeded numpy.
    rng = np.random.default_rng(int(np.random.randint(2**31)))
    means: list[np.ndarray] = []
    seen = _seen(network, images, number, means, lambda share: told(SEEN * share, "looking at images"))
    points = gathered(seen, number, candidates, rng)
    mean = points.mean(axis=0)
    # One scale for all: a feature that hardly changes says less than others, on elpv by 0.015 of the image AUROC.
    scale = 1 / max(float(np.sqrt(np.square(points - mean).sum(axis=1).mean())), TINY)
    points = (points - mean) * np.float32(scale)
    chosen = coreset(points, network.capacity, rng, lambda share: told(SEEN + SEEN * share, "choosing patches"))
    network.take(mean, scale, points[chosen])
    return np.stack(means)


def fit_gaussians(network: PaDiM, images: Images, number: int, told: Told) -> np.ndarray:
    """Takes mean and covariance of each place over `number` images; gives the images' mean features."""
    first, total, products = None, np.zeros(()), np.zeros(())
    means: list[np.ndarray] = []
    chosen = network.chosen.numpy().argmax(axis=0)
    for patches in _seen(network, images, number, means, lambda share: told(share, "looking at images")):
        # From the first image on: squares of large means would leave nothing of small variances.
        looked_at = patches[:, chosen].astype(np.float64)
        first = looked_at if first is None else first
        apart = looked_at - first
        total, products = total + apart, products + apart[:, :, None] * apart[:, None, :]
    assert first is not None
    mean = total / number
    covariance = (products - number * mean[:, :, None] * mean[:, None, :]) / max(number - 1, 1)
    usual = float(np.trace(covariance, axis1=1, axis2=2).mean()) / mean.shape[1]
    network.take(first + mean, covariance + max(SHRINKAGE * usual, TINY) * np.eye(mean.shape[1]))
    return np.stack(means)


def fit_whole(network: PatchNetwork, means: np.ndarray, held: Images, are_learned: bool) -> None:
    """Learns how odd pictures are as a whole, on the scale of the highest scores of good ones.

    Args:
        means: of the features of those that were learned, (N, num_features).
        held: good pictures that are measured; `are_learned` where they are some of those that were learned.
    """
    highest: list[float] = []
    others = [np.zeros((0, means.shape[1]))]
    for batch in held:
        with paddle.no_grad():
            x = paddle.to_tensor(batch)
            highest += network(x).numpy().max(axis=(1, 2, 3)).tolist()
            if not are_learned:
                others.append(network.mean_features(network.patches(x)).numpy())
    network.whole.take(means, np.concatenate(others), float(np.std(highest)) if highest else 0.0)


def _seen(
    network: PatchNetwork, images: Images, number: int, means: list[np.ndarray], told: Callable[[float], None]
) -> Iterator[np.ndarray]:
    """The patches of each image, (patches, num_features), of which the means are added to `means`."""
    for batch in images:
        with paddle.no_grad():
            found = network.patches(paddle.to_tensor(batch)).numpy()
        means += list(found.mean(axis=1))
        yield from found
        told(len(means) / number)
