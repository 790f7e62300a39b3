"""Pictures of the class of each pixel: an image tinted in the classes' colours, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from plx_train.vision.draw import FALSE, draw_captions
from plx_train.vision.masks import UNCOUNTED

TINT = 0.55
"""Strength of the colours over the image."""
LISTED = 12
"""Classes that are named under a picture, those of most pixels first."""
FAINT = 0.35
"""Brightness of pixels that count neither way."""


def colours(count: int) -> np.ndarray:
    """The colour of each class, uint8 (count, 3) RGB: black, then those by which PaddleX and VOC tell classes apart."""
    found = np.zeros((count, 3), np.uint8)
    for number in range(count):
        rest = number
        for place in range(8):
            for channel in range(3):
                found[number, channel] |= ((rest >> channel) & 1) << (7 - place)
            rest >>= 3
    return found


def draw_mask(image: np.ndarray, mask: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """`image` uint8 (H, W, 3) BGR tinted by `mask` uint8 (H, W), with the names of the classes under it."""
    counts = np.bincount(mask.ravel(), minlength=256)[: len(names)]
    shown = [int(number) for number in np.argsort(-counts, kind="stable")[:LISTED] if counts[number]]
    table = colours(len(names))
    lines = [(f"{counts[n] / mask.size:6.1%}  {names[n]}", tuple(map(int, table[n]))) for n in shown]
    return draw_captions(tinted(image, mask, len(names)), [(text, (r, g, b)) for text, (r, g, b) in lines])


def tinted(image: np.ndarray, mask: np.ndarray, count: int) -> np.ndarray:
    """`image` uint8 (H, W, 3) BGR in the colours of the classes; class 0 as it is, what does not count dark."""
    table = np.zeros((256, 3), np.uint8)
    table[:count] = colours(count)[:, ::-1]
    mixed = cv2.addWeighted(table[mask], TINT, image, 1 - TINT, 0)
    mixed[mask == 0] = image[mask == 0]
    mixed[mask == UNCOUNTED] = (image[mask == UNCOUNTED] * FAINT).astype(np.uint8)
    return mixed


def draw_overlay(image: np.ndarray, found: np.ndarray, truth: np.ndarray | None, names: Sequence[str]) -> np.ndarray:
    """`image` tinted by what is `found`; with `truth`, the wrong pixels are red."""
    picture = tinted(image, found, len(names))
    if truth is not None:
        wrong = (truth != found) & (truth != UNCOUNTED)
        picture[wrong] = (0.3 * image[wrong] + 0.7 * np.asarray(FALSE)).astype(np.uint8)
    return picture
