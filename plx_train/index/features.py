"""Features of images as vectors of an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from plx_train.export.predictor import Predictor
from plx_train.ground.errors import UserError

FEATURE = "feature"
"""What findings call it, as PaddleX does."""
AT_ONCE = 64


def refuse_without_features(predictor: Predictor) -> None:
    """
    Raises:
        UserError: the model gives no features.
    """
    if FEATURE not in predictor.predict(predictor.processor.example()).findings():
        raise UserError(f"a model of {predictor.module} gives no features, which an index is made of")


def features_of(predictor: Predictor, images: Sequence[Any]) -> np.ndarray:
    """Float32 (N, D), of length 1."""
    return np.stack([each.findings()[FEATURE] for each in predictor.predict(list(images))]).astype(np.float32)


def in_batches(images: Iterable[Any]) -> Iterator[list[Any]]:
    """Images as many at a time as memory has room for."""
    rest = iter(images)
    while some := list(islice(rest, AT_ONCE)):
        yield some
