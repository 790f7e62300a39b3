"""Transparent pixels, laid on a background."""

from __future__ import annotations

import numpy as np

from plx_train.contract.dataset_options import BACKGROUNDS
from plx_train.vision.codecs.levels import ROWS


def laid_on(background: str, colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """`colour` uint8 (H, W, C) as far as `alpha` uint8 (H, W) lets it show, the rest background; opaque pixels stay."""
    if alpha.min(initial=255) == 255:
        return colour
    level = BACKGROUNDS[background]
    out = np.empty_like(colour)
    for top in range(0, len(colour), ROWS):
        rows = slice(top, top + ROWS)
        share = alpha[rows, :, None].astype(np.uint16)
        mixed = colour[rows] * share + level * (255 - share)
        out[rows] = (mixed + 127) // 255
    return out
