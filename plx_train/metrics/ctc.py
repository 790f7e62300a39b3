"""How likely a text is by what a reader gives of a line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BLANK = 0
"""Class that stands for no character."""
LEAST = 1e-12
"""Probability that stands for 0."""


def log_likelihood(probabilities: np.ndarray, classes: Sequence[int]) -> float:
    """Logarithm of the probability of a text, over all ways in which steps can spell it; −∞ where none can.

    Args:
        probabilities: of classes in each step, (T, all classes).
        classes: of the text's characters.
    """
    between = np.full(2 * len(classes) + 1, BLANK)
    between[1::2] = classes
    steps = np.log(np.maximum(probabilities[:, between].astype(np.float64), LEAST))
    # From one character to the next a blank may be left out, unless both are the same.
    leaps = np.zeros(len(between), bool)
    leaps[2:] = (between[2:] != BLANK) & (between[2:] != between[:-2])
    so_far = np.full(len(between), -np.inf)
    so_far[:2] = steps[0, :2]
    for step in steps[1:]:
        stays = so_far.copy()
        stays[1:] = np.logaddexp(stays[1:], so_far[:-1])
        stays[2:] = np.logaddexp(stays[2:], np.where(leaps[2:], so_far[:-2], -np.inf))
        so_far = stays + step
    return float(np.logaddexp.reduce(so_far[-2:]))
