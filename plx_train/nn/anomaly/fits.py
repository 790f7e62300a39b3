"""What PatchCore and PaDiM learn of good pictures, in memory that is known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import paddle

from plx_train.nn.anomaly.coreset import coreset, gathered
from plx_train.nn.anomaly.padim import PaDiM
from plx_train.nn.anomaly.patch_core import PatchCore

Told = Callable[[float, str], None]
"""Is told the share of a fit that is done, and what is being done."""
SEEN = 0.5
"""Share of a fit that is done when all pictures were seen, where patches are chosen after that."""
SHRINKAGE = 0.01
"""Share of the mean variance that is added to all: with few pictures there would be none in some directions."""

TINY = 1e-24
"""The smallest spread, where all pictures are alike."""


def fit_memory(network: PatchCore, images: Iterator[np.ndarray], number: int, candidates: int, told: Told) -> None:
    """Remembers those of the patches of `number` images that lie far apart.

    Args:
        images: batches float32 (N, 3, H, W).
        candidates: patches that are looked at, at most.
    """
    # The run has seeded numpy.
    rng = np.random.default_rng(int(np.random.randint(2**31)))
    seen = _seen(network.patches, images, number, lambda share: told(SEEN * share, "looking at images"))
    points = gathered(seen, number, candidates, rng)
    mean = points.mean(axis=0)
    # One scale for all: a feature that hardly changes says less than others, on elpv by 0.015 of the image AUROC.
    scale = 1 / max(float(np.sqrt(np.square(points - mean).sum(axis=1).mean())), TINY)
    points = (points - mean) * np.float32(scale)
    chosen = coreset(points, network.capacity, rng, lambda share: told(SEEN + SEEN * share, "choosing patches"))
    network.take(mean, scale, points[chosen])


def fit_gaussians(network: PaDiM, images: Iterator[np.ndarray], number: int, told: Told) -> None:
    """Takes mean and covariance of each place over `number` images; see `fit_memory`."""
    first, total, products = None, np.zeros(()), np.zeros(())
    for patches in _seen(network.looked_at, images, number, lambda share: told(share, "looking at images")):
        # From the first image on: squares of large means would leave nothing of small variances.
        first = patches.astype(np.float64) if first is None else first
        apart = patches - first
        total, products = total + apart, products + apart[:, :, None] * apart[:, None, :]
    assert first is not None
    mean = total / number
    covariance = (products - number * mean[:, :, None] * mean[:, None, :]) / max(number - 1, 1)
    usual = float(np.trace(covariance, axis1=1, axis2=2).mean()) / mean.shape[1]
    network.take(first + mean, covariance + max(SHRINKAGE * usual, TINY) * np.eye(mean.shape[1]))


def _seen(
    see: Callable[[paddle.Tensor], paddle.Tensor],
    images: Iterator[np.ndarray],
    number: int,
    told: Callable[[float], None],
) -> Iterator[np.ndarray]:
    """What is seen in each image, (patches, features)."""
    done = 0
    for batch in images:
        with paddle.no_grad():
            yield from see(paddle.to_tensor(batch)).numpy()
        done += len(batch)
        told(done / number)
