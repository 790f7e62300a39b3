"""The pool of a run: which unlabelled samples it has, and what they are taken to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract.module import Module
from plx_train.contract.processor import Processor
from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.few.pool import REST, find_pool
from plx_train.few.spread import directions, spread_labels
from plx_train.few.trust import make_trust
from plx_train.few.twins import twins_of
from plx_train.ground.errors import ConfigError, UserError
from plx_train.metrics.evaluate import network_engine, run_samples
from plx_train.vision.image import IMAGE_SUFFIXES
from plx_train.workflow.dataset import RunData, Splits
from plx_train.workflow.pool_labels import PoolSamples, Told, write_pool
from plx_train.workflow.session import Session

TOGETHER = 16
"""Samples that are looked at together."""


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
    counts = Counter(number for one in splits.train for number in data.room.classes_in(one))
    write_pool(session, data, Told(pool, labels, weights, opinions.origin, counts))


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
