"""The check of a dataset of images: what all rooms look for, and what a room hands in."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Generic

import numpy as np

from plx_train.contract.check import CheckReport, Finding
from plx_train.contract.dataset_options import WHITE
from plx_train.data.fingerprint import Fingerprint, fingerprint, load_report, save_report
from plx_train.data.splits import CheckedDocuments, document_of
from plx_train.vision.bounds import CODE, TooManyPixels
from plx_train.vision.image import ImageError
from plx_train.vision.missing import MISSING, missing_findings
from plx_train.vision.oddities import bits_findings, largest_level, several_pages
from plx_train.vision.processor import ImageProcessor
from plx_train.vision.samples import Labelled
from plx_train.vision.twins import finding, leak_findings, twin_findings

VERSION = 6
"""Version of what all rooms look for; reports of other versions are not reused."""
LARGEST_LEVEL = "largest_level"
"""Name of what is measured in images of 16 bits."""
NUM_THREADS = 2
AT_A_TIME = 8192
"""Images that are handed to threads at once."""
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)


@dataclass(frozen=True)
class ImageSplit(Generic[Labelled]):
    """A label file that was read: its samples, and what is wrong with its lines."""

    file: str
    samples: list[Labelled]
    findings: list[Finding]


@dataclass(frozen=True)
class ImageData(Generic[Labelled]):
    """A dataset of images as its label files describe it.

    Attributes:
        faults: of the layout; where there are any, nothing was read.
        classes: names by number, where a file names them.
        files: label files and others whose content counts, relative to `root`.
        findings: of files beside the label files.
        label_folder: where `files` lie; None: in `root`.
    """

    root: Path
    train: ImageSplit[Labelled]
    val: ImageSplit[Labelled]
    faults: tuple[Finding, ...] = ()
    classes: tuple[str, ...] | None = None
    files: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    label_folder: Path | None = None

    def names(self, split: ImageSplit[Labelled]) -> list[str]:
        """The images' names, relative to the root."""
        base = self.root.absolute()
        return [sample.image.relative_to(base).as_posix() for sample in split.samples]

    def names_beside(self) -> list[str]:
        """Other files that truths are read from, relative to the root."""
        base = self.root.absolute()
        samples = (*self.train.samples, *self.val.samples)
        return [path.relative_to(base).as_posix() for sample in samples for path in sample.beside]


@dataclass(frozen=True)
class Look(Generic[Labelled]):
    """What opening one image gave.

    Attributes:
        size: (height, width) in pixels; None where it can't be read.
        values: what the room measured, by name.
    """

    sample: Labelled
    size: tuple[int, int] | None
    findings: list[Finding] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)


class ImageCheck(ABC, Generic[Labelled]):
    """What a room's check adds to that of all rooms.

    Attributes:
        room: its name, and `version` that of what it adds: kept reports are of both.
        truth: what images are labelled with, in a word.
        tells_equal_pictures: whether equal pictures of different files in one split are worth a warning; not where they
            are equal by chance, as short words printed alike.
    """

    room: str
    version: int = 1
    truth: str = "label"
    tells_equal_pictures: bool = True

    def settings(self) -> dict[str, Any]:
        """Plain values that the findings depend on, beside the content."""
        return {}

    def look(self, sample: Labelled, image: np.ndarray) -> Look[Labelled]:
        """What is odd about one image uint8 (H, W, 3) BGR, and its measures."""
        return Look(sample, (image.shape[0], image.shape[1]))

    def same_truth(self, first: Any, second: Any) -> bool:
        """Whether two samples of one picture say the same."""
        return bool(first == second)

    def of_split(self, split: ImageSplit[Labelled], looks: Sequence[Look[Labelled]]) -> list[Finding]:
        """What is odd about a split as a whole."""
        return []

    def of_both(self, data: ImageData[Labelled]) -> list[Finding]:
        """What is odd about training and validation together."""
        return []

    @abstractmethod
    def statistics(
        self, split: ImageSplit[Labelled], names: Sequence[str], looks: Sequence[Look[Labelled]]
    ) -> dict[str, Any]:
        """Plain numbers of a split, and distributions as `percentiles` gives them."""


def check_images(
    data: ImageData[Labelled], rules: ImageCheck[Labelled], processor: ImageProcessor
) -> CheckedDocuments[Labelled]:
    """Checks every line and image of a dataset; nothing wrong with it is raised.

    The outcome for the same content and settings is kept between runs, so that images are opened once only.

    Args:
        processor: what the images must be fit for.
    """
    splits = {"train": data.train, "val": data.val}
    names = {key: data.names(split) for key, split in splits.items()}
    counted = chain(names["train"], names["val"], data.names_beside())
    content = fingerprint(data.root, counted, NUM_THREADS, data.files, data.label_folder)
    # What is said of lines depends on names and links beside the images that they name: it is part of the key.
    of_lines = [found.to_json() for found in (*data.findings, *data.train.findings, *data.val.findings)]
    told = hashlib.sha256(json.dumps(of_lines).encode()).hexdigest()
    key = {"check": rules.room, "version": [VERSION, rules.version], "fingerprint": content.value, "told": told,
           "files": list(data.files), "settings": rules.settings(), "background": _background(data),
           "shape": processor.shape_settings()}  # fmt: skip
    kept = load_report(key)
    if kept is not None:
        report = CheckReport.from_json(kept | {"root": str(data.root)})
    else:
        report = _report(data, partial(_look, rules=rules, processor=processor), rules, names, content)
        save_report(key, report.to_json())
    if any(found.code == MISSING for found in report.findings):
        places: dict[str, list[str]] = {}
        for which, split in splits.items():
            for sample, name in zip(split.samples, names[which], strict=True):
                places.setdefault(sample.where, []).append(name)
        report = replace(report, findings=missing_findings(data.root.absolute(), report.findings, places))
    faulty = {f"{found.path}:{found.line}" for found in report.errors}
    train, val = ([sample for sample in split.samples if sample.where not in faulty] for split in splits.values())
    return CheckedDocuments(report, train, val)


def _background(data: ImageData[Any]) -> str:
    return next((sample.background for sample in (*data.train.samples, *data.val.samples)), WHITE)


def _report(
    data: ImageData[Labelled],
    look: Callable[[Labelled], Look[Labelled]],
    rules: ImageCheck[Labelled],
    names: dict[str, list[str]],
    content: Fingerprint,
) -> CheckReport:
    findings, statistics = list(data.findings), {}
    for key, split in (("train", data.train), ("val", data.val)):
        looks: list[Look[Labelled]] = []
        with ThreadPoolExecutor(NUM_THREADS) as pool:
            # What waits for a thread takes more memory than what comes of it.
            for start in range(0, len(split.samples), AT_A_TIME):
                looks += pool.map(look, split.samples[start : start + AT_A_TIME])
        statistics[key] = rules.statistics(split, names[key], looks)
        findings += split.findings + [found for look in looks for found in look.findings]
        findings += twin_findings(split.samples, names[key], content.hashes, rules)
        findings += bits_findings(split.file, measures(looks, LARGEST_LEVEL).astype(int).tolist())
        findings += rules.of_split(split, looks)
    findings += leak_findings((data.train.samples, names["train"]), (data.val.samples, names["val"]), content.hashes)
    findings += rules.of_both(data)
    order = {file: place for place, file in enumerate(data.files)}
    findings.sort(key=lambda found: (order.get(found.path, 0), found.line))
    return CheckReport(str(data.root), tuple(findings), statistics, content.value)


def _look(sample: Labelled, rules: ImageCheck[Labelled], processor: ImageProcessor) -> Look[Labelled]:
    try:
        image = sample.read()
        processor.check_shape(image.shape)
        pages, largest = several_pages(sample), largest_level(sample.image)
    except ImageError as error:
        reason = f"{sample.image.name}: {error.reason}"
        return Look(sample, None, [finding(sample, "error", error.code, reason)])
    except TooManyPixels as error:
        return Look(sample, None, [finding(sample, "error", CODE, f"{sample.image.name}: {error}")])
    look = rules.look(sample, image)
    values = look.values if largest is None else look.values | {LARGEST_LEVEL: [largest]}
    return replace(look, values=values, findings=[*pages, *look.findings])


def percentiles(values: Sequence[float] | np.ndarray) -> dict[str, float]:
    """``{"min": …, "p1": …, …, "max": …}``; empty where there is no value."""
    given = np.asarray(values, np.float64)
    if len(given) == 0:
        return {}
    inner = {f"p{share}": value for share, value in zip(PERCENTILES, np.percentile(given, PERCENTILES), strict=True)}
    return {name: round(float(value), 2) for name, value in {"min": given.min(), **inner, "max": given.max()}.items()}


def measures(looks: Sequence[Look[Any]], name: str) -> np.ndarray:
    """What the room measured as `name` in the images that could be read, in a row, float64 (N,)."""
    return np.concatenate([np.zeros(0), *(look.values[name] for look in looks if name in look.values)])


def sizes_of(looks: Sequence[Look[Any]]) -> np.ndarray:
    """Heights and widths of the images that could be read, float64 (N, 2)."""
    return np.asarray([look.size for look in looks if look.size], np.float64).reshape(-1, 2)


def num_documents(names: Sequence[str]) -> int:
    """How many documents the images come from."""
    return len({document_of(name) for name in names})
