"""Data without a validation split are divided: the same way on every machine, and nothing lies on two sides."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plx_train.contract.dataset_options import SPLITS
from plx_train.contract.truth import Truth
from plx_train.data.formats.dataset_format import TEST, TRAIN, VAL, Annotation, AsWritten
from plx_train.data.splits import MIN_GROUPS, document_of
from plx_train.ground.errors import ConfigError

AUTO, NONE, CLASSES, DOCUMENTS, GROUPS, IMAGES, TIME = SPLITS
WORDS = {CLASSES: "by class", DOCUMENTS: "by document", GROUPS: "by group", IMAGES: "by image"}
"""What divided images, for people; `IMAGES` also where there are too few documents."""

ONE_KIND = (Truth.CLASS, Truth.DEFECT)
"""Truths of which an image has one."""


@dataclass(frozen=True)
class Division:
    """What is asked of a division.

    Attributes:
        how: one of the names above but `NONE`.
        pattern: a regular expression with one group, found in image paths.
        val_share, test_share: of all samples.
        seed: of the order in which samples are given out.
    """

    how: str
    pattern: str | None
    val_share: float
    test_share: float
    seed: int

    def check(self) -> None:
        """
        Raises:
            ConfigError: a pattern is missing or has not one group, or the shares leave nothing to train on.
        """
        if self.how == TIME:
            raise ConfigError("dataset.split=time divides series: images are divided by classes, documents or groups")
        if self.how == GROUPS and not self.pattern:
            raise ConfigError("dataset.split=groups needs dataset.split_by='<pattern with one group>'")
        if self.pattern and self.how not in (AUTO, GROUPS):
            raise ConfigError(f"dataset.split_by goes with dataset.split=groups, not {self.how}")
        if self.pattern and re.compile(self.pattern).groups != 1:
            raise ConfigError(f"dataset.split_by={self.pattern} must have one group in brackets, as in '^([^_]+)_'")
        if self.val_share + self.test_share >= 1:
            raise ConfigError(
                f"dataset.val_share={self.val_share:g} and dataset.test_share={self.test_share:g} leave nothing to "
                "train on: their sum must be below 1"
            )


Hashes = Mapping[str, str | None]
"""Content of images by their names; None where one can't be read."""
Unit = list[int]
"""Places of samples that stay together."""


def divide(
    samples: Sequence[Annotation], truth: Truth, asked: Division, hashes: Hashes
) -> tuple[dict[str, list[Annotation]], str]:
    """The splits, each in the order of `samples`, and in words what divided.

    Images of one group and equal pictures stay together. Every class with two images or more is on both sides.

    Raises:
        ConfigError: a pattern is not found in an image's path.
    """
    how = _resolved(samples, truth, asked)
    keys = [_key(one, how, asked.pattern) for one in samples]
    words = WORDS[how]
    if how == DOCUMENTS and len(set(keys)) < MIN_GROUPS:
        keys = [one.image for one in samples]
        words = f"{WORDS[IMAGES]}, for there are fewer than {MIN_GROUPS} documents"
    units = _units(samples, keys, hashes)
    units.sort(key=lambda unit: _rank(asked.seed, min(samples[place].image for place in unit)))
    strata: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        strata[_class_of(samples[unit[0]]) if how == CLASSES else ""].append(unit)
    taken: dict[int, str] = {}
    for members in strata.values():
        _give_out(members, asked, taken)
    splits: dict[str, list[Annotation]] = {TRAIN: [], VAL: [], **({TEST: []} if asked.test_share else {})}
    for place, one in enumerate(samples):
        splits[taken.get(place, TRAIN)].append(one)
    return splits, words


def _resolved(samples: Sequence[Annotation], truth: Truth, asked: Division) -> str:
    if asked.how != AUTO:
        if asked.how == CLASSES and truth not in ONE_KIND:
            raise ConfigError(f"dataset.split=classes: these data hold {truth.value}, not one class per image")
        return asked.how
    if asked.pattern:
        return GROUPS
    return CLASSES if truth in ONE_KIND else DOCUMENTS


def _key(one: Annotation, how: str, pattern: str | None) -> str:
    if how == DOCUMENTS:
        return document_of(one.image) if Path(one.image).name else one.image
    if how != GROUPS or pattern is None or not one.image:
        return one.image
    match = re.search(pattern, one.image)
    if match is None or match[1] is None:
        raise ConfigError(f"dataset.split_by={pattern} finds nothing in {one.image}: everything must have a group")
    return match[1]


def _class_of(one: Annotation) -> str:
    # Behind a tab stands what is each image's own, its mask.
    return one.truth.text.partition("\t")[0] if isinstance(one.truth, AsWritten) else str(one.truth)


def _rank(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogateescape")).digest()


def _units(samples: Sequence[Annotation], keys: Sequence[str], hashes: Hashes) -> list[Unit]:
    """Samples that share a key or a picture, directly or through others; lines without an image stay out."""
    parent = list(range(len(samples)))

    def first(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    seen: dict[tuple[str, str], int] = {}
    for place, (one, key) in enumerate(zip(samples, keys, strict=True)):
        content = hashes.get(one.image)
        for mark in (("key", key), *((("content", content),) if content else ())):
            parent[first(place)] = first(seen.setdefault(mark, place))
    units: dict[int, Unit] = defaultdict(list)
    for place, one in enumerate(samples):
        if one.image:
            units[first(place)].append(place)
    return list(units.values())


def _give_out(units: Sequence[Unit], asked: Division, taken: dict[int, str]) -> None:
    """Marks samples of one stratum for validation and test; at least one unit stays for training."""
    total = sum(map(len, units))
    left = list(units)
    for split, share in ((VAL, asked.val_share), (TEST, asked.test_share)):
        if share <= 0 or len(left) < 2:
            continue
        chosen = _about(left, max(round(share * total), 1))
        taken.update({place: split for unit in chosen for place in unit})
        left = [unit for unit in left if unit[0] not in taken]


def _about(units: Sequence[Unit], target: int) -> list[Unit]:
    """Units that come as near to `target` samples as whole ones do in their order, but not all; one at least."""
    chosen: list[Unit] = []
    count = 0
    for unit in units:
        comes_nearer = abs(count + len(unit) - target) < abs(count - target)
        if comes_nearer and len(chosen) + 1 < len(units):
            chosen.append(unit)
            count += len(unit)
    return chosen or [min(units, key=len)]
