"""What pre- and postprocessing of all rooms of images share: what they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.dataset_options import BACKGROUNDS, WHITE
from plx_train.contract.processor import Processor
from plx_train.ground.errors import UserError
from plx_train.vision.image import IMAGE_SUFFIXES, as_image, white_image

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class ImageProcessor(Processor):
    """Pre- and postprocessing of images uint8 (H, W, 3) BGR.

    Attributes:
        background: what transparent pixels of files lie on.
    """

    background: str = field(default=WHITE, kw_only=True)

    @property
    def suffixes(self) -> frozenset[str]:
        """Suffixes of the files that `as_input` reads."""
        return IMAGE_SUFFIXES

    def as_input(self, given: Path | str | np.ndarray) -> np.ndarray:
        """The image in a file, or a given array.

        Raises:
            UserError: it is neither.
        """
        return as_image(given, self.background)

    def reading(self) -> dict[str, Any]:
        """The background, where it is not white."""
        return {} if self.background == WHITE else {"background": self.background}

    def with_reading(self, reading: Mapping[str, Any]) -> Self:
        """The same with the background that `reading` names.

        Raises:
            UserError: there is no such background.
        """
        background = reading.get("background", WHITE)
        if background not in BACKGROUNDS:
            raise UserError(f"the background must be one of {', '.join(BACKGROUNDS)}, not {background!r}")
        return replace(self, background=background)

    def example(self) -> np.ndarray:
        """An image as `preprocess` takes it."""
        return white_image()
