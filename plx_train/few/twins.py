"""Pictures that are nearly the same: what validation holds must not be learned from unlabelled either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from plx_train.ground.errors import UserError
from plx_train.vision.bounds import TooManyPixels
from plx_train.vision.samples import LabelledImage

SIDE = 24
"""Pixels of the sides of thumbnails."""
MOST_APART = 2.0
"""Mean difference of grey levels, of 255, up to which two thumbnails are of one picture: what another size and JPEG's
losses come to."""
NUM_THREADS = 2
CHUNK = 256


def twins_of(samples: Sequence[LabelledImage[object]], others: Sequence[LabelledImage[object]]) -> np.ndarray:
    """Which of `samples` show nearly the same as one of `others`, bool (N,); what can't be read is none."""
    found = np.zeros(len(samples), bool)
    for rows, _ in _pairs(_thumbnails(samples), _thumbnails(others)):
        found[rows] = True
    return found


def repeats_in(samples: Sequence[LabelledImage[object]]) -> np.ndarray:
    """Which of `samples` show nearly the same as one before them, bool (N,); what can't be read does not."""
    thumbnails, found = _thumbnails(samples), np.zeros(len(samples), bool)
    for rows, columns in _pairs(thumbnails, thumbnails):
        found[rows[columns < rows]] = True
    return found


def _pairs(own: np.ndarray, against: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places of thumbnails of one picture, in both."""
    for start in range(0, len(own) if len(against) else 0, CHUNK):
        part = own[start : start + CHUNK]
        # By the squares first, which a product gives: a mean difference is never larger than their root.
        nearest = (part**2).sum(1)[:, None] + (against**2).sum(1)[None] - 2 * part @ against.T
        rows, columns = np.nonzero(nearest <= 16 * MOST_APART**2 * part.shape[1])
        apart = np.abs(part[rows] - against[columns]).mean(axis=1)
        is_near = apart <= MOST_APART
        yield start + rows[is_near], columns[is_near]


def _thumbnails(samples: Sequence[LabelledImage[object]]) -> np.ndarray:
    """Grey thumbnails, float32 (N, SIDE · SIDE); of what can't be read, or is of one colour, not a number."""
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        found = list(pool.map(_thumbnail, samples))
    return np.stack(found) if found else np.zeros((0, SIDE * SIDE), np.float32)


def _thumbnail(sample: LabelledImage[object]) -> np.ndarray:
    try:
        picture = sample.part(sample.read())
    except (UserError, TooManyPixels):
        return np.full(SIDE * SIDE, np.nan, np.float32)
    small = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    values = small.astype(np.float32).ravel()
    return values if values.std() > 1 else np.full(SIDE * SIDE, np.nan, np.float32)
