"""COCO: a JSON file for each split, with the images, their boxes, and the classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from pathlib import PurePosixPath
from typing import Any

from plx_train.contract.truth import Outline, Truth
from plx_train.data.classes import listed
from plx_train.data.formats.dataset_format import TRAIN, Annotation, Annotations, DataFolder, DatasetFormat
from plx_train.data.formats.folders import SPLIT_NAMES
from plx_train.data.formats.json_files import json_files
from plx_train.data.formats.parsed_json import corners, number, text_of
from plx_train.data.formats.tree import ImageTree

KEYS = ("images", "annotations", "categories")


class Coco(DatasetFormat):
    """Boxes of objects; which split a file is of, its name or folder says."""

    name = "coco"
    title = "COCO's JSON files"
    truths = frozenset({Truth.BOXES})

    def sign(self, folder: DataFolder) -> str | None:
        """A JSON file with images, annotations and categories."""
        for file, _ in _files(folder, None):
            return f"{file} is one"
        return None

    def read(self, folder: DataFolder) -> Annotations:
        """One annotation per image."""
        found, tree = Annotations(Truth.BOXES), ImageTree(folder.root, folder.suffixes)
        files = list(_files(folder, found))
        for file, content in files:
            split = split_of(file) if len(files) > 1 else TRAIN
            found.splits.setdefault(split, []).extend(annotations_of(content, file, tree, found))
        return found


def is_coco(content: Any) -> bool:
    """Whether a value of JSON is such a file."""
    return isinstance(content, dict) and all(isinstance(content.get(key), list) for key in KEYS)


def _files(folder: DataFolder, found: Annotations | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """COCO's files by their names; where `found` is given, others are told."""
    for file, content in json_files(folder, found):
        if is_coco(content):
            yield file, content
        elif found is not None:
            found.add(file, 0, "other-json", "the file is not COCO's, and is left out", is_error=False)


def split_of(file: str) -> str:
    """The split that a file's name or a folder's tells, as in ``instances_val2017.json`` or ``valid/_annotations``."""
    path = PurePosixPath(file)
    words = "".join(letter if letter.isalpha() else " " for letter in path.stem.lower()).split()
    named = [*words, *(part.lower() for part in path.parts[-2::-1])]
    return next((SPLIT_NAMES[word] for word in named if word in SPLIT_NAMES), TRAIN)


def annotations_of(content: dict[str, Any], file: str, tree: ImageTree, found: Annotations) -> Iterator[Annotation]:
    """The images of a file with their boxes; what is wrong is told to `found`.

    Args:
        file: relative to the dataset's folder.
    """
    names = {
        each["id"]: each["name"]
        for each in content["categories"]
        if isinstance(each, dict) and isinstance(each.get("id"), int | str) and text_of(each.get("name"))
    }
    ordered = [names[key] for key in sorted(names, key=lambda key: (isinstance(key, str), key))]
    found.labels = tuple(dict.fromkeys((*found.labels, *ordered)))
    rows: dict[Hashable, list[dict[str, Any]]] = defaultdict(list)
    for row in content["annotations"]:
        if isinstance(row, dict) and isinstance(row.get("image_id"), int | str):
            rows[row["image_id"]].append(row)
    missing = []
    for place, entry in enumerate(content["images"], 1):
        name = text_of(entry.get("file_name")) if isinstance(entry, dict) else ""
        image = tree.find(name, file.rpartition("/")[0]) if name else None
        if image is None:
            missing.append(name or f"image {place}")
            continue
        key = entry.get("id")
        own = rows.get(key, []) if isinstance(key, int | str) else []
        yield Annotation(image, tuple(_outlines(own, names, place, file, found)), file, place)
    if missing:
        reason = f"{len(missing)} images are not in the dataset's folder, or not there alone: {listed(missing)}"
        found.add(file, 0, "image-missing", reason)


def _outlines(
    rows: list[dict[str, Any]], names: dict[Hashable, str], place: int, file: str, found: Annotations
) -> Iterator[Outline]:
    for row in rows:
        given = row.get("bbox")
        values = [number(value) for value in given] if isinstance(given, list) and len(given) == 4 else [None]
        name = names.get(row["category_id"]) if isinstance(row.get("category_id"), int | str) else None
        if None in values:
            found.add(file, place, "box-invalid", f"bbox is not x, y, width and height: {str(given)[:60]}")
        elif name is None:
            found.add(file, place, "unknown-class", f"category {str(row.get('category_id'))[:40]} is not listed")
        else:
            left, top, width, height = (float(value or 0) for value in values)
            is_ignored = bool(row.get("iscrowd") or row.get("ignore"))
            yield Outline(corners(left, top, left + width, top + height), name, is_ignored)
