"""A dataset in whatever format, as annotations of its images in splits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from plx_train.config.options import RunOptions
from plx_train.contract.check import Finding
from plx_train.contract.dataset_options import WHITE, DatasetOptions
from plx_train.contract.rooms import load_room
from plx_train.contract.truth import Truth
from plx_train.data.classes import listed
from plx_train.data.divide import NONE, Division, divide
from plx_train.data.fingerprint import fingerprint
from plx_train.data.formats.choice import AUTO, OWN, choose_format, named_format
from plx_train.data.formats.dataset_format import TEST, TRAIN, VAL, Annotation, Annotations, DataFolder, DatasetFormat
from plx_train.data.formats.folders import SPLIT_NAMES
from plx_train.data.formats.lines import split_file
from plx_train.data.formats.paddlex import has_pages
from plx_train.data.formats.tree import is_image
from plx_train.data.formats.unlabelled import BARE
from plx_train.ground.errors import ConfigError
from plx_train.ground.files import user_path
from plx_train.workflow.corrected import Correcting, open_corrections

OUR_FILES = tuple(split_file(split, truth) for split in (TRAIN, VAL, TEST) for truth in (None, Truth.BOXES))
"""Label files that are written, where data come in other formats."""


@dataclass(frozen=True)
class Gathered:
    """All annotations of a dataset.

    Attributes:
        truth: what the room reads; `found` may hold texts that are still to be cut out.
        division: how many samples each split has, and what divided them, in words.
        background: what transparent pixels lie on, where pictures are made.
        correcting: what a file says of single images; taken in already, but for those that are still to be cut out.
        classes, class_file: names whose numbers are known, and where the room finds names.
    """

    root: Path
    format: DatasetFormat
    truth: Truth
    found: Annotations
    division: str
    classes: tuple[str, ...] = ()
    class_file: str | None = None
    background: str = WHITE
    findings: list[Finding] = field(default_factory=list)
    correcting: Correcting | None = None

    def division_in_words(self) -> str:
        """How much each split has, what divided it, and how much of it was corrected."""
        return f"{self.division}; {self.correcting.words()}" if self.correcting else self.division


def format_of(options: RunOptions) -> tuple[DatasetFormat, DataFolder] | None:
    """The format that the dataset is in; None where the room reads its own files alone, or it looks like none.

    Raises:
        ConfigError: two formats look alike, or the one that is named is not to be had.
    """
    dataset, name = options.dataset, options.module.name
    truth = load_room(name).truth(options.module)
    if truth is None:
        if dataset.corrections:
            raise ConfigError(f"dataset.corrections: module={name} reads its own files alone: leave it out")
        if dataset.format not in (AUTO, OWN):
            raise ConfigError(f"dataset.format={dataset.format}: module={name} reads its own files alone: leave it out")
        return None
    asked_of(dataset).check()
    root = user_path(dataset.root)
    if not root.is_dir():
        return None
    if dataset.format == AUTO and not is_usual(dataset.train, TRAIN) and not (root / dataset.train).is_file():
        return None  # a file that the options name is missed, whatever else lies there
    from plx_train.vision.image import IMAGE_SUFFIXES, image_size

    folder = DataFolder(root, truth, dataset.train, dataset.val, IMAGE_SUFFIXES, image_size, dataset.columns.label)
    chosen = choose_format(dataset.format, folder, name)
    if chosen is None and dataset.corrections:
        chosen = named_format(BARE, truth, name), "corrections say what its images show"
    return (chosen[0], folder) if chosen else None


def is_usual(name: str, split: str) -> bool:
    """Whether a label file is called as those of its split are where nobody names them."""
    return name in (split_file(split, None), split_file(split, Truth.BOXES))


def asked_of(dataset: DatasetOptions) -> Division:
    """The division that the options ask for."""
    return Division(dataset.split, dataset.split_by, dataset.val_share, dataset.test_share, dataset.split_seed)


def is_ready(kind: DatasetFormat, folder: DataFolder, dataset: DatasetOptions) -> bool:
    """Whether the room can read the files as they are: its own, with a validation split or one that was forgotten.

    Where labels are corrected, or texts are still to be cut out of pages, it can't.
    """
    if kind.name != OWN or has_pages(folder):
        return False
    if not (folder.root / folder.train).is_file():
        return True
    has_val = (folder.root / folder.val).is_file()
    is_named = not is_usual(dataset.val, VAL)
    if has_val:
        return dataset.corrections is None
    return is_named or dataset.split == NONE or any(_looks_like_val(path) for path in folder.root.iterdir())


def _looks_like_val(path: Path) -> bool:
    """Whether a label file is that of validation, under a name that nobody gave the options."""
    words = path.stem.lower().replace("-", "_").split("_")
    return path.suffix.lower() == ".txt" and any(SPLIT_NAMES.get(word) == VAL for word in words)


def gather(options: RunOptions, kind: DatasetFormat, folder: DataFolder, processor: Any = None) -> Gathered:
    """Everything that the folder says, divided where it is not.

    Args:
        processor: of a finished model, whose classes keep their numbers.

    Raises:
        ConfigError: it can't be divided as the options ask.
    """
    room, dataset = load_room(options.module.name), options.dataset
    if kind.name != OWN and dataset.val not in OUR_FILES and not (folder.root / dataset.val).is_file():
        raise ConfigError(f"dataset.val={dataset.val}: there is no such file, and data read as {kind.name} need none")
    known, of_classes = room.class_names(dataset, options.module, None if kind.name == OWN else processor)
    found = kind.read(folder)
    if found.truth is Truth.LABELS and found.labels:
        found.labels = (*known, *(name for name in found.labels if name not in known))
    findings = [*of_classes, *found.findings]
    if kind.names_all:
        findings += _forgotten(found, folder)
    if found.truth is not folder.truth:
        findings += _annotated_twice(found)
    correcting = open_corrections(options)
    added = correcting.added(found, known, lambda: _images(folder)) if correcting else []
    if not any(found.splits.values()):
        found.splits, added = {TRAIN: added}, []
    is_divided = VAL in found.splits or dataset.split == NONE
    # What is divided must not depend on corrections: runs before and after them are compared.
    division = _divided(found, folder, options, findings)
    if correcting:
        known = correcting.take_in(found, known)
    _take_up(added, found, None if is_divided else asked_of(dataset), folder)
    return Gathered(
        folder.root,
        kind,
        folder.truth,
        found,
        division,
        known,
        room.class_file(options.module),
        dataset.background,
        findings,
        correcting,
    )


def _images(folder: DataFolder) -> set[str]:
    """All images of a folder."""
    return {path.relative_to(folder.root).as_posix() for path in folder.files if is_image(path, folder.suffixes)}


def _take_up(added: list[Annotation], found: Annotations, asked: Division | None, folder: DataFolder) -> None:
    """Puts samples beside those that are there, which stay where they are.

    Args:
        asked: divides them too; None: all are trained on.
    """
    splits = {TRAIN: added}
    if asked and len(added) > 1:
        hashes = fingerprint(folder.root, [one.image for one in added]).hashes
        splits = divide(added, found.truth, asked, hashes)[0]
    for split, samples in splits.items():
        if samples:
            found.splits.setdefault(split, []).extend(samples)


def _divided(found: Annotations, folder: DataFolder, options: RunOptions, findings: list[Finding]) -> str:
    """How many samples each split has, and what divided them, in words; where validation is missing they are now."""
    dataset = options.dataset
    read = {TRAIN: [], **found.splits}
    found.splits = {split: samples for split, samples in read.items() if samples or split == TRAIN}
    division = _counts(found.splits)
    if dataset.split != NONE and VAL not in found.splits and len(found.splits[TRAIN]) > 1:
        samples = found.splits.pop(TRAIN)
        rest, asked = found.splits, asked_of(dataset)
        hashes = fingerprint(folder.root, [one.image for one in samples if one.image]).hashes
        splits, words = divide(samples, found.truth, replace(asked, test_share=0) if rest else asked, hashes)
        found.splits = {split: given for split, given in (splits | rest).items() if given or split == TRAIN}
        division = f"{_counts(found.splits)}, split here {words}"
    elif VAL in found.splits:
        findings += not_carved(options)
    if VAL not in found.splits:
        reason = (
            "there is no validation split, and nothing to make one of: dataset.split=auto divides two images or more, "
            "of one class where images have classes"
        )
        findings.append(Finding(dataset.val, 0, "error", "no-validation", reason))
    return division


def not_carved(options: RunOptions) -> Iterable[Finding]:
    """A warning where a test split is asked of data that are not divided."""
    dataset, name = options.dataset, options.module.name
    if not dataset.test_share:
        return
    has_val = (user_path(dataset.root) / dataset.val).is_file()
    why = "with a validation split nothing is divided"
    if dataset.split == NONE:
        why = "dataset.split=none divides nothing"
    elif not has_val and load_room(name).truth(options.module) is None:
        why = f"module={name} divides nothing here"
    reason = f"dataset.test_share={dataset.test_share:g} is passed over: {why}"
    yield Finding(dataset.val, 0, "warning", "test-not-divided", reason)


def _counts(splits: dict[str, list[Annotation]]) -> str:
    return ", ".join(f"{len(samples)} {split}" for split, samples in splits.items())


def _annotated_twice(found: Annotations) -> Iterable[Finding]:
    """Warnings where a page has its texts twice; of images that are not cut up the room tells it."""
    seen: dict[str, Annotation] = {}
    for one in (one for samples in found.splits.values() for one in samples if one.image):
        first = seen.setdefault(one.image, one)
        if first is not one:
            where = f"{first.file}:{first.line}" if first.line else first.file
            reason = f"{one.image} is annotated in {where} already: its texts are there twice"
            yield Finding(one.file, one.line, "warning", "image-twice", reason)


def _forgotten(found: Annotations, folder: DataFolder) -> Iterable[Finding]:
    """A warning where images lie there that no annotation names."""
    named = {one.image for samples in found.splits.values() for one in samples}
    told = {one.path for one in found.findings}
    paths = (path.relative_to(folder.root).as_posix() for path in folder.files if is_image(path, folder.suffixes))
    others = [path for path in paths if path not in named and path not in told]
    if others and named:
        reason = f"{len(others)} images have no annotation, and are in no split: {listed(others)}"
        yield Finding(others[0], 0, "warning", "image-not-annotated", reason)
