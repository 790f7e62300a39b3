"""Label files of image classification: PaddleX's ``ClsDataset``, one image a line, ``images/x.jpg 0``.

Where classes are made by turning images, any label file will do: all that is read of a line is the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plx_train.data.label_file import LabelFile
from plx_train.vision.image import read_image

UPRIGHT = 0
QUARTER = 90
MAX_CLASSES = 100_000


@dataclass(frozen=True)
class ClsLabel:
    """One sample.

    Attributes:
        image: absolute path.
        labels: number of its class.
        class_name: that class's name.
        where: its line, as ``train.txt:12``.
        turned: degrees by which the picture is turned clockwise before anything else.
    """

    image: Path
    labels: int
    class_name: str
    where: str
    turned: int | None = None

    @property
    def document(self) -> str:
        """What must not be split between training and held-out samples."""
        # Of turned pages whole documents are held out. Elsewhere numbers count the images of a class, as in
        # shirt_0012.png, and whole classes would be.
        return str(self.image) if self.turned is not None else f"{self.image}/"

    def read(self) -> np.ndarray:
        """The picture, turned, uint8 (H, W, 3) BGR.

        Raises:
            ImageError: it can't be read.
        """
        return turn(read_image(self.image), self.turned or UPRIGHT)


def turn(image: np.ndarray, degrees: int) -> np.ndarray:
    """`image` (H, W, 3) turned clockwise by a multiple of 90 degrees."""
    return np.ascontiguousarray(np.rot90(image, -(degrees // QUARTER)))


def read_classes(path: Path, root: Path) -> tuple[list[str] | None, LabelFile]:
    """Names of the classes by number, from ``label.txt``; None where there is no such file.

    Numbers that it leaves out are their own names.
    """
    file = LabelFile(path, root)
    if not path.is_file():
        return None, file
    names: dict[int, str] = {}
    first: dict[str, int] = {}
    for line, text in file.lines():
        number_text, _, name = text.strip().partition(" ")
        number, name = _whole(number_text), name.strip()
        if number is None or not name:
            reason = f"the line is not a class number, a space and a name: {text.strip()[:60]!r}"
            file.add(line, "error", "class-line-invalid", reason)
        elif number >= MAX_CLASSES:
            file.add(line, "error", "class-number-too-large", f"class {number}: count the classes from 0")
        elif number in names:
            file.add(line, "error", "class-twice", f"class {number} has the name {names[number]!r} already")
        else:
            names[number] = name
            if first.setdefault(name, line) != line:
                file.add(line, "warning", "class-name-twice", f"the name {name!r} is in line {first[name]} already")
    missing = sorted(set(range(max(names, default=-1) + 1)) - set(names))
    if missing:
        file.add(0, "warning", "class-missing", f"classes {_listed(missing)} have no name")
    return [names.get(number, str(number)) for number in range(max(names, default=-1) + 1)], file


def read_samples(path: Path, root: Path, classes: Sequence[str] | None) -> tuple[list[ClsLabel], LabelFile]:
    """The samples of a label file, in its order.

    Args:
        classes: names by number; None: every number is a class and its name. No image is opened.
    """
    file = LabelFile(path, root)
    samples = []
    for line, text in file.lines():
        name, number_text = _fields(text)
        number = _whole(number_text)
        if not name:
            file.add(line, "error", "no-label", "the line is not an image path, a space and a class number")
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
            samples.append(ClsLabel(image, number, class_name, f"{file.name}:{line}"))
    return samples, file


def read_images(path: Path, root: Path) -> tuple[list[ClsLabel], LabelFile]:
    """The images of a label file of any kind, each once, as samples of class 0 that are not turned."""
    file = LabelFile(path, root)
    samples: dict[Path, ClsLabel] = {}
    for line, text in file.lines():
        name = text.partition("\t")[0] if "\t" in text else _fields(text)[0] or text.strip()
        image = file.image(name, line)
        if image is not None:
            samples.setdefault(image, ClsLabel(image, 0, "", f"{file.name}:{line}", UPRIGHT))
    return list(samples.values()), file


def turned_samples(images: Sequence[ClsLabel], rotations: Sequence[int], names: Sequence[str]) -> list[ClsLabel]:
    """Each image once per angle; the angle's place is the class."""
    return [
        ClsLabel(image.image, place, names[place], image.where, degrees)
        for image in images
        for place, degrees in enumerate(rotations)
    ]


def _fields(text: str) -> tuple[str, str]:
    """Image path and class number, parted by the last tab or space; the first is empty where there is no such."""
    text = text.strip()
    place = max(text.rfind(" "), text.rfind("\t"))
    return (text[:place].rstrip(), text[place + 1 :]) if place >= 0 else ("", text)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _listed(numbers: Sequence[int], limit: int = 10) -> str:
    more = f" and {len(numbers) - limit} more" if len(numbers) > limit else ""
    return ", ".join(map(str, numbers[:limit])) + more
