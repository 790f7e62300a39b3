"""What is done with any batch: as tensors, in parts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from plx_train.contract.sample import Batch


def to_tensors(batch: Batch) -> dict[str, Any]:
    """Arrays, and tuples of them, as tensors on the current device; lists stay as they are."""
    return {
        key: tuple(map(_tensor, value)) if isinstance(value, tuple) else _tensor(value) for key, value in batch.items()
    }


def _tensor(value: Any) -> Any:
    import paddle

    return paddle.to_tensor(value) if isinstance(value, np.ndarray) else value


def size_of(batch: Batch) -> int:
    """Number of samples; 0 for a batch whose samples could all not be read."""
    return len(batch["names"]) if batch else 0


def slice_batch(batch: Batch, start: int, end: int) -> Batch:
    """The samples `start` up to `end`."""
    return {
        key: tuple(part[start:end] for part in value) if isinstance(value, tuple) else value[start:end]
        for key, value in batch.items()
    }


def pieces(batch: Batch, parts: int) -> Iterator[tuple[Batch, float]]:
    """The batch in `parts` pieces of nearly equal size, with their shares of it."""
    size = size_of(batch)
    edges = [size * part // parts for part in range(parts + 1)]
    for start, end in itertools.pairwise(edges):
        yield (batch if parts == 1 else slice_batch(batch, start, end)), (end - start) / size
