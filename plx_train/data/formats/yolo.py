"""YOLO: a text file beside each image, a class and a box a line, and names in ``data.yaml`` or ``classes.txt``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from plx_train.contract.truth import Outline, Truth
from plx_train.data.formats.coco import split_of
from plx_train.data.formats.dataset_format import TRAIN, Annotation, Annotations, DataFolder, DatasetFormat
from plx_train.data.formats.folders import SPLIT_NAMES
from plx_train.data.formats.parsed_json import corners
from plx_train.data.formats.tree import ImageTree
from plx_train.ground.errors import UserError
from plx_train.ground.files import read_limited
from plx_train.ground.foreign_yaml import parsed_yaml

LOOKED_AT = 50
MAX_BYTES = 1 << 20
NAME_FILES = ("classes.txt", "obj.names")
IMAGES, LABELS = "images", "labels"
"""Folders that differ by this alone hold images and their boxes."""


class Yolo(DatasetFormat):
    """Boxes by centre and sides as shares of the image; of outlines the box around them."""

    name = "yolo"
    title = "YOLO's text files"
    truths = frozenset({Truth.BOXES})

    def sign(self, folder: DataFolder) -> str | None:
        """Names of classes, and a text file of an image with five numbers a line."""
        names = _names(folder)
        if names is None:
            return None
        tree = ImageTree(folder.root, folder.suffixes)
        for image in tree.images[:LOOKED_AT]:
            path = folder.root / label_file(image)
            if path.is_file() and all(_row(line) for line in _lines(path) or () if line.strip()):
                return f"{names[0]} names classes and {label_file(image)} holds boxes"
        return None

    def read(self, folder: DataFolder) -> Annotations:
        """One annotation per image with a text file, which may be empty."""
        found, tree = Annotations(Truth.BOXES), ImageTree(folder.root, folder.suffixes)
        named = _names(folder)
        if named is None:
            reason = "no data.yaml or classes.txt says what the classes are called"
            found.add(folder.root.name, 0, "label-file-missing", reason)
            return found
        found.labels = tuple(dict.fromkeys(named[1][number] for number in sorted(named[1])))
        splits = _splits(folder, tree)
        for image in tree.images:
            file = label_file(image)
            path = folder.root / file
            if not path.is_file():
                continue
            outlines = tuple(_outlines(folder, (image, file), named[1], found))
            found.splits.setdefault(splits.get(image, TRAIN), []).append(Annotation(image, outlines, file))
        return found


def label_file(image: str) -> str:
    """The text file of an image: in ``labels/`` where that is in ``images/``, else beside it."""
    path = PurePosixPath(image)
    parts = list(path.parts)
    places = [place for place, part in enumerate(parts[:-1]) if part.lower() == IMAGES]
    if places:
        parts[places[-1]] = LABELS
    return str(PurePosixPath(*parts).with_suffix(".txt"))


def _names(folder: DataFolder) -> tuple[str, dict[int, str]] | None:
    """The file that names the classes, and their names by number."""
    for path in folder.files:
        file = path.relative_to(folder.root).as_posix()
        if path.suffix.lower() in (".yaml", ".yml") and (given := _names_in(_yaml(path))):
            return file, given
        if path.name in NAME_FILES:
            lines = [line.strip() for line in _lines(path) or ()]
            while lines and not lines[-1]:
                lines.pop()
            if lines:
                return file, dict(enumerate(lines))
    return None


def _yaml(path: Path) -> Any:
    try:
        return parsed_yaml(read_limited(path, MAX_BYTES).decode("utf-8-sig"))
    except (OSError, ValueError):
        return None


def _names_in(content: Any) -> dict[int, str]:
    given = content.get("names") if isinstance(content, dict) else None
    if isinstance(given, list):
        return {number: str(name) for number, name in enumerate(given)}
    if isinstance(given, dict) and all(str(number).isdigit() for number in given):
        return {int(number): str(name) for number, name in given.items()}
    return {}


def _splits(folder: DataFolder, tree: ImageTree) -> dict[str, str]:
    """The split of each image: as ``data.yaml`` says, else as folders are called."""
    found = {image: split_of(f"{image.rpartition('/')[0]}/_") for image in tree.images}
    for path in folder.files:
        content = _yaml(path) if path.suffix.lower() in (".yaml", ".yml") else None
        if not isinstance(content, dict) or not _names_in(content):
            continue
        for key, split in SPLIT_NAMES.items():
            places = content.get(key)
            for place in places if isinstance(places, list) else [places]:
                for image in _images_at(folder, tree, place):
                    found[image] = split
    return found


def _images_at(folder: DataFolder, tree: ImageTree, place: Any) -> list[str]:
    """The images in a folder, or in a list of images, that ``data.yaml`` names; as much of its path as is there."""
    path = place.replace("\\", "/") if isinstance(place, str) else ""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    for start in range(len(parts)):
        end = "/".join(parts[start:])
        if (folder.root / end).is_dir():
            return [image for image in tree.images if image.startswith(f"{end}/")]
        if end.endswith(".txt") and (folder.root / end).is_file():
            lines = (tree.find(line.strip()) for line in _lines(folder.root / end) or () if line.strip())
            return [image for image in lines if image]
    return []


def _lines(path: Path) -> list[str] | None:
    try:
        return read_limited(path, MAX_BYTES).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return None


def _row(line: str) -> tuple[int, list[float]] | None:
    """Class and numbers of a line; None where it is none."""
    words = line.split()
    try:
        numbers = [float(word) for word in words[1:]]
        number = int(words[0])
    except (ValueError, IndexError):
        return None
    is_box, is_outline = len(numbers) in (4, 5), len(numbers) >= 6 and len(numbers) % 2 == 0
    is_share = all(-0.5 <= each <= 1.5 for each in numbers)
    return (number, numbers) if number >= 0 and is_share and (is_box or is_outline) else None


def _outlines(
    folder: DataFolder, files: tuple[str, str], names: dict[int, str], found: Annotations
) -> Iterator[Outline]:
    image, file = files
    lines = _lines(folder.root / file)
    if lines is None:
        found.add(file, 0, "label-file-unreadable", "the file can't be read as a text of UTF-8")
        return
    rows = [(place, line, _row(line)) for place, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        return
    try:
        height, width = folder.size_of(folder.root / image)
    except UserError:
        return  # told by the check, with the image
    for place, line, row in rows:
        if row is None:
            reason = f"the line is not a class and a box in shares of the image: {line.strip()[:60]!r}"
            found.add(file, place, "line-invalid", reason)
        elif row[0] not in names:
            found.add(file, place, "unknown-class", f"class {row[0]} has no name: {len(names)} are named")
        else:
            left, top, right, bottom = _box(row[1])
            marked = corners(left * width, top * height, right * width, bottom * height)
            yield Outline(marked, names[row[0]])


def _box(numbers: list[float]) -> tuple[float, float, float, float]:
    if len(numbers) in (4, 5):
        x, y, width, height = numbers[:4]
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    return min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])
