"""PaddleX's label files, written from what any format said."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plx_train.contract.check import Finding
from plx_train.contract.truth import IGNORED, Outline, Truth
from plx_train.data.classes import listed
from plx_train.data.formats.coco_file import SizeOf, coco_text
from plx_train.data.formats.dataset_format import Annotation, Annotations, AsWritten
from plx_train.data.formats.tree import sort_key

BREAKS = re.compile(r"[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
"""What would end a line or a field."""
SPLIT_SUFFIX = ".txt"
BACKGROUND = "_background_"
"""What PaddleX calls the class of pixels that lie in no outline."""


@dataclass(frozen=True)
class Written:
    """Label files that were written.

    Attributes:
        files: their names by split.
        origins: file and line that each line of a label file was read from, by its name and in its order.
        findings: of what could not be written.
    """

    files: dict[str, str]
    origins: dict[str, list[tuple[str, int]]]
    findings: list[Finding]


def split_file(split: str, truth: Truth | None) -> str:
    """What the label file of a split is called where it is written."""
    return f"annotations/instance_{split}.json" if truth is Truth.BOXES else split + SPLIT_SUFFIX


def write_label_files(
    folder: Path,
    found: Annotations,
    size_of: SizeOf,
    classes: Sequence[str] = (),
    class_file: str | None = None,
) -> Written:
    """Writes a label file for each split into `folder`, and the names of the classes beside them.

    Args:
        found: of `folder`, or of the dataset's folder: image paths are written as they are.
        size_of: asked of images with boxes alone.
        classes: names whose numbers are known; others come after them.
        class_file: what the names are written to; None: nowhere.
    """
    written = Written({}, {}, [])
    names = class_names(found, classes)
    numbers = {name: number for number, name in enumerate(names)}
    for split, samples in found.splits.items():
        written.files[split] = name = split_file(split, found.truth)
        written.origins[name] = []
        kept = []
        for one in samples:
            fault = _fault(one, found.truth)
            if fault:
                written.findings.append(Finding(one.file, one.line, "error", "line-not-possible", fault))
                continue
            kept.append(one)
            written.origins[name].append((one.file, one.line))
        text = "".join(f"{_line(one, found, numbers)}\n" for one in kept)
        if found.truth is Truth.BOXES:
            text = coco_text(kept, names, size_of)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8", newline="")
    if class_file and names:
        text = "".join(f"{number} {plain_text(name)}\n" for number, name in enumerate(names))
        (folder / class_file).parent.mkdir(parents=True, exist_ok=True)
        (folder / class_file).write_text(text, "utf-8", newline="")
    written.findings.extend(_of_classes(found, classes))
    return written


def class_names(found: Annotations, known: Sequence[str]) -> tuple[str, ...]:
    """Names of classes by number: the known ones, then the others in order, as numbers where all are such."""
    if found.truth is Truth.LABELS:
        return found.labels or tuple(known)
    if found.truth not in (Truth.CLASS, Truth.BOXES, Truth.MASKS):
        return tuple(known)
    if found.truth is Truth.MASKS:
        return _of_masks(found, known)
    if found.truth is Truth.BOXES and found.labels:
        return (*known, *(name for name in found.labels if name not in known))
    others = _named(found) - {*known}
    if all(text.isascii() and text.isdigit() and len(text) < 10 for text in others):
        return (*known, *sorted(others, key=lambda text: (int(text), text)))
    return (*known, *sorted(others, key=sort_key))


def _of_masks(found: Annotations, known: Sequence[str]) -> tuple[str, ...]:
    """Names of the classes of pixels: what lies in no outline is of the first, the background."""
    truths = [one.truth for samples in found.splits.values() for one in samples]
    if truths and all(isinstance(truth, AsWritten) for truth in truths):
        return (*known, *(name for name in found.labels if name not in known))
    if not known and not found.labels and not _named(found):
        return ()
    names = tuple(known) or (BACKGROUND,)
    others = found.labels or sorted(_named(found), key=sort_key)
    return (*names, *(name for name in others if name not in names and not (is_background(name) and not known)))


def is_background(name: str) -> bool:
    """Whether a class is called as what lies in no outline is."""
    return name.strip().lower().strip("_") == BACKGROUND.strip("_")


def _named(found: Annotations) -> set[str]:
    """All classes that annotations name."""
    truths = [one.truth for samples in found.splits.values() for one in samples]
    outlines = [
        each for truth in truths if isinstance(truth, tuple) for each in truth
        if isinstance(each, Outline) and not (each.is_ignored and found.truth is Truth.MASKS)
    ]  # fmt: skip
    has_outlines = found.truth in (Truth.BOXES, Truth.MASKS)
    return {each.label for each in outlines} if has_outlines else {each for each in truths if isinstance(each, str)}


def _of_classes(found: Annotations, known: Sequence[str]) -> list[Finding]:
    """Classes that a known list lacks."""
    if found.truth not in (Truth.CLASS, Truth.BOXES, Truth.MASKS) or not known:
        return []
    new = sorted(_named(found) - {*known})
    if not new:
        return []
    reason = f"classes that the list of classes does not have, and which get the next numbers: {listed(new)}"
    return [Finding(split_file("train", found.truth), 0, "warning", "class-not-listed", reason)]


def _fault(one: Annotation, truth: Truth) -> str:
    """Why no line of a label file can say it; empty where one can."""
    if BREAKS.search(one.image):
        return f"the path {one.image!r} holds a tab or a line break, which no label file can hold: rename it"
    if isinstance(one.truth, str) and not one.truth.strip():
        return f"{one.image} has an empty label"
    given = one.truth if truth in (Truth.BOXES, Truth.MASKS) and isinstance(one.truth, tuple) else ()
    if any(not _label(each) for each in given if not (_is_ignored(each) and truth is Truth.MASKS)):
        return f"{one.image} has {'a box' if truth is Truth.BOXES else 'an outline'} without a class"
    try:
        f"{one.image}{one.truth}".encode()
    except UnicodeEncodeError:
        return f"the path or label of {one.image!a} is not UTF-8: rename it"
    return ""


def _is_ignored(each: str | Outline) -> bool:
    return isinstance(each, Outline) and each.is_ignored


def _label(each: str | Outline) -> str:
    return (each.label if isinstance(each, Outline) else each).strip()


def _line(one: Annotation, found: Annotations, numbers: Mapping[str, int]) -> str:
    between = " " if found.truth is Truth.CLASS else "\t"
    if isinstance(one.truth, AsWritten):
        return one.truth.text if one.truth.is_whole else f"{one.image}{between}{one.truth.text}"
    if isinstance(one.truth, str):
        text = str(numbers[one.truth]) if found.truth is Truth.CLASS else plain_text(one.truth)
        return f"{one.image}{between}{text}"
    if found.truth is Truth.LABELS:
        return f"{one.image}\t" + ",".join(str(int(name in one.truth)) for name in found.labels)
    outlines = [each for each in one.truth if isinstance(each, Outline)]
    return f"{one.image}\t" + json.dumps([_outline(each) for each in outlines], ensure_ascii=False)


def _outline(each: Outline) -> dict[str, object]:
    text = IGNORED if each.is_ignored else each.label
    if each.runs is not None:
        return {"transcription": text, "size": list(each.runs.size), "counts": list(each.runs.lengths)}
    return {"transcription": text, "points": [[round(x, 3), round(y, 3)] for x, y in each.points]}


def plain_text(text: str) -> str:
    """A text in one line, without tabs."""
    return BREAKS.sub(" ", text).strip()
