"""What is known of an image of a dataset, whatever the format that said it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

IGNORED = "###"
"""What stands for the text of an outline that counts neither way, where label files are written."""
IGNORED_TEXTS = (IGNORED, "*")
"""The same, where they are read."""


class Truth(Enum):
    """A kind of truth, as formats give it and rooms read it."""

    CLASS = "one class of each image"
    LABELS = "the labels that hold for each image"
    TEXT = "the text of each image"
    TEXTS = "outlines of texts and what they say"
    BOXES = "boxes of objects with their classes"
    MASKS = "the class of each pixel"
    DEFECT = "whether an image is good, or the kind of its defect, with a mask where there is one"


@dataclass(frozen=True)
class RunLengths:
    """What is marked pixel by pixel.

    Attributes:
        size: height and width of the image.
        lengths: of runs of pixels down the columns, by turns not marked and marked; all pixels together.
    """

    size: tuple[int, int]
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, marked: np.ndarray) -> RunLengths:
        """The runs of the pixels that are marked, bool (H, W)."""
        flat = marked.T.ravel()
        starts = np.flatnonzero(np.diff(flat, prepend=False))
        return cls(marked.shape, tuple(np.diff([0, *starts.tolist(), len(flat)]).tolist()))

    def pixels(self) -> np.ndarray:
        """Whether a pixel is marked, bool (H, W)."""
        height, width = self.size
        return np.repeat(np.arange(len(self.lengths)) % 2 == 1, self.lengths).reshape(width, height).T


@dataclass(frozen=True)
class Outline:
    """Something marked in an image.

    Attributes:
        points: corners x, y in pixels; of a box its four, clockwise from the top left.
        label: a text, or the name of a class.
        is_ignored: it counts neither way.
        runs: where it is marked pixel by pixel; then there are no corners.
    """

    points: tuple[tuple[float, float], ...]
    label: str
    is_ignored: bool = False
    runs: RunLengths | None = None
