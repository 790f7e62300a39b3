"""Corrections that name a picture of numbers, as what it marks, pixel by pixel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from plx_train.contract.check import Finding
from plx_train.contract.truth import IGNORED, Outline, RunLengths
from plx_train.data.corrections import Corrections, EntryFault, MaskFile
from plx_train.ground.confine import confined
from plx_train.ground.errors import UserError
from plx_train.vision.masks import UNCOUNTED, read_mask


def with_outlines(given: Corrections, folder: Path) -> tuple[Corrections, tuple[str, ...]]:
    """The corrections with each mask as outlines of its classes, and the longest list of classes that one has.

    What a mask marks stands in label files then, so they need the pictures no more.

    Args:
        folder: of the file of corrections: masks lie in it.
    """
    entries, findings = {}, [*given.findings]
    classes: tuple[str, ...] = ()
    for image, entry in given.entries.items():
        entries[image] = entry
        if not isinstance(entry.truth, MaskFile):
            continue
        try:
            entries[image] = replace(entry, truth=_outlines(entry.truth, folder, given.file))
            classes = max(classes, entry.truth.classes, key=len)
        except (UserError, EntryFault) as fault:
            del entries[image]
            reason = f"{image}: the mask {entry.truth.path[:200]} can't be taken: {fault}"
            findings.append(Finding(given.file, entry.line, "error", "correction-invalid", reason))
    if all(each.isascii() and each.isdigit() and len(each) < 4 for each in classes):
        # Where nothing names the classes, their names are their numbers.
        classes = tuple(sorted(classes, key=int))
    return replace(given, entries=entries, findings=tuple(findings)), classes


def _outlines(mask: MaskFile, folder: Path, file: str) -> tuple[Outline, ...]:
    numbers = read_mask(confined(folder, mask.path, file))
    seen = [int(number) for number in np.flatnonzero(np.bincount(numbers.ravel(), minlength=UNCOUNTED + 1))]
    others = [number for number in seen if len(mask.classes) <= number < UNCOUNTED]
    if others:
        raise EntryFault(f"it has pixels of number {others[0]}, and {len(mask.classes)} classes are named")
    # The first class is marked as well: what lies in no outline is of the data's first one, which may be another.
    return tuple(
        Outline((), IGNORED if number == UNCOUNTED else mask.classes[number], number == UNCOUNTED, runs)
        for number, runs in ((each, RunLengths.of(numbers == each)) for each in seen)
    )
