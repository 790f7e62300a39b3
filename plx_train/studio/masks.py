"""The class of each pixel of an image, from outlines and run lengths that a check read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from plx_train.data.formats.lines import BACKGROUND, is_background
from plx_train.data.formats.parsed_json import points
from plx_train.data.formats.run_lengths import runs_of
from plx_train.ground.errors import UserError
from plx_train.studio.images import ImageList, ImageRow
from plx_train.studio.thumbnails import Tint
from plx_train.vision.labels.masks import Drawn, Mask
from plx_train.vision.masks import UNCOUNTED

KIND = "masks"


def tint_of(images: ImageList, row: ImageRow) -> Tint | None:
    """The colours of what an image is taken to show; None where that is not said pixel by pixel."""
    truth = row.truth
    if images.kind != KIND or not truth:
        return None
    classes = classes_of(images)
    return Tint(truth, len(classes), lambda shape: of_outlines(truth, classes, shape))


def classes_of(images: ImageList) -> tuple[str, ...]:
    """Names of the classes by number; where the data have none, the background alone."""
    return tuple(images.classes) or (BACKGROUND,)


def of_outlines(truth: Iterable[Mapping[str, Any]], classes: Sequence[str], shape: tuple[int, int]) -> np.ndarray:
    """Numbers of classes uint8 (H, W) of outlines, as corrections have them; later ones lie on earlier ones.

    Raises:
        UserError: they are of an image of another size, or of no class.
    """
    marked: list[Drawn] = []
    for each in truth:
        label, runs, corners = str(each.get("label")), runs_of(each), points(each.get("points"))
        if runs is not None and runs.size != shape:
            raise UserError("what is marked is of {} x {} pixels, its image {} x {}".format(*_sides(runs.size, shape)))
        if not each.get("ignored") and label not in classes and not is_background(label):
            raise UserError(f"{label[:80]} is no class of the data")
        number = UNCOUNTED if each.get("ignored") else classes.index(label) if label in classes else 0
        if runs is not None:
            marked.append((number, runs))
        elif corners:
            marked.append((number, corners))
    return Mask(outlines=tuple(marked)).of(shape)


def _sides(size: tuple[int, int], shape: tuple[int, int]) -> tuple[int, ...]:
    """Width and height of both."""
    return (*size[::-1], *shape[::-1])
