"""A short trial of engines on one sample, where none was measured: which of them is the quickest."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

ROUNDS = 5
MOST_SECONDS = 2.0
"""After so long no further round is begun."""


def try_out(
    models: Mapping[str, Callable[..., list[np.ndarray]]], sample: tuple[np.ndarray, ...]
) -> tuple[str, dict[str, float]]:
    """The quickest of `models`, and the milliseconds that each took, both by the shortest of a few calls in turn."""
    for model in models.values():
        model(*sample)
    shortest = dict.fromkeys(models, float("inf"))
    began = time.perf_counter()
    for number in range(ROUNDS):
        if number and time.perf_counter() - began > MOST_SECONDS:
            break
        for name, model in models.items():
            started = time.perf_counter()
            model(*sample)
            shortest[name] = min(shortest[name], 1000 * (time.perf_counter() - started))
    return min(shortest, key=shortest.__getitem__), shortest
