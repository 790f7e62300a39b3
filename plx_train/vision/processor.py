"""What pre- and postprocessing of all rooms of images share: what they take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plx_train.contract.processor import Processor
from plx_train.vision.image import IMAGE_SUFFIXES, as_image, white_image


@dataclass(frozen=True)
class ImageProcessor(Processor):
    """Pre- and postprocessing of images uint8 (H, W, 3) BGR."""

    @property
    def suffixes(self) -> frozenset[str]:
        """Suffixes of the files that `as_input` reads."""
        return IMAGE_SUFFIXES

    def as_input(self, given: Path | str | np.ndarray) -> np.ndarray:
        """The image in a file, or a given array.

        Raises:
            UserError: it is neither.
        """
        return as_image(given)

    def example(self) -> np.ndarray:
        """An image as `preprocess` takes it."""
        return white_image()
