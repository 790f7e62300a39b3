"""The images of a dataset: what the last check read of them, with what was found, corrected and suspected since."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plx_train.data.corrections import Correction, MaskFile, plain_truth
from plx_train.ground.confine import confined
from plx_train.ground.errors import UserError
from plx_train.runs.folder import (
    CHECK_FILE,
    CORRECTIONS_FILE,
    IMAGES_FILE,
    PREDICTIONS_FILE,
    SUGGESTIONS_PAGE,
    SUSPECTS_FILE,
)
from plx_train.studio.corrected import corrections_in, stamp_of
from plx_train.studio.datasets import PREDICT, SUGGEST, DataShelf, KnownData
from plx_train.studio.home import read_json
from plx_train.studio.suggested import MASKS, next_images, suggestions

ORIGINALS_FILE = "originals.json"
"""What images said that were corrected, as the data have it."""
WORD = re.compile(r"[^\s'\"(),;]+")
NAMED = ("class", "labels", "boxes")
"""Kinds of truth that name classes."""
DEFECT = "defect"
MASKED = (MASKS, DEFECT)
"""Kinds of truth that may be said pixel by pixel."""
CLASSED = (*NAMED, *MASKED)
"""Kinds of truth that are of classes."""


@dataclass
class ImageRow:
    """One image.

    Attributes:
        split: that it is in; empty: none.
        was: what its label says, as corrections have it; None: nothing that can be read.
        entry: what was said of it since; None: nothing.
        findings: numbers of what the check found of it.
        suspect: what speaks against its label, where the last audit says so.
        suggested: what a model says.
        rank: place in the order in which to label; None: it has none.
        seen: what the last check was told that it shows.
    """

    image: str
    split: str
    was: Any
    entry: Correction | None = None
    findings: list[int] = field(default_factory=list)
    suspect: Mapping[str, Any] | None = None
    suggested: Mapping[str, Any] | None = None
    rank: int | None = None
    seen: Any = None

    @property
    def truth(self) -> Any:
        """What it is taken to show now."""
        if self.entry is None:
            return self.was
        return None if self.entry.truth is None else plain_truth(self.entry.truth)

    @property
    def state(self) -> str:
        """How it is labelled, in a word."""
        if self.entry is not None:
            return "left out" if self.entry.truth is None else "corrected"
        return "unlabelled" if self.was is None else "labelled"

    @property
    def is_mended(self) -> bool:
        """Whether it is labelled otherwise, or left out, since it was checked."""
        return self.entry is not None and (self.entry.truth is None or self.truth != self.seen)

    def plain(self) -> dict[str, Any]:
        """Everything, for a page."""
        return {
            "image": self.image,
            "split": self.split,
            "was": self.was,
            "truth": self.truth,
            "state": self.state,
            "isMended": self.is_mended,
            "findings": self.findings,
            "suspect": self.suspect,
            "suggested": self.suggested,
        }


@dataclass
class ImageList:
    """All images of a dataset.

    Attributes:
        kind: of truth, as ``class``.
        classes: names, those of the data first.
        root: folder of the images.
        findings: of the last check.
        num_since: corrections that the last check knew nothing of.
    """

    kind: str
    classes: list[str]
    root: Path
    rows: dict[str, ImageRow]
    findings: list[dict[str, Any]]
    num_since: int = 0

    def get(self, image: object) -> ImageRow:
        """
        Raises:
            UserError: there is no such image.
        """
        found = self.rows.get(image) if isinstance(image, str) else None
        if found is None:
            raise UserError(f"there is no image {str(image)[:200]} in the dataset")
        return found

    def path(self, image: object) -> Path:
        """Where an image lies.

        Raises:
            UserError: there is no such image, or it lies elsewhere.
        """
        return confined(self.root, self.get(image).image, "the dataset")

    def counts(self) -> dict[str, int]:
        """How many images there are of each kind that people go through."""
        rows = self.rows.values()
        return {name: sum(map(chosen, rows)) for name, chosen in CHOICES.items()}

    def chosen(self, name: str, label: str = "", split: str = "", code: str = "") -> list[ImageRow]:
        """The images of a kind, those first that are worth most."""
        wanted = [row for row in self.rows.values() if CHOICES.get(name, CHOICES["all"])(row)]
        if label:
            wanted = [row for row in wanted if label in names_of(row.truth)]
        if split:
            wanted = [row for row in wanted if row.split == split]
        if code:
            wanted = [row for row in wanted if any(self.findings[each]["code"] == code for each in row.findings)]
        if name == "suspects":
            wanted.sort(key=lambda row: -(row.suspect or {}).get("score", 0.0))
        elif name == "next":
            wanted.sort(key=lambda row: row.rank or 0)
        elif name == "suggested":
            wanted.sort(key=lambda row: (row.suggested or {}).get("rank", 0))
        return wanted

    def per_class(self) -> dict[str, int]:
        """How many images show each class, as they are labelled now."""
        counts = Counter(name for row in self.rows.values() for name in {*names_of(row.truth)})
        return {name: counts[name] for name in (*self.classes, *(one for one in counts if one not in self.classes))}


CHOICES = {
    "suspects": lambda row: row.suspect is not None and row.entry is None,
    "next": lambda row: row.rank is not None and row.state == "unlabelled",
    "suggested": lambda row: row.suggested is not None and row.entry is None and row.was is None,
    "findings": lambda row: bool(row.findings) and row.entry is None,
    "unlabelled": lambda row: row.state == "unlabelled",
    "corrected": lambda row: row.entry is not None,
    "all": lambda row: True,
}


def names_of(truth: Any) -> Sequence[str]:
    """Names of the classes in a truth, or the text; of a file of a mask none, for it was not opened."""
    if isinstance(truth, str):
        return (truth,)
    if isinstance(truth, Mapping):
        return ()
    return [one if isinstance(one, str) else one["label"] for one in truth or ()]


class ImageLists:
    """The lists of a home's datasets; one that was read is kept until its files change."""

    def __init__(self, shelf: DataShelf) -> None:
        self._shelf = shelf
        self._kept: dict[str, tuple[object, ImageList]] = {}
        self._lock = threading.Lock()

    def get(self, one: KnownData) -> ImageList | None:
        """The images of a dataset; None where no check has looked at it, or it has none."""
        folder, check, audit = self._shelf.folder(one.name), self._shelf.check(one), self._shelf.audit(one)
        predicted = self._shelf.latest(one, PREDICT, PREDICTIONS_FILE)
        ranked = self._shelf.latest(one, SUGGEST, SUGGESTIONS_PAGE)
        if check is None or not (check / IMAGES_FILE).is_file():
            return None
        files = [check / IMAGES_FILE, check / CHECK_FILE, folder / CORRECTIONS_FILE, folder / ORIGINALS_FILE]
        told = ((audit, SUSPECTS_FILE), (predicted, PREDICTIONS_FILE), (ranked, SUGGESTIONS_PAGE))
        files += [place / name for place, name in told if place]
        stamp = [(path, stamp_of(path)) for path in files]
        with self._lock:
            kept = self._kept.get(one.name)
            if kept is None or kept[0] != stamp:
                found = _read(folder, check, audit, predicted)
                for rank, image in enumerate(next_images(ranked)):
                    if image in found.rows:
                        found.rows[image].rank = rank
                self._kept[one.name] = kept = (stamp, found)
            return kept[1]


def _read(folder: Path, check: Path, audit: Path | None, predicted: Path | None) -> ImageList:
    told = read_json(check / IMAGES_FILE, {})
    rows = {image: ImageRow(image, split, truth, seen=truth) for image, split, truth, _, _ in told.get("images", ())}
    for image, (split, truth) in read_json(folder / ORIGINALS_FILE, {}).items():
        rows.setdefault(image, ImageRow(image, split, truth)).was = truth
    findings = read_json(check / CHECK_FILE, {}).get("findings", [])
    places = {(file, line): image for image, _, _, file, line in told.get("images", ()) if line}
    for number, finding in enumerate(findings):
        finding["image"] = next(_images_of(finding, rows, places), None)
        if finding["image"]:
            rows[finding["image"]].findings.append(number)
    corrections = corrections_in(folder)
    num_since = _since(folder / CORRECTIONS_FILE, check / CHECK_FILE)
    for image, entry in corrections.entries.items():
        if image in rows:
            rows[image].entry = entry
            if isinstance(entry.truth, MaskFile) and not num_since:
                # Label files have its pixels in words of their own.
                rows[image].seen = rows[image].truth
    for one in read_json(audit / SUSPECTS_FILE, {}).get("suspects", ()) if audit else ():
        if one.get("image") in rows:
            rows[one["image"]].suspect = one
    classes = list(dict.fromkeys([*told.get("classes", ()), *corrections.classes]))
    for image, said in suggestions(predicted, told.get("truth", ""), classes).items():
        if image in rows:
            rows[image].suggested = said
    return ImageList(
        told.get("truth", ""),
        classes if told.get("truth") in CLASSED else [],
        Path(told.get("root", "")),
        rows,
        findings,
        num_since,
    )


def _since(corrections: Path, check: Path) -> int:
    mine, theirs = stamp_of(corrections), stamp_of(check)
    return int(bool(mine and theirs and mine[0] > theirs[0]))


def _images_of(
    finding: Mapping[str, Any], rows: Mapping[str, ImageRow], places: Mapping[tuple[str, int], str]
) -> Iterator[str]:
    """Images that a finding is about, as far as it says."""
    path = finding.get("path", "")
    if path in rows:
        yield path
    if (place := (path, finding.get("line", 0))) in places:
        yield places[place]
    yield from (word for word in WORD.findall(finding.get("reason", "")) if word.rstrip(":.") in rows and word in rows)
