"""Texts that a model finds on an unlabelled page, in the place of labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.truth import Outline

DOUBTFUL, SURE = 0.4, 0.7
"""Scores between which a region of an unlabelled page is neither text nor none."""
TRANSCRIPTION = "text"
"""What stands for what it says."""


def texts_found(quads: Sequence[np.ndarray] | np.ndarray, scores: np.ndarray, limit: float) -> PseudoLabel:
    """Regions of a score from `limit` on as texts, the others as what counts neither way; as sure as many are texts.

    Args:
        quads: corners (P, 2) of each, in pixels.
        scores: (N,), 0 to 1.
    """
    sure = np.asarray(scores) >= limit
    outlines = tuple(
        Outline(tuple((float(x), float(y)) for x, y in points), TRANSCRIPTION, not is_sure)
        for points, is_sure in zip(quads, sure.tolist(), strict=True)
    )
    return PseudoLabel(outlines, float(sure.mean()) if len(sure) else 0.5)
