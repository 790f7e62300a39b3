"""LabelMe: a JSON file beside each image, with shapes, and flags for the image as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plx_train.contract.truth import IGNORED_TEXTS, Outline, Truth
from plx_train.data.formats.dataset_format import TRAIN, Annotation, Annotations, DataFolder, DatasetFormat
from plx_train.data.formats.folders import SPLIT_NAMES
from plx_train.data.formats.json_files import json_files
from plx_train.data.formats.parsed_json import around, corners, points, text_of
from plx_train.data.formats.tree import ImageTree, sort_key

OUTLINED = ("polygon", "rectangle", "oriented_rectangle", "rotation", "quadrilateral", "")
"""Shapes that have an area; ``rotation`` and ``quadrilateral`` are those of programs that write LabelMe's files too."""
IGNORED_CLASS = "__ignore__"
"""What LabelMe's own converters call pixels that count neither way."""


class LabelMe(DatasetFormat):
    """Flags are classes or labels; shapes are texts, objects by the boxes around them, or the class of the pixels."""

    name = "labelme"
    title = "LabelMe's JSON files"
    truths = frozenset({Truth.CLASS, Truth.LABELS, Truth.TEXTS, Truth.BOXES, Truth.MASKS})

    def sign(self, folder: DataFolder) -> str | None:
        """A JSON file with the keys that LabelMe writes, and with what is wanted in it."""
        for file, content in json_files(folder, None):
            if _is_ours(content) and _holds(content, folder.truth):
                return f"{file} is one"
        return None

    def read(self, folder: DataFolder) -> Annotations:
        """One annotation per JSON file."""
        found, tree = Annotations(self.given(folder.truth)), ImageTree(folder.root, folder.suffixes)
        contents = dict(_contents(folder, found))
        if found.truth is Truth.LABELS:
            flags = {name for content in contents.values() for name in _flags(content)}
            found.labels = tuple(sorted(flags, key=sort_key))
        for file, content in contents.items():
            image = _image(file, content, tree, found)
            truth = _truth(file, content, found) if image else None
            if image and truth is not None:
                found.splits.setdefault(_split_of(file), []).append(Annotation(image, truth, file))
        return found


def _is_ours(content: Any) -> bool:
    is_one = isinstance(content, dict) and "imagePath" in content
    return is_one and (isinstance(content.get("shapes"), list) or isinstance(content.get("flags"), dict))


def _holds(content: dict[str, Any], truth: Truth) -> bool:
    """Whether a file holds what is wanted; one where nothing was marked yet does not say."""
    if truth in (Truth.CLASS, Truth.LABELS):
        return bool(_flags(content))
    shapes = content.get("shapes")
    return isinstance(shapes, list) and any(isinstance(shape, dict) for shape in shapes)


def _contents(folder: DataFolder, found: Annotations) -> Iterator[tuple[str, dict[str, Any]]]:
    """LabelMe's files by their names; others are passed over, and told."""
    for file, content in json_files(folder, found):
        if _is_ours(content):
            # Whole images in base64 are not kept.
            yield file, content | {"imageData": bool(content.get("imageData"))}
        else:
            found.add(file, 0, "other-json", "the file is not LabelMe's, and is left out", is_error=False)


def _split_of(file: str) -> str:
    """The split that a folder's name tells, or the one of all."""
    names = (SPLIT_NAMES.get(part.lower()) for part in file.split("/")[:-1])
    return next((split for split in names if split), TRAIN)


def _image(file: str, content: dict[str, Any], tree: ImageTree, found: Annotations) -> str | None:
    beside = file.rpartition("/")[0]
    given = text_of(content.get("imagePath"))
    stem = file.rpartition("/")[2].rpartition(".")[0]
    # Files are renamed in pairs, and their content stays as it was: before images elsewhere, the pair's counts.
    image = tree.beside(given, beside) or _of_pair(stem, beside, tree) or tree.find(given, beside)
    if image is None:
        advice = ": save the image, which is in it as imageData, as a file" if content.get("imageData") else ""
        reason = f"there is no image {given or stem} for it in the dataset's folder{advice}"
        found.add(file, 0, "image-missing", reason)
    return image


def _of_pair(stem: str, folder: str, tree: ImageTree) -> str | None:
    """The image in `folder` that is called as the JSON file is."""
    alike = [name for name in tree.of_stem(stem) if name.rpartition("/")[0] == folder]
    exact = (name for name in alike if name.rpartition("/")[2].rpartition(".")[0] == stem)
    return next(exact, alike[0] if len(alike) == 1 else None)


def _flags(content: dict[str, Any]) -> dict[str, bool]:
    flags = content.get("flags")
    return {str(name): held is True for name, held in flags.items()} if isinstance(flags, dict) else {}


def _truth(
    file: str, content: dict[str, Any], found: Annotations
) -> str | tuple[str, ...] | tuple[Outline, ...] | None:
    held = [name for name, is_held in _flags(content).items() if is_held]
    if found.truth is Truth.LABELS:
        return tuple(held)
    if found.truth is not Truth.CLASS:
        return tuple(_outlines(file, content, found))
    if len(held) != 1:
        what = f"{len(held)} flags are set ({', '.join(held[:5])})" if held else "no flag is set"
        found.add(file, 0, "flags-not-one", f"{what}: an image has one class", is_error=bool(held))
        return None
    return held[0]


def _outlines(file: str, content: dict[str, Any], found: Annotations) -> Iterator[Outline]:
    shapes = content.get("shapes")
    for place, shape in enumerate(shapes if isinstance(shapes, list) else (), 1):
        if not isinstance(shape, dict):
            found.add(file, 0, "shape-not-object", f"shape {place} is no object")
            continue
        kind, marked = text_of(shape.get("shape_type")), points(shape.get("points"))
        if kind == "circle" and found.truth is Truth.MASKS and marked is not None and len(marked) == 2:
            kind, marked = "polygon", around(*marked)
        if kind not in OUTLINED:
            reason = f"shape {place} is a {kind[:20]}, which has no area, and is left out"
            found.add(file, 0, "shape-without-area", reason, is_error=False)
            continue
        if marked is not None and kind == "rectangle" and len(marked) == 2:
            marked = corners(*marked[0], *marked[1])
        if marked is None or len(marked) < 3:
            reason = f"the points of shape {place} are not three or more pairs of numbers"
            found.add(file, 0, "points-not-pairs", reason)
            continue
        label = text_of(shape.get("label")).strip()
        if found.truth in (Truth.BOXES, Truth.MASKS):
            yield Outline(marked, label, found.truth is Truth.MASKS and label == IGNORED_CLASS)
            continue
        # The description is where LabelMe 5 has room for a text, beside a label such as "text".
        text = text_of(shape.get("description")).strip() or text_of(shape.get("label"))
        yield Outline(_four(marked), text, text.strip() in IGNORED_TEXTS)


def _four(marked: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """PaddleX wants four corners: of a triangle the last stands twice."""
    return (*marked, marked[-1]) if len(marked) == 3 else marked
