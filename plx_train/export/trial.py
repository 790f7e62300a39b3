"""A short trial of engines on one sample, where none was measured: which of them is the quickest."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

ROUNDS = 5
MOST_SECONDS = 1.0
"""After so long of one engine no further call is begun."""
REST_SECONDS = 0.3
"""Pause between engines: threads of OpenMP and ONNX Runtime keep the cores busy for a while after a call."""


def try_out(
    models: Mapping[str, Callable[..., list[np.ndarray]]], sample: tuple[np.ndarray, ...]
) -> tuple[str, dict[str, float]]:
    """The quickest of `models`, and the milliseconds that each took, both by the shortest of a few calls."""
    shortest = {name: 1000 * _shortest(model, sample) for name, model in models.items()}
    return min(shortest, key=shortest.__getitem__), shortest


def _shortest(model: Callable[..., list[np.ndarray]], sample: tuple[np.ndarray, ...]) -> float:
    time.sleep(REST_SECONDS)
    model(*sample)
    found, began = float("inf"), time.perf_counter()
    for number in range(ROUNDS):
        started = time.perf_counter()
        if number and started - began > MOST_SECONDS:
            break
        model(*sample)
        found = min(found, time.perf_counter() - started)
    return found
