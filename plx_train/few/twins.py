"""Pictures that are nearly the same: what validation holds must not be learned from unlabelled either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np

from plx_train.vision.bounds import TooManyPixels
from plx_train.vision.image import ImageError
from plx_train.vision.samples import LabelledImage

SIDE = 24
"""Pixels of the sides of thumbnails."""
MOST_APART = 2.0
"""Mean difference of grey levels, of 255, up to which two thumbnails are of one picture: what another size and JPEG's
losses come to."""
ROOT_APART = 4
"""Times that, up to which the root of the mean square may go: a difference in one place alone makes another picture."""
NUM_THREADS = 2
CHUNK = 256


def thumbnails(samples: Sequence[LabelledImage[Any]]) -> tuple[np.ndarray, np.ndarray]:
    """Grey thumbnails, float32 (N, SIDE · SIDE), and which samples can be read, bool (N,).

    Of those that can't, or are of one colour, thumbnails are not numbers, and so like no other.
    """
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        found = list(pool.map(_thumbnail, samples))
    nothing = np.full(SIDE * SIDE, np.nan, np.float32)
    small = [nothing if one is None or one.std() <= 1 else one for one in found]
    return np.stack([*small, nothing])[:-1], np.asarray([one is not None for one in found], bool)


def twins(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of the thumbnails `own` (N, P) show nearly the same as one of `others` (M, P), bool (N,)."""
    found = np.zeros(len(own), bool)
    for rows, _ in _pairs(own, others):
        found[rows] = True
    return found


def repeats(own: np.ndarray) -> np.ndarray:
    """Which of the thumbnails (N, P) show nearly the same as one before them, bool (N,)."""
    found = np.zeros(len(own), bool)
    for rows, columns in _pairs(own, own):
        found[rows[columns < rows]] = True
    return found


def _pairs(own: np.ndarray, others: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places of two thumbnails of one picture, in both."""
    for start in range(0, len(own) if len(others) else 0, CHUNK):
        part = own[start : start + CHUNK]
        # By the squares first, which a product gives: a mean difference is never larger than their root.
        squares = (part**2).sum(1)[:, None] + (others**2).sum(1)[None] - 2 * part @ others.T
        rows, columns = np.nonzero(squares <= (ROOT_APART * MOST_APART) ** 2 * part.shape[1])
        apart = np.abs(part[rows] - others[columns]).mean(axis=1)
        is_near = apart <= MOST_APART
        yield start + rows[is_near], columns[is_near]


def _thumbnail(sample: LabelledImage[Any]) -> np.ndarray | None:
    try:
        picture = sample.part(sample.read())
    except (ImageError, TooManyPixels):
        return None
    small = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32).ravel()
