"""What is known of an image of a dataset, whatever the format that said it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

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
class Outline:
    """Something marked in an image.

    Attributes:
        points: corners x, y in pixels; of a box its four, clockwise from the top left.
        label: a text, or the name of a class.
        is_ignored: it counts neither way.
    """

    points: tuple[tuple[float, float], ...]
    label: str
    is_ignored: bool = False
