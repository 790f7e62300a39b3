"""Transparent pixels, laid on white."""

from __future__ import annotations

import numpy as np

from plx_train.vision.codecs.levels import ROWS


def on_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """`colour` uint8 (H, W, C) as far as `alpha` uint8 (H, W) lets it show, the rest white; opaque pixels stay."""
    if alpha.min(initial=255) == 255:
        return colour
    out = np.empty_like(colour)
    for top in range(0, len(colour), ROWS):
        rows = slice(top, top + ROWS)
        share = alpha[rows, :, None].astype(np.uint16)
        mixed = colour[rows] * share + 255 * (255 - share)
        out[rows] = (mixed + 127) // 255
    return out
