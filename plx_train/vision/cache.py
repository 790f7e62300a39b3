"""Decoded images of a training split, kept as far as there is room."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np


class ImageCache:
    """Keeps the first images that fit; a copy in another process begins empty.

    Every epoch has an order of its own, so an image is as likely to be asked for as any other: dropping one for
    another gains nothing, and those asked for last are the ones asked for again latest.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self._images: dict[Hashable, np.ndarray] = {}

    def get(self, key: Hashable, read: Callable[[], np.ndarray]) -> np.ndarray:
        """The image of this key, from `read` where it is not kept; nobody may write into it."""
        kept = self._images.get(key)
        if kept is not None:
            return kept
        image = read()
        if self.num_bytes + image.nbytes <= self.max_bytes:
            self._images[key] = image
            self.num_bytes += image.nbytes
        return image

    def __reduce__(self) -> tuple[type[ImageCache], tuple[int]]:
        return ImageCache, (self.max_bytes,)
