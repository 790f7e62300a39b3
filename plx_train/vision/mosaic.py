"""Where the parts of a mosaic lie."""

from __future__ import annotations

import numpy as np

CENTRES = (0.3, 0.7)
"""Range of the point at which four parts meet, as a share of the sides."""

Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


def drawn_centre(size: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """The x, y at which the parts of a picture of `size` (width, height) meet."""
    x, y = (round(side * rng.uniform(*CENTRES)) for side in size)
    return x, y


def quarters(size: tuple[int, int], centre: tuple[int, int]) -> tuple[Rectangle, ...]:
    """The four parts of a picture of `size` (width, height): upper left, upper right, lower left, lower right."""
    (width, height), (x, y) = size, centre
    return (0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)
