"""Very long lines: they are cut where nothing is written, and read piece by piece."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from plx_train.vision.bounds import check_seen

SMALLEST_SCALE = 0.5
"""Lines that would be squeezed to less are read in pieces."""
SEEN_HEIGHT = 48
"""Pixels at which networks see lines."""
PIECE_RATIO = 40
"""Length of a piece in heights of the line, about."""
SEARCH_RATIO = 8
"""Heights within which the widest gap is looked for, to each side of where a piece should end."""
SPACE_RATIO = 0.2
"""Gaps wider than so many heights stand between words."""
BLANK_SHARE = 0.1
"""A column is blank whose pixels differ by at most this share of what the line's differ by."""


def is_long_line(image: np.ndarray, ratio: float) -> bool:
    """Whether a network that sees `ratio` heights of a line at most would see this one at less than half its length."""
    return image.shape[1] * SMALLEST_SCALE > image.shape[0] * ratio


def read_in_pieces(image: np.ndarray, read: Callable[[np.ndarray], tuple[str, float]]) -> tuple[str, float]:
    """The text on a line's picture uint8 (H, W, 3), and its score.

    Args:
        read: gives both for a piece; of all pieces together the score is the mean over what was read.

    Raises:
        TooManyPixels: the line is thousands of times as long as it is high.
    """
    height, width = image.shape[:2]
    seen = f"reading a line at a height of {SEEN_HEIGHT} pixels"
    check_seen(SEEN_HEIGHT, SEEN_HEIGHT * width / height, image.shape, seen)
    cuts = cuts_of(image)
    edges = [0, *(column for column, _ in cuts), image.shape[1]]
    spaces = ["", *(" " if is_space else "" for _, is_space in cuts)]
    text, total, count = "", 0.0, 0
    for first, last, space in zip(edges[:-1], edges[1:], spaces, strict=True):
        found, score = read(image[:, first:last])
        text += space + found if text and found else found
        total, count = total + score * len(found), count + len(found)
    return text, total / max(count, 1)


def cuts_of(image: np.ndarray) -> list[tuple[int, bool]]:
    """Columns at which a line's picture uint8 (H, W, 3) is cut, and whether each lies between words."""
    height, width = image.shape[:2]
    spread = np.ptp(image.max(axis=2), axis=0).astype(np.float64)
    is_blank = spread <= BLANK_SHARE * np.percentile(spread, 95)
    cuts: list[tuple[int, bool]] = []
    last = 0
    while width - last > (PIECE_RATIO + SEARCH_RATIO) * height:
        middle = last + PIECE_RATIO * height
        first, end = middle - SEARCH_RATIO * height, middle + SEARCH_RATIO * height
        start, length = _widest(is_blank[first:end])
        # Writing without any gap is cut where least is written.
        column = first + (start + length // 2 if length else int(spread[first:end].argmin()))
        cuts.append((column, length > SPACE_RATIO * height))
        last = column
    return cuts


def _widest(is_blank: np.ndarray) -> tuple[int, int]:
    """Start and length of the longest run of blank columns; a length of 0 where there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_blank.astype(np.int8), [0]))))
    starts, ends = edges[::2], edges[1::2]
    if not starts.size:
        return 0, 0
    widest = int((ends - starts).argmax())
    return int(starts[widest]), int((ends - starts)[widest])
