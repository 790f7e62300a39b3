"""Datasets without files, for loaders; they lie here because worker processes import them."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

from plx_train.contract.dataset import Dataset
from plx_train.contract.sample import Batch, Sample


class Numbers(Dataset):
    """Sample i is (i, a random number); the sample `killer` ends the process that makes it."""

    def __init__(self, size: int, killer: int | None = None) -> None:
        self.names = [str(index) for index in range(size)]
        self.killer = killer
        self.loads = 0

    def __len__(self) -> int:
        return len(self.names)

    def original(self, index: int) -> int:
        return index

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        self.loads += 1
        if index == self.killer:
            os._exit(1)
        return sample_of(index, {"index": index, "draw": float(rng.random()), "modules": "paddle" in sys.modules})


class Heavy(Numbers):
    """Samples that fill a pipe many times over."""

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        return sample_of(index, {"index": index, "bytes": np.zeros(1 << 20, np.uint8)})


class Growing(Numbers):
    """Samples of many kinds of arrays, each larger than those before it."""

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        side = 1 + 40 * index
        values = {
            "image": rng.integers(0, 256, (side, side, 3), np.uint8),
            "turned": rng.standard_normal((side, 7), np.float32).T,
            "part": rng.standard_normal((side, side))[::2, ::3],
            "empty": np.zeros((0, 4), np.float32),
            "name": str(index),
        }
        return sample_of(index, values)


class Odd(Exception):
    """An exception that can't be pickled and made again."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


class Failing(Numbers):
    """No sample comes: the first lacks memory, others fail in an odd way."""

    def get(self, index: int, rng: np.random.Generator) -> Sample:
        raise Odd(1, 2) if index else MemoryError("no room")


def sample_of(index: int, values: dict[str, Any]) -> Sample:
    """A sample whose input is `values`."""
    return Sample(values, None, None, str(index))


def collate(samples: list[Sample]) -> Batch:
    """Lists of the samples' values, by name."""
    return {key: [sample.x[key] for sample in samples] for key in samples[0].x}
