"""Boxes of objects from a COCO file, as PaddleX's ``COCODetDataset`` has it; no image is opened."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract.check import Finding
from plx_train.data.classes import listed
from plx_train.data.formats.coco_file import FOLDER, FROM_ROOT
from plx_train.data.formats.coco_rows import Rows, categories_of, corners_of, is_id, rows_of_images
from plx_train.data.formats.parsed_json import JsonFault, read_json
from plx_train.data.label_file import ABSOLUTE, LabelFile
from plx_train.vision.check import ImageData
from plx_train.vision.objects import Objects
from plx_train.vision.samples import LabelledImage

LabelledObjects = LabelledImage[Objects]
NO_OBJECTS = Objects(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, bool))


def read_categories(path: Path) -> tuple[str, ...] | None:
    """Names of the classes in the order of their numbers; None where the file does not say."""
    try:
        content = read_json(path)
    except JsonFault:
        return None
    known = categories_of(content if isinstance(content, dict) else {})
    return tuple(name for _, name in known) or None


def read_coco(path: Path, root: Path, names: Sequence[str] | None) -> tuple[list[LabelledObjects], list[Finding]]:
    """The images of a COCO file with their objects, in its order.

    A finding's line is the place of the image among ``images``, counted from 1.

    Args:
        root: the dataset's folder, or its ``images``: where ``file_name`` is looked for.
        names: the classes by number; None: those of the file.
    """
    file = LabelFile(path, root)
    try:
        content = read_json(path)
    except JsonFault as fault:
        file.add(0, "error", "label-file-unreadable", f"{path.name} {fault}")
        return [], file.findings
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        file.add(0, "error", "not-coco", "it is no COCO file: it lacks the list images")
        return [], file.findings
    categories = categories_of(content)
    if not categories:
        file.add(0, "error", "no-categories", "it is no COCO file: it lacks the list categories, with id and name each")
        return [], file.findings
    numbers = _class_numbers(file, categories, names)
    rows = _rows_by_image(file, content)
    samples, seen = [], set()
    for place, entry in enumerate(content["images"], 1):
        sample = _sample(file, place, entry, rows, numbers)
        if sample is not None:
            seen.add(entry["id"])
            samples.append(sample)
    orphans = [key for key in rows if key not in seen]
    if orphans:
        reason = f"annotations name images that are not listed: ids {listed(orphans)}"
        file.add(0, "warning", "unknown-image", reason)
    return samples, file.findings


def _class_numbers(
    file: LabelFile, categories: list[tuple[Hashable, str]], names: Sequence[str] | None
) -> dict[Hashable, int]:
    """The classes' numbers by the ids of the file; unknown ones are left out."""
    own = [name for _, name in categories]
    if twice := sorted({name for name in own if own.count(name) > 1}):
        file.add(0, "error", "class-twice", f"categories of the same name: {listed(twice)}")
    known = {name: place for place, name in enumerate(names or own)}
    others = [name for name in own if name not in known]
    if others:
        reason = f"categories that the training split does not have: {listed(others)}"
        file.add(0, "error", "other-classes", reason)
    lacking = [name for name in known if name not in own]
    if lacking:
        file.add(0, "warning", "class-missing", f"categories of the training split that are missing: {listed(lacking)}")
    return {key: known[name] for key, name in categories if name in known}


def _rows_by_image(file: LabelFile, content: dict[str, Any]) -> Rows:
    if not isinstance(content.get("annotations"), list):
        file.add(0, "error", "not-coco", "it is no COCO file: it lacks the list annotations")
        return {}
    found, num_odd = rows_of_images(content)
    if num_odd:
        file.add(0, "error", "annotation-invalid", f"{num_odd} annotations name no image_id")
    return found


def _sample(
    file: LabelFile,
    place: int,
    entry: Any,
    rows: Rows,
    numbers: dict[Hashable, int],
) -> LabelledObjects | None:
    if not isinstance(entry, dict) or not is_id(entry.get("id")):
        file.add(place, "error", "image-invalid", "the image has no id")
        return None
    name = entry.get("file_name")
    if not isinstance(name, str):
        file.add(place, "error", "no-image-path", f"image {entry['id']} has no file_name")
        return None
    image = file.image(where_it_lies(file.root, name), place)
    objects = _objects(file, place, rows.get(entry["id"], []), numbers)
    return None if image is None else LabelledImage(image, objects, f"{file.name}:{place}")


def where_it_lies(root: Path, name: str) -> str:
    """An image's path in the dataset's folder, by its name in a COCO file.

    PaddleX names images relative to ``images/``; other writers, and we with ``./``, to the dataset's folder.
    """
    is_whole = name.startswith((FOLDER, FROM_ROOT)) or ABSOLUTE.match(name) or not (root / "images").is_dir()
    return name if is_whole else f"images/{name}"


def _objects(file: LabelFile, place: int, rows: list[dict[str, Any]], numbers: dict[Hashable, int]) -> Objects:
    boxes, classes, crowds = [], [], []
    for row in rows:
        box = corners_of(row.get("bbox"))
        if box is None:
            reason = f"annotation {row.get('id')}: bbox is not x, y, width and height: {str(row.get('bbox'))[:60]}"
            file.add(place, "error", "box-invalid", reason)
        elif not is_id(row.get("category_id")) or row["category_id"] not in numbers:
            reason = (
                f"annotation {row.get('id')} is of category {str(row.get('category_id'))[:40]}, which is not listed"
            )
            file.add(place, "error", "unknown-class", reason)
        elif box[2] <= box[0] or box[3] <= box[1]:
            file.add(place, "warning", "box-empty", f"annotation {row.get('id')}: the box has no area; it is left out")
        else:
            boxes.append(box)
            classes.append(numbers[row["category_id"]])
            crowds.append(bool(row.get("iscrowd") or row.get("ignore")))
    if not boxes:
        return NO_OBJECTS
    return Objects(np.asarray(boxes, np.float32), np.asarray(classes, np.int64), np.asarray(crowds, bool))


def renumbered(data: ImageData[LabelledObjects], labels: Sequence[str]) -> ImageData[LabelledObjects]:
    """The dataset with the numbers that `labels` give its classes; boxes of others are findings, and left out."""
    names = data.classes
    if names is None or tuple(names) == tuple(labels) or not labels:
        return data
    known = {name: number for number, name in enumerate(labels)}
    numbers = np.asarray([known.get(name, -1) for name in names], np.int64)
    others = [name for name in names if name not in known]
    findings = data.findings
    if others:
        reason = f"classes that the model does not know, whose boxes are left out: {listed(others)}"
        findings = (*findings, Finding(data.val.file, 0, "error", "other-classes", reason))
    train, val = (
        replace(split, samples=[replace(one, truth=_numbered(one.truth, numbers)) for one in split.samples])
        for split in (data.train, data.val)
    )
    return replace(data, train=train, val=val, classes=tuple(labels), findings=findings)


def _numbered(truth: Objects, numbers: np.ndarray) -> Objects:
    classes = numbers[truth.classes]
    kept = classes >= 0
    return Objects(truth.boxes[kept], classes[kept], truth.is_crowd[kept])
