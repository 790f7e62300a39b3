"""Label files of image features: PaddleX's ``ShiTuRecDataset``, one image and the number of its class a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from plx_train.contract.check import Finding
from plx_train.data.label_file import LabelFile, separator_hint
from plx_train.data.splits import CheckedDocuments
from plx_train.metrics.retrieval import GALLERY, QUERY
from plx_train.vision.labels.classes import MAX_CLASSES, whole_number
from plx_train.vision.labels.pairs import beside
from plx_train.vision.things import TRAIN, Thing, ThingImage


@dataclass(frozen=True)
class CheckedPictures(CheckedDocuments[ThingImage]):
    """The report, and samples of which a few still belong together."""

    def first(self, samples: Sequence[ThingImage], limit: int | None) -> list[ThingImage]:
        """`limit` samples of a split, of its first classes: two of each to train, one known and one looked for."""
        seen: Counter[tuple[int, str]] = Counter()
        rounds = []
        for place, sample in enumerate(samples):
            kind = sample.truth.number, sample.truth.role
            rounds.append((seen[kind] // (2 if sample.truth.role == TRAIN else 1), sample.truth.number, place))
            seen[kind] += 1
        return [samples[place] for place in sorted(place for *_, place in sorted(rounds)[:limit])]


def read_pictures(
    path: Path, root: Path, names: Sequence[str] | None, is_beside: bool = False
) -> tuple[list[ThingImage], list[Finding]]:
    """The samples of a label file, in its order, their classes numbered as there; no image is opened.

    Args:
        names: of the classes by number; None: the numbers are the names.
        is_beside: paths are relative to the file's own folder, not to `root`.
    """
    file, samples = LabelFile(path, root), []
    for line, text in file.lines():
        text = text.strip()
        place = max(text.rfind(" "), text.rfind("\t"))
        number = whole_number(text[place + 1 :]) if place >= 0 else None
        if place < 0:
            reason = f"the line is not an image path, a space and a class number{separator_hint(text)}"
            file.add(line, "error", "no-label", reason)
            continue
        given = text[:place].rstrip()
        image = file.image(beside(path, root, given) if is_beside else given, line)
        if number is None or number >= MAX_CLASSES:
            reason = f"{text[place + 1 :][:40]!r} is no class number (0, 1, 2 …, below {MAX_CLASSES})"
            file.add(line, "error", "label-not-a-number", reason)
        elif image is not None:
            name = names[number] if names and number < len(names) else str(number)
            samples.append(ThingImage(image, Thing(number, name), f"{file.name}:{line}"))
    return samples, file.findings


def numbered(samples: Sequence[ThingImage], numbers: Sequence[int]) -> list[ThingImage]:
    """The samples with their classes numbered by their place in `numbers`."""
    places = {number: place for place, number in enumerate(numbers)}
    return [replace(sample, truth=replace(sample.truth, number=places[sample.truth.number])) for sample in samples]


def in_turns(samples: Sequence[ThingImage]) -> list[ThingImage]:
    """Every other image of each class as known, the first of them and all of these first; the rest is looked for."""
    seen: Counter[int] = Counter()
    turns = []
    for sample in samples:
        role = QUERY if seen[sample.truth.number] % 2 else GALLERY
        turns.append(replace(sample, truth=replace(sample.truth, role=role)))
        seen[sample.truth.number] += 1
    return sorted(turns, key=lambda sample: sample.truth.role == QUERY)


def class_number(truth: Thing) -> np.ndarray:
    """What is learned of an image: int64, the number of its class."""
    return np.asarray(truth.number, np.int64)
