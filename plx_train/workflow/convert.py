"""A dataset in PaddleX's format, copied from one in any other."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

from plx_train.contract.check import Finding
from plx_train.contract.truth import Truth
from plx_train.data.defect_lines import MARKS
from plx_train.data.formats.coco_file import reachable
from plx_train.data.formats.dataset_format import Annotation, Annotations, AsWritten
from plx_train.data.formats.lines import write_label_files
from plx_train.vision.image import image_size
from plx_train.workflow.cut_lines import CROPS, cut_where_needed
from plx_train.workflow.gather import Gathered

UNSAFE = re.compile(r"[\s\\]+")
"""What PaddleX's readers of label files trip over in a path."""

MASKS = "annotations"
"""Folder of masks, as PaddleX has it."""


def write_dataset(gathered: Gathered, folder: Path) -> list[Finding]:
    """Writes images and label files into `folder`, which is empty; what could not be written is told.

    Raises:
        OSError: the disk does not take it.
    """
    found, findings = cut_where_needed(gathered, folder)
    if found is gathered.found:
        found = _copied(gathered, folder, findings)
    size_of = reachable(folder, image_size)
    written = write_label_files(folder, found, size_of, gathered.classes, gathered.class_file)
    return [*findings, *written.findings]


def _copied(gathered: Gathered, folder: Path, findings: list[Finding]) -> Annotations:
    """The annotations with the names of their images' copies."""
    copies: dict[str, str] = {}
    taken: set[str] = set()
    splits: dict[str, list[Annotation]] = {}
    for split, samples in gathered.found.splits.items():
        splits[split] = []
        for one in samples:
            fault = _fault(gathered.root, one)
            if fault:
                findings.append(Finding(one.file, one.line, "error", "image-not-copied", fault))
                continue
            if one.image not in copies:
                copies[one.image] = _free_name(one.image, taken)
                target = folder / copies[one.image]
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(gathered.root / one.image, target)
            splits[split].append(replace(_with_masks(one, gathered, folder), image=copies[one.image]))
    return replace(gathered.found, splits=splits)


def _with_masks(one: Annotation, gathered: Gathered, folder: Path) -> Annotation:
    """The annotation with copies of the files that its own words name: of masks, and of the colours of classes."""
    if gathered.truth not in (Truth.MASKS, Truth.DEFECT) or not isinstance(one.truth, AsWritten):
        return one
    fields = one.truth.text.split("\t")
    for place, name in enumerate(fields):
        if not name or name.startswith(MARKS) or _fault(gathered.root, replace(one, image=name)):
            # What is missing is told by the check of the copy.
            continue
        fields[place] = f"{MASKS}/{_plain(name).removeprefix(f'{MASKS}/')}"
        target = folder / fields[place]
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(gathered.root / name, target)
    return replace(one, truth=AsWritten("\t".join(fields)))


def _fault(root: Path, one: Annotation) -> str:
    """Why a line's image can't be copied; empty where it can."""
    if not one.image:
        return "the line names no image of the dataset's folder, and is left out"
    path = root / one.image
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            return f"{one.image} lies outside of the dataset's folder, and is left out"
        return "" if path.is_file() else f"there is no image {one.image} in {root}: it is left out"
    except (OSError, ValueError, RuntimeError):
        return f"the path {one.image[:100]!r} can't be followed: it is left out"


def _plain(name: str) -> str:
    """A path without what leads out of a folder, whatever a line says, and what readers trip over."""
    return UNSAFE.sub("_", "/".join(part for part in name.split("/") if part not in ("", ".", "..")))


def _free_name(image: str, taken: set[str]) -> str:
    """A name below the folder of images that no other copy has, in small letters neither."""
    plain = _plain(image).removeprefix(f"{CROPS}/")
    stem, dot, suffix = plain.rpartition(".")
    name, number = plain, 1
    while name.lower() in taken:
        number += 1
        name = f"{stem}-{number}{dot}{suffix}"
    taken.add(name.lower())
    return f"{CROPS}/{name}"
