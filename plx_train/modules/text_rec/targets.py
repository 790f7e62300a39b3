"""What the guide learns to spell: a text's classes as tokens, between a start and an end sign."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PAD, UNKNOWN, START, END = range(4)
"""Tokens before those of the characters; the second is never used, since texts are left out that would need it."""
SHIFT = 3
"""Difference between a character's token and its class, of which blank is the first."""
NUM_SIGNS = 2
"""Start and end, which each text has beside its characters."""
HEAD_CHANNELS = 32
"""Width of each of the guide's attention heads."""


def num_tokens(num_classes: int) -> int:
    """Tokens of a guide beside a classifier of `num_classes`; the last one stands for nothing, as in the published."""
    return num_classes + SHIFT + 1


def spell(classes: Sequence[int], max_length: int) -> list[int]:
    """Tokens of a text with start and end; none where they would be more than `max_length`."""
    if len(classes) + NUM_SIGNS > max_length:
        return []
    return [START, *(number + SHIFT for number in classes), END]


def guide_tokens(texts: Sequence[Sequence[int]], max_length: int) -> np.ndarray:
    """Tokens int64 (N, S) of texts given by their classes, padded to the longest; all padding for one too long."""
    spelled = [spell(classes, max_length) for classes in texts]
    table = np.full((len(texts), max(NUM_SIGNS, *(len(tokens) for tokens in spelled))), PAD, np.int64)
    for row, tokens in zip(table, spelled, strict=True):
        row[: len(tokens)] = tokens
    return table
