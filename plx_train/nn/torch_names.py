"""Tensors of classifiers of images as torch's programs write them, under the names and in the layout of Paddle's."""

from __future__ import annotations

import re

import numpy as np

STATISTICS = (".running_mean", "._mean"), (".running_var", "._variance")
COUNT = "num_batches_tracked"
LITE = "_conv_stem.weight"
"""Shows names of the published EfficientNet-Lite, which begin with underscores."""


def from_torch(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Torch's tensors under Paddle's names and in its layout; others come back as they are."""
    if not any(name.endswith(STATISTICS[0][0]) for name in state):
        return state
    renamed = {}
    for name, array in state.items():
        if name.endswith(COUNT):
            continue
        if LITE in state:
            name = re.sub(r"(^|\.)_", r"\1", name)
        for theirs, ours in STATISTICS:
            name = name.replace(theirs, ours)
        # What multiplies a matrix lies the other way round.
        renamed[name] = array.T if array.ndim == 2 else array
    return renamed
