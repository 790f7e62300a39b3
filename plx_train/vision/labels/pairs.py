"""Pairs of images that show one thing or two: PaddleX's ``FaceEvalDataset``, two images and 1 or 0 a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from plx_train.contract.check import Finding
from plx_train.data.label_file import ABSOLUTE, LabelFile, separator_hint
from plx_train.vision.things import PAIR, Mate, Thing, ThingImage

SAME = {"1": True, "0": False}
FEW = 200
"""Pairs below which figures say little."""


def beside(path: Path, root: Path, name: str) -> str:
    """An image's path in `root`, which a label file names as it lies beside that; absolute ones stay what they are."""
    folder = path.parent.relative_to(root).as_posix() if path.is_relative_to(root) else "."
    return name if folder == "." or not name or ABSOLUTE.match(name) else f"{folder}/{name}"


def read_pairs(path: Path, root: Path) -> tuple[list[ThingImage], list[Finding]]:
    """The images of a file of pairs, each once, in the order in which they are named; no image is opened.

    Paths are relative to the file's own folder; of what class an image is, is not known.
    """
    file = LabelFile(path, root)
    images: dict[str, ThingImage] = {}
    seen: dict[frozenset[str], tuple[int, bool]] = {}
    for line, text in file.lines():
        fields = _fields(text)
        if fields is None:
            reason = f"the line is not two image paths and 1 (the same) or 0, parted by spaces{separator_hint(text)}"
            file.add(line, "error", "no-pair", reason)
            continue
        *names, is_same = fields
        if names[0] == names[1]:
            file.add(line, "error", "pair-of-one", f"{names[0]} is compared with itself, which says nothing")
            continue
        former = seen.setdefault(frozenset(names), (line, is_same))
        if former[0] != line:
            _told_twice(file, line, former, is_same)
            continue
        paths = [file.image(beside(path, root, name), line) for name in names]
        if paths[0] is not None and paths[1] is not None:
            _add(images, dict(zip(names, (paths[0], paths[1]), strict=True)), is_same, f"{file.name}:{line}")
    return list(images.values()), file.findings


def pair_findings(file: str, are_same: Sequence[bool]) -> list[Finding]:
    """What is odd about all pairs of a file together."""
    number, same = len(are_same), sum(are_same)
    if same in (0, number):
        reason = f"all {number} pairs show {'the same' if same else 'two things'}: what tells them apart isn't measured"
        return [Finding(file, 0, "error", "pairs-of-one-kind", reason)]
    if number < FEW:
        reason = f"there are {number} pairs: one more that is right moves the accuracy by {1 / number:.1%}"
        return [Finding(file, 0, "warning", "few-pairs", reason)]
    return []


def _fields(text: str) -> tuple[str, str, bool] | None:
    """Both names and whether they show the same; None where the line says something else."""
    parts = [part.strip() for part in text.strip().split("\t")] if "\t" in text.strip() else text.split()
    return (parts[0], parts[1], SAME[parts[2]]) if len(parts) == 3 and parts[2] in SAME and all(parts[:2]) else None


def _told_twice(file: LabelFile, line: int, former: tuple[int, bool], is_same: bool) -> None:
    if former[1] == is_same:
        file.add(line, "warning", "pair-twice", f"the pair is in line {former[0]} already: it counts once")
    else:
        reason = f"line {former[0]} says the opposite of the same two images: they show one thing or two"
        file.add(line, "error", "other-truth", reason)


def _add(images: dict[str, ThingImage], paths: Mapping[str, Path], is_same: bool, where: str) -> None:
    """Adds a pair: the image that was named later knows the other."""
    for name, path in paths.items():
        images.setdefault(name, ThingImage(path, Thing(len(images), name, PAIR), where))
    first, second = sorted((images[name] for name in paths), key=lambda one: one.truth.number)
    mates = (*second.truth.mates, Mate(first.truth.name, is_same))
    images[second.truth.name] = replace(second, truth=replace(second.truth, mates=mates))
