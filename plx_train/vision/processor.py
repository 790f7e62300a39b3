"""What pre- and postprocessing of all rooms of images share: what they take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.dataset_options import BACKGROUNDS, WHITE
from plx_train.contract.processor import FilePage, Graph, Processor
from plx_train.ground.errors import UserError
from plx_train.vision.image import as_image, white_image
from plx_train.vision.pages import PAGE_SUFFIXES, file_pages, one_picture

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
        return PAGE_SUFFIXES

    def as_input(self, given: Path | str | np.ndarray) -> np.ndarray:
        """The image in a file, or a given array.

        Raises:
            UserError: it is neither, or the file has several pages.
        """
        if isinstance(given, Path | str):
            return one_picture(Path(given), self.background)
        return as_image(given)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """
        Raises:
            TooManyPixels: of an image of this height and width `preprocess` would make too many pixels.
        """

    def shape_settings(self) -> dict[str, Any]:
        """Plain values that `check_shape` depends on."""
        return {}

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

    def pages(self, path: Path) -> Iterator[FilePage | UserError]:
        """All pages of a file as images uint8 (H, W, 3) BGR; an error stands in the place of what can't be read."""
        return file_pages(path, self.background)

    def predict_whole(self, graph: Graph, image: np.ndarray) -> Any:
        """The prediction for one image, which goes through the `graph` alone."""
        values, context = self.preprocess(image)
        assert isinstance(values, np.ndarray)
        return self.postprocess(self.split_outputs(graph(values[None]))[0], context)

    def example(self) -> np.ndarray:
        """An image as `preprocess` takes it."""
        return white_image()
