"""COCO: a JSON file for each split, with the images, their boxes, and the classes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from pathlib import PurePosixPath
from typing import Any

from plx_train.contract.truth import Outline, Truth
from plx_train.data.classes import listed
from plx_train.data.formats.coco_rows import Rows, categories_of, corners_of, is_id, polygons_of, rows_of_images
from plx_train.data.formats.dataset_format import TRAIN, Annotation, Annotations, DataFolder, DatasetFormat
from plx_train.data.formats.folders import SPLIT_NAMES
from plx_train.data.formats.json_files import json_files
from plx_train.data.formats.parsed_json import corners, text_of
from plx_train.data.formats.run_lengths import runs_of
from plx_train.data.formats.tree import ImageTree

KEYS = ("images", "annotations", "categories")


class Coco(DatasetFormat):
    """Boxes or outlines of objects; which split a file is of, its name or folder says."""

    name = "coco"
    title = "COCO's JSON files"
    truths = frozenset({Truth.BOXES, Truth.MASKS})

    def sign(self, folder: DataFolder) -> str | None:
        """A JSON file with images, annotations and categories."""
        for file, _ in _files(folder, None):
            return f"{file} is one"
        return None

    def read(self, folder: DataFolder) -> Annotations:
        """One annotation per image."""
        found, tree = Annotations(folder.truth), ImageTree(folder.root, folder.suffixes)
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
    """The images of a file with their boxes, or outlines where these are wanted; what is wrong is told to `found`.

    Args:
        file: relative to the dataset's folder.
    """
    categories = categories_of(content)
    names = dict(categories)
    found.labels = tuple(dict.fromkeys((*found.labels, *(name for _, name in categories))))
    rows, num_odd = rows_of_images(content)
    if num_odd:
        found.add(file, 0, "annotation-invalid", f"{num_odd} annotations name no image_id")
    _tell_orphans(content, rows, file, found)
    missing = []
    for place, entry in enumerate(content["images"], 1):
        name = text_of(entry.get("file_name")) if isinstance(entry, dict) else ""
        image = tree.find(name, file.rpartition("/")[0]) if name else None
        if image is None:
            missing.append(name or f"image {place}")
            continue
        own = rows.get(entry.get("id"), []) if is_id(entry.get("id")) else []
        read = _polygons if found.truth is Truth.MASKS else _outlines
        yield Annotation(image, tuple(read(own, names, place, file, found)), file, place)
    if missing:
        reason = f"{len(missing)} images are not in the dataset's folder, or not there alone: {listed(missing)}"
        found.add(file, 0, "image-missing", reason)


def _tell_orphans(content: dict[str, Any], rows: Rows, file: str, found: Annotations) -> None:
    known = {entry.get("id") for entry in content["images"] if isinstance(entry, dict) and is_id(entry.get("id"))}
    orphans = [key for key in rows if key not in known]
    if orphans:
        reason = f"annotations name images that are not listed: ids {listed(orphans)}"
        found.add(file, 0, "unknown-image", reason, is_error=False)


def _outlines(
    rows: list[dict[str, Any]], names: dict[Hashable, str], place: int, file: str, found: Annotations
) -> Iterator[Outline]:
    for row in rows:
        given = row.get("bbox")
        box = corners_of(given)
        name = names.get(row["category_id"]) if is_id(row.get("category_id")) else None
        if box is None:
            found.add(file, place, "box-invalid", f"bbox is not x, y, width and height: {str(given)[:60]}")
        elif name is None:
            _tell_unknown(row, place, file, found)
        else:
            yield Outline(corners(*box), name, bool(row.get("iscrowd") or row.get("ignore")))


def _tell_unknown(row: dict[str, Any], place: int, file: str, found: Annotations) -> None:
    found.add(file, place, "unknown-class", f"category {str(row.get('category_id'))[:40]} is not listed")


def _polygons(
    rows: list[dict[str, Any]], names: dict[Hashable, str], place: int, file: str, found: Annotations
) -> Iterator[Outline]:
    for row in rows:
        name = names.get(row["category_id"]) if is_id(row.get("category_id")) else None
        given, is_ignored = row.get("segmentation"), bool(row.get("ignore"))
        polygons, runs = polygons_of(given), runs_of(given)
        if name is None:
            _tell_unknown(row, place, file, found)
        elif runs is not None:
            yield Outline((), name, is_ignored, runs)
        elif polygons is None:
            what = "segmentation is no list of polygons, and no run lengths of as many pixels as its size says"
            reason = f"annotation {str(row.get('id'))[:40]}: {what}"
            found.add(file, place, "segmentation-invalid", reason)
        else:
            yield from (Outline(each, name, is_ignored) for each in polygons)
