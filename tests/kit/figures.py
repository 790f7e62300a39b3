"""Datasets without files, for loaders; they lie here because worker processes import them."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

from plx_train.contract.module import Dataset


class Numbers(Dataset):
    """Sample i is (i, a random number); the sample `killer` ends the process that makes it."""

    def __init__(self, size: int, killer: int | None = None) -> None:
        self.names = [str(index) for index in range(size)]
        self.killer = killer
        self.loads = 0

    def __len__(self) -> int:
        return len(self.names)

    def get(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        self.loads += 1
        if index == self.killer:
            os._exit(1)
        return {"index": index, "draw": float(rng.random()), "modules": "paddle" in sys.modules}


class Heavy(Numbers):
    """Samples that fill a pipe many times over."""

    def get(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        return {"index": index, "bytes": np.zeros(1 << 20, np.uint8)}


class Growing(Numbers):
    """Samples of many kinds of arrays, each larger than those before it."""

    def get(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        side = 1 + 40 * index
        return {
            "image": rng.integers(0, 256, (side, side, 3), np.uint8),
            "turned": rng.standard_normal((side, 7), np.float32).T,
            "part": rng.standard_normal((side, side))[::2, ::3],
            "empty": np.zeros((0, 4), np.float32),
            "name": str(index),
        }


class Odd(Exception):
    """An exception that can't be pickled and made again."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


class Failing(Numbers):
    """No sample comes: the first lacks memory, others fail in an odd way."""

    def get(self, index: int, rng: np.random.Generator) -> dict[str, Any]:
        raise Odd(1, 2) if index else MemoryError("no room")


def collate(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Lists of the samples' values, by name."""
    return {key: [sample[key] for sample in samples] for key in samples[0]}
