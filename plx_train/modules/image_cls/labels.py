"""Label files of image classification: PaddleX's ``ClsDataset``, one image a line, ``images/x.jpg 0``.

Where classes are made by turning images, any label file will do: all that is read of a line is the image.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plx_train.data.label_file import LabelFile, separator_hint
from plx_train.vision.labels.classes import MAX_CLASSES, whole_number
from plx_train.vision.samples import LabelledImage

UPRIGHT = 0
QUARTER = 90


@dataclass(frozen=True)
class ClsLabel(LabelledImage[int]):
    """One sample; `truth` is the number of its class.

    Attributes:
        class_name: that class's name.
        turned: degrees by which the picture is turned clockwise before anything else.
    """

    class_name: str
    turned: int | None = None

    @property
    def document(self) -> str:
        """What must not be split between training and held-out samples."""
        # Of turned pages whole documents are held out. Elsewhere numbers count the images of a class, as in
        # shirt_0012.png, and whole classes would be.
        return str(self.image) if self.turned is not None else f"{self.image}/"

    @property
    def key(self) -> Hashable:
        """What two samples share whose pictures are the same."""
        return self.image, self.turned

    def read(self) -> np.ndarray:
        """The picture, turned, uint8 (H, W, 3) BGR.

        Raises:
            ImageError: it can't be read.
        """
        return turn(super().read(), self.turned or UPRIGHT)


def turn(image: np.ndarray, degrees: int) -> np.ndarray:
    """`image` (H, W, 3) turned clockwise by a multiple of 90 degrees."""
    return np.ascontiguousarray(np.rot90(image, -(degrees // QUARTER)))


def read_samples(path: Path, root: Path, classes: Sequence[str] | None) -> tuple[list[ClsLabel], LabelFile]:
    """The samples of a label file, in its order.

    Args:
        classes: names by number; None: every number is a class and its name. No image is opened.
    """
    file = LabelFile(path, root)
    samples = []
    for line, text in file.lines():
        name, number_text = _fields(text)
        number = whole_number(number_text)
        if not name:
            reason = f"the line is not an image path, a space and a class number{separator_hint(text)}"
            file.add(line, "error", "no-label", reason)
            continue
        image = file.image(name, line)
        if number is None:
            reason = f"{number_text[:40]!r} is no class number (0, 1, 2 …); names stand in label.txt"
            file.add(line, "error", "label-not-a-number", reason)
        elif number >= (MAX_CLASSES if classes is None else len(classes)):
            known = f"label.txt ends with {len(classes) - 1}" if classes else "count the classes from 0"
            file.add(line, "error", "label-unknown", f"there is no class {number}: {known}")
        elif image is not None:
            if " " in name:
                file.add(line, "warning", "space-in-path", f"PaddleX reads no path with a space in it: {name}")
            class_name = classes[number] if classes else str(number)
            samples.append(ClsLabel(image, number, f"{file.name}:{line}", class_name))
    return samples, file


def read_images(path: Path, root: Path) -> tuple[list[ClsLabel], LabelFile]:
    """The images of a label file of any kind, each once, as samples of class 0 that are not turned."""
    file = LabelFile(path, root)
    samples: dict[Path, ClsLabel] = {}
    for line, text in file.lines():
        name = text.partition("\t")[0] if "\t" in text else _fields(text)[0] or text.strip()
        image = file.image(name, line)
        if image is not None:
            samples.setdefault(image, ClsLabel(image, 0, f"{file.name}:{line}", "", UPRIGHT))
    return list(samples.values()), file


def turned_samples(images: Sequence[ClsLabel], rotations: Sequence[int], names: Sequence[str]) -> list[ClsLabel]:
    """Each image once per angle; the angle's place is the class."""
    return [
        ClsLabel(image.image, place, image.where, names[place], degrees)
        for image in images
        for place, degrees in enumerate(rotations)
    ]


def _fields(text: str) -> tuple[str, str]:
    """Image path and class number, parted by the last tab or space; the first is empty where there is no such."""
    text = text.strip()
    place = max(text.rfind(" "), text.rfind("\t"))
    return (text[:place].rstrip(), text[place + 1 :]) if place >= 0 else ("", text)
