"""What a pool is taken to show, as label files of the run's folder that people can look through and mend."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.data.formats.coco_file import reachable
from plx_train.data.formats.dataset_format import TRAIN, Annotation, Annotations
from plx_train.data.formats.lines import write_label_files
from plx_train.few.trust import TRUSTED
from plx_train.ground.confine import confined
from plx_train.ground.errors import UserError
from plx_train.ground.files import read_limited
from plx_train.ground.parsed import parse_json
from plx_train.ground.spreadsheet import csv_text
from plx_train.runs.folder import MOST_RECORD_BYTES, POOL, POOL_FILE, POOL_TABLE
from plx_train.vision.image import image_size
from plx_train.workflow.dataset import RunData
from plx_train.workflow.pool_look import LABELLED, OF_TEST, OF_VALIDATION, UNREADABLE
from plx_train.workflow.session import Session

LEAST_WEIGHT = 0.05
"""What weighs less is not learned: a step would be spent on next to nothing."""
COLUMNS = ("image", "label", "weight", "confidence", "origin")


@dataclass(frozen=True)
class PoolSamples:
    """Unlabelled samples.

    Attributes:
        root: the folder that holds all their images.
        samples: in order, without those that are left out.
        left_out: how many these are, by `pool_look.WORDS`.
        has_truth: whether labels that were left out say what they show, for figures alone.
    """

    root: Path
    samples: list[Any]
    left_out: Counter[str] = field(default_factory=Counter)
    has_truth: bool = False


@dataclass(frozen=True)
class Told:
    """What was said of a pool.

    Attributes:
        weights: how far each label is trusted, float32 (N,).
        origin: who said it, in words.
        labelled: how many labelled samples show each class, by number.
    """

    pool: PoolSamples
    labels: Sequence[PseudoLabel]
    weights: np.ndarray
    origin: str
    labelled: Counter[int]


def write_pool(session: Session, data: RunData, told: Told) -> None:
    """Writes label file, table and record into the run's folder; the record last, for it says that all is there."""
    folder, options, left_out = session.output / POOL, session.options, told.pool.left_out
    folder.mkdir(exist_ok=True)
    root = told.pool.root.absolute()
    names = [one.image.relative_to(root).as_posix() for one in told.pool.samples]
    file, places = write_labels(options, data, root, folder, list(zip(names, told.labels, strict=True)))
    rows = [
        (names[place], told.labels[place].words, round(float(told.weights[place]), 4),
         round(told.labels[place].confidence, 4), told.origin)
        for place in places
    ]  # fmt: skip
    (folder / POOL_TABLE).write_text(csv_text([COLUMNS, *rows]), "utf-8")
    record = {
        "root": str(root),
        "file": file,
        "labels": {name: [label, weight] for name, label, weight, *_ in rows},
        "origin": told.origin,
        "images": len(names),
        "twins": left_out[LABELLED] + left_out[OF_VALIDATION],
        "tested": left_out[OF_TEST],
        "unreadable": left_out[UNREADABLE],
        "foreign": sum(not label.can_be_learned for label in told.labels),
        "confidence": float(np.mean([label.confidence for label in told.labels])),
        "utilisation": float((told.weights > TRUSTED).mean()),
        "classes": classes_of(data, told.labelled, trusted_classes(told)),
        **_right(data, told),
    }
    (folder / POOL_FILE).write_text(json.dumps(record, ensure_ascii=True), "utf-8")


def write_labels(
    options: Any, data: RunData, root: Path, folder: Path, labels: Sequence[tuple[str, PseudoLabel]]
) -> tuple[str, list[int]]:
    """Writes what images in `root` are taken to show into `folder`; the label file, and the places of what is in it."""
    truth, classes = data.room.truth(options.module), data.room.known_classes(data.processor)
    assert truth is not None
    found = Annotations(truth, labels=tuple(classes))
    found.splits[TRAIN] = [Annotation(name, label.truth, POOL, place) for place, (name, label) in enumerate(labels)]
    size_of = reachable(root, image_size)
    written = write_label_files(folder, found, size_of, classes, data.room.class_file(options.module))
    return written.files[TRAIN], [place for _, place in written.origins[written.files[TRAIN]]]


def trusted_classes(told: Told) -> dict[str, int]:
    """How many trusted samples show each class, by its number."""
    pairs = zip(told.labels, told.weights.tolist(), strict=True)
    return Counter(str(number) for label, weight in pairs if weight > TRUSTED for number in label.classes)


def classes_of(data: RunData, labelled: Counter[int], trusted: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Name of each class with how many labelled samples, and how many trusted ones of the pool, show it."""
    names = data.room.known_classes(data.processor)
    return [(name, labelled[number], trusted.get(str(number), 0)) for number, name in enumerate(names)]


def _right(data: RunData, told: Told) -> dict[str, float]:
    """How often the labels are right, where those that were left out say it and samples have one class."""
    if not told.pool.has_truth:
        return {}
    true = [tuple(data.room.classes_in(sample)) for sample in told.pool.samples]
    if any(len(each) != 1 for each in true):
        return {}
    right = np.asarray([label.classes == each for label, each in zip(told.labels, true, strict=True)])
    share = float((right * told.weights).sum() / max(told.weights.sum(), 1e-9))
    return {"right": float(right.mean()), "right_of_trusted": share}


def pool_record(folder: Path) -> dict[str, Any] | None:
    """The record of the pool that a run's folder holds; None where no labels were written there."""
    try:
        found: dict[str, Any] = parse_json(read_limited(folder / POOL / POOL_FILE, MOST_RECORD_BYTES))
        confined(folder / POOL, found["file"], str(folder / POOL / POOL_FILE))
        Path(found["root"]), found["labels"].items()
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(
            f"{folder / POOL / POOL_FILE} can't be read: delete it to have the pool labelled again"
        ) from None
    return found


def read_pool(folder: Path, options: Any, data: RunData) -> list[Any]:
    """The samples of a pool with what they are taken to show, each with its weight.

    The label file may have been mended meanwhile: a line that the record does not know counts fully.

    Args:
        folder: of the run.
    """
    record = pool_record(folder)
    assert record is not None
    root, file = Path(record["root"]), record["file"]
    weights = {name: weight for name, (_, weight) in record["labels"].items()}
    samples = read_labels(options, data, root, folder / POOL, file)
    return [replace(one, weight=weights.get(one.image.relative_to(root).as_posix(), 1.0)) for one in samples]


def read_labels(options: Any, data: RunData, root: Path, folder: Path, file: str) -> list[Any]:
    """The samples of a label file in `folder`, whose images lie in `root`."""
    dataset = replace(options.dataset, root=str(root), train=file, val=file, label_folder=str(folder))
    samples: list[Any] = data.room.read(dataset, options.module).train.samples
    return samples
