"""The pool of a run: which unlabelled samples it has, and what they are taken to show."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract.module import Module
from plx_train.contract.processor import Processor
from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.data.formats.coco_file import reachable
from plx_train.data.formats.dataset_format import TRAIN, Annotation, Annotations
from plx_train.data.formats.lines import write_label_files
from plx_train.few.pool import REST, find_pool
from plx_train.few.spread import directions, spread_labels
from plx_train.few.trust import make_trust
from plx_train.few.twins import twins_of
from plx_train.ground.errors import ConfigError, UserError
from plx_train.ground.files import read_limited
from plx_train.ground.spreadsheet import csv_text
from plx_train.metrics.evaluate import network_engine, run_samples
from plx_train.runs.folder import MOST_RECORD_BYTES, POOL, POOL_FILE, POOL_TABLE
from plx_train.vision.image import IMAGE_SUFFIXES, image_size
from plx_train.workflow.dataset import RunData, Splits
from plx_train.workflow.session import Session

TOGETHER = 16
"""Samples that are looked at together."""
LEAST_WEIGHT = 0.05
"""What weighs less is left out of the label file: nothing would be learned of it."""


@dataclass(frozen=True)
class PoolSamples:
    """Unlabelled samples.

    Attributes:
        root: the folder that holds all their images.
        samples: in order, without those that validation holds too.
        num_twins: how many were left out for that.
        hidden: what the labels say that were left out, for figures alone; None where there are none.
    """

    root: Path
    samples: list[Any]
    num_twins: int = 0
    hidden: list[Any] | None = None


def pool_samples(options: Any, data: RunData, splits: Splits) -> PoolSamples:
    """The unlabelled samples that the run's options name.

    Raises:
        UserError: there are none.
    """
    given, root = options.dataset.pool, Path(options.dataset.root)
    if given is None:
        found, root = list(splits.train), root
    elif given == REST:
        if not splits.rest:
            raise ConfigError(
                "dataset.pool=rest: no label is left out: say how many are kept, as in dataset.labelled=10%"
            )
        found = splits.rest
    else:
        pool = find_pool(given, root, IMAGE_SUFFIXES)
        root = pool.root
        found = [data.room.unlabelled(path, name) for name, path in pool.paths()]
    twins = twins_of(found, splits.val) if given else np.zeros(len(found), bool)
    kept = [one for one, is_twin in zip(found, twins, strict=True) if not is_twin]
    if not kept:
        raise UserError(
            f"dataset.pool={given}: all its pictures are in the validation split too, and must not be learned"
        )
    return PoolSamples(root, kept, int(twins.sum()), kept if given == REST else None)


@dataclass(frozen=True)
class Opinions:
    """Who says what the pool shows.

    Attributes:
        teacher: predicts.
        processor: of its predictions.
        seen_by: networks in whose features neighbours are looked for: the teacher's, and that of the first weights.
        origin: who the teacher is, in words.
    """

    teacher: Module[Any]
    processor: Processor
    seen_by: tuple[Module[Any], ...]
    origin: str


def label_pool(session: Session, data: RunData, splits: Splits, opinions: Opinions) -> None:
    """Writes what the pool is taken to show into the run's folder."""
    pool = pool_samples(session.options, data, splits)
    labels = _labels_of(data, splits, pool, opinions)
    weights = make_trust(session.options.few.trust, session.options.few.threshold).weigh(labels)
    _write(session, data, pool, labels, weights, opinions.origin)


def _labels_of(data: RunData, splits: Splits, pool: PoolSamples, opinions: Opinions) -> list[PseudoLabel]:
    labelled = [*splits.train, *splits.holdout]
    classes = [data.room.classes_in(sample) for sample in labelled]
    if classes and all(len(each) == 1 for each in classes):
        return _by_neighbours(data, [each[0] for each in classes], labelled, pool, opinions)
    teacher, processor = opinions.teacher, data.room.doubting(opinions.processor)
    done = run_samples(teacher, network_engine(teacher), teacher.dataset(pool.samples, "val", 0), 1)
    found = ((processor.postprocess(output, sample.context)) for sample, output in done)
    return [data.room.pseudo_label(opinions.processor, prediction) for prediction in found]


def _by_neighbours(
    data: RunData, classes: Sequence[int], labelled: Sequence[Any], pool: PoolSamples, opinions: Opinions
) -> list[PseudoLabel]:
    """What labels say through neighbours, which is more than a network says that has learned of them alone."""
    seen = [directions(features_of(module, [*labelled, *pool.samples])) for module in opinions.seen_by]
    names = data.room.known_classes(opinions.processor)
    found = []
    for scores in spread_labels(np.concatenate(seen, axis=1), classes, len(names))[len(classes) :]:
        best = int(scores.argmax())
        found.append(PseudoLabel(names[best], float(scores[best]), (best,), scores))
    return found


def features_of(module: Module[Any], samples: Sequence[Any]) -> np.ndarray:
    """What the network sees in each sample, float32 (N, features)."""
    dataset, unused = module.dataset(samples, "val", 0), np.random.default_rng(0)
    module.eval_mode()
    batches = (range(start, min(start + TOGETHER, len(dataset))) for start in range(0, len(dataset), TOGETHER))
    return np.concatenate(
        [module.features(module.collate_eval([dataset.get(index, unused) for index in batch])) for batch in batches]
    )


def _write(
    session: Session,
    data: RunData,
    pool: PoolSamples,
    labels: Sequence[PseudoLabel],
    weights: np.ndarray,
    origin: str,
) -> None:
    folder, options = session.output / POOL, session.options
    folder.mkdir(exist_ok=True)
    truth = data.room.truth(options.module)
    assert truth is not None
    names = [one.image.relative_to(pool.root.absolute()).as_posix() for one in pool.samples]
    kept = [place for place, weight in enumerate(weights.tolist()) if weight >= LEAST_WEIGHT]
    told = [Annotation(names[place], labels[place].truth, POOL, place) for place in kept]
    annotations = Annotations(truth, {TRAIN: told})
    classes = data.room.known_classes(data.processor)
    annotations.labels = tuple(classes)
    written = write_label_files(
        folder, annotations, reachable(pool.root, image_size), classes, data.room.class_file(options.module)
    )
    places = [place for _, place in written.origins[written.files[TRAIN]]]
    rows = [
        (names[place], round(float(weights[place]), 4), round(labels[place].confidence, 4), origin) for place in places
    ]
    (folder / POOL_TABLE).write_text(csv_text([("image", "weight", "confidence", "origin"), *rows]), "utf-8")
    record = {
        "root": str(pool.root.absolute()),
        "file": written.files[TRAIN],
        "weights": [round(float(weights[place]), 6) for place in places],
        "origin": origin,
        "images": len(pool.samples),
        "twins": pool.num_twins,
        "confidence": float(np.mean([label.confidence for label in labels])),
        "utilisation": float((weights > 0.5).mean()),
        "classes": dict(Counter(number for place in kept for number in labels[place].classes)),
        **_right(data, pool, labels, weights),
    }
    (folder / POOL_FILE).write_text(json.dumps(record, ensure_ascii=True), "utf-8")


def _right(data: RunData, pool: PoolSamples, labels: Sequence[PseudoLabel], weights: np.ndarray) -> dict[str, float]:
    """How often the labels are right, where those that were left out say it and samples have one class."""
    if pool.hidden is None:
        return {}
    true = [tuple(data.room.classes_in(sample)) for sample in pool.hidden]
    if any(len(each) != 1 for each in true):
        return {}
    right = np.asarray([label.classes == each for label, each in zip(labels, true, strict=True)])
    return {"right": float(right.mean()), "right_of_trusted": float((right * weights).sum() / max(weights.sum(), 1e-9))}


def read_pool(folder: Path, options: Any, data: RunData) -> list[Any]:
    """The samples of the pool with what they are taken to show, as `label_pool` wrote them.

    Args:
        folder: of the run.
    """
    record = json.loads(read_limited(folder / POOL / POOL_FILE, MOST_RECORD_BYTES))
    place, file = folder / POOL, record["file"]
    dataset = replace(options.dataset, root=record["root"], train=file, val=file, label_folder=str(place))
    read = data.room.read(dataset, options.module).train.samples
    by_line = {one.where: one for one in read}
    lines = [one.where for one in read]
    weights = dict(zip(lines, record["weights"], strict=True))
    return [replace(one, weight=weights[where]) for where, one in by_line.items()]
