"""KnownImage images for an index: from a label file, or from a folder for each label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plx_train.data.label_file import LabelFile
from plx_train.ground.errors import UserError
from plx_train.vision.classifier_options import CLASS_FILE
from plx_train.vision.labels.classes import read_class_file, whole_number
from plx_train.workflow.inputs import find_files


@dataclass(frozen=True)
class KnownImage:
    """An image that an index is to know."""

    path: Path
    label: str


def known_images(source: Path) -> list[KnownImage]:
    """The images that ``input=`` names, with their labels.

    Args:
        source: a label file, an image and its label a line, with names in ``label.txt`` beside it where labels are
            numbers; or a folder with one folder of images for each label.

    Raises:
        UserError: there is none, or a line or a file has no label.
    """
    found = list(_of_folders(source) if source.is_dir() else _of_file(source))
    if not found:
        raise UserError(f"input={source} names no image")
    return found


def _of_folders(source: Path) -> Iterator[KnownImage]:
    for name, path in find_files(source).files.items():
        label, slash, _ = name.partition("/")
        if not slash:
            raise UserError(f"{path} lies in no folder of its own: an index takes its label from the folder's name")
        yield KnownImage(path, label)


def _of_file(source: Path) -> Iterator[KnownImage]:
    root = source.parent
    names, _ = read_class_file(root / CLASS_FILE, root)
    file = LabelFile(source, root)
    for line, text in file.lines():
        text = text.strip()
        place = max(text.rfind(" "), text.rfind("\t"))
        image = file.image(text[:place].rstrip(), line) if place > 0 else None
        if place <= 0:
            file.add(line, "error", "no-label", "the line is not an image path, a space and a label")
        if image is not None:
            label = text[place + 1 :]
            number = whole_number(label)
            yield KnownImage(image, names[number] if names and number is not None and number < len(names) else label)
    errors = [found for found in file.findings if found.level == "error"]
    if errors:
        raise UserError(str(errors[0]))
