"""The temperature at which scores say how often they are right (Guo et al., 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MIN_SAMPLES = 20
"""Fewer held-out samples are no basis to choose on."""
LOWEST, HIGHEST, STEPS = 0.25, 8.0, 61
ROUNDS = 3


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (…, classes) as they were with logits divided by `temperature`."""
    if temperature == 1:
        return probabilities
    logits = np.log(np.maximum(probabilities, 1e-30)) / temperature
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)


def fit_temperature(probabilities: Sequence[np.ndarray], classes: Sequence[int]) -> float:
    """The temperature of least mean −log p(true class); 1 where there are too few samples.

    Args:
        probabilities: per sample float32 (num_classes,).
        classes: the true ones.
    """
    if len(classes) < MIN_SAMPLES:
        return 1.0
    values, rows = np.stack(probabilities).astype(np.float64), np.arange(len(classes))
    low, high = np.log(LOWEST), np.log(HIGHEST)
    best = 0.0
    for _ in range(ROUNDS):
        grid = np.linspace(low, high, STEPS)
        losses = [_loss(values, rows, classes, float(np.exp(point))) for point in grid]
        best = float(grid[int(np.argmin(losses))])
        step = (high - low) / (STEPS - 1)
        low, high = max(best - step, np.log(LOWEST)), min(best + step, np.log(HIGHEST))
    return round(float(np.exp(best)), 4)


def _loss(values: np.ndarray, rows: np.ndarray, classes: Sequence[int], temperature: float) -> float:
    chosen = tempered(values, temperature)[rows, np.asarray(classes)]
    return float(-np.log(np.maximum(chosen, 1e-30)).mean())
