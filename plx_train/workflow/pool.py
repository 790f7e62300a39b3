"""The pool of a run: which unlabelled samples it has, and what they are taken to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract.module import Module
from plx_train.contract.processor import Processor
from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.room import AnyRoom
from plx_train.contract.sample import Sample
from plx_train.few.directions import directions
from plx_train.few.pool import REST
from plx_train.few.spread import spread_labels
from plx_train.few.trust import TRUSTED, make_trust
from plx_train.ground.errors import UserError
from plx_train.metrics.evaluate import network_engine, run_samples
from plx_train.runs.folder import POOL
from plx_train.workflow.dataset import RunData, Splits
from plx_train.workflow.pool_labels import PoolSamples, Told, write_pool
from plx_train.workflow.pool_listing import listed_pool
from plx_train.workflow.pool_look import look_at_pool
from plx_train.workflow.session import Session

TOGETHER = 16
"""Samples that are looked at together."""


def pool_samples(session: Session, data: RunData, splits: Splits) -> PoolSamples:
    """The unlabelled samples that the run's options name.

    Raises:
        UserError: there are none.
    """
    options, given = session.options, session.options.dataset.pool
    if given is None:
        return PoolSamples(Path(options.dataset.root), list(splits.train))
    listed = None if given == REST else listed_pool(session)
    look = look_at_pool(options, data, splits, (session.output,), listed, has_repeats=False)
    if not look.kept:
        raise UserError(f"dataset.pool={given} leaves nothing to learn: {look}")
    if look.counts:
        session.console.info(f"pool: {look}")
    return PoolSamples(look.root, look.kept, look.counts, given == REST)


Says = Callable[[PoolSamples], list[PseudoLabel]]
"""Says what each sample of a pool shows."""


def label_pool(session: Session, data: RunData, splits: Splits, says: Says, origin: str) -> None:
    """Writes what the pool is taken to show into the run's folder.

    Args:
        origin: who says it, in words.
    """
    pool = pool_samples(session, data, splits)
    session.console.info(f"pool: {len(pool.samples)} images, which are labelled now by {origin}")
    labels = says(pool)
    trust = make_trust(session.options.few.trust, session.options.few.threshold)
    weights = trust.weigh(labels) * np.asarray([label.can_be_learned for label in labels], np.float32)
    session.console.info(
        f"pool: {(weights > TRUSTED).mean():.0%} of it is trusted; all of it is in {session.output / POOL}"
    )
    counts = Counter(number for one in splits.train for number in data.room.classes_in(one))
    write_pool(session, data, Told(pool, labels, weights, origin, counts))


def by_network(
    room: AnyRoom, network: Module[Any], processor: Processor, samples: Sequence[Any], num_threads: int = 1
) -> list[PseudoLabel]:
    """What a network finds in samples.

    Args:
        processor: of its predictions.
    """
    doubting = room.doubting(processor)

    def finish(sample: Sample, output: np.ndarray) -> PseudoLabel:
        return room.pseudo_label(processor, doubting.postprocess(output, sample.context))

    dataset = network.dataset(samples, "val", 0)
    return [label for _, label in run_samples(network, network_engine(network), dataset, num_threads, finish=finish)]


def by_neighbours(
    data: RunData, labelled: Sequence[Any], looks: Sequence[tuple[Module[Any], Processor]], pool: PoolSamples
) -> list[PseudoLabel]:
    """What labels of one class each say through neighbours: more than a network that has learned of them alone.

    Args:
        looks: networks in whose features neighbours are looked for, and how each is shown the samples.
    """
    classes = [data.room.classes_in(sample)[0] for sample in labelled]
    samples = [*labelled, *pool.samples]
    seen = [directions(features_of(module, samples, processor)) for module, processor in looks]
    names = data.room.known_classes(data.processor)
    found = []
    spread = spread_labels(np.concatenate(seen, axis=1), classes, len(names))
    for scores, is_reached in zip(spread.scores[len(classes) :], spread.is_reached[len(classes) :], strict=True):
        best = int(scores.argmax())
        found.append(PseudoLabel(names[best], float(scores[best]), (best,), scores, bool(is_reached)))
    return found


def features_of(module: Module[Any], samples: Sequence[Any], processor: Processor | None = None) -> list[np.ndarray]:
    """What the network sees in each sample, float32 (N, features) of each of its depths.

    Args:
        processor: shows it the samples; its own where it is None.

    Raises:
        UserError: an image can't be read, or the network does not say what it sees.
    """
    own = module.processor
    module.processor = processor or own
    try:
        return _features(module, samples)
    finally:
        module.processor = own


def _features(module: Module[Any], samples: Sequence[Any]) -> list[np.ndarray]:
    dataset, unused = module.dataset(samples, "val", 0), np.random.default_rng(0)
    module.eval_mode()
    found, together = list[list[np.ndarray]](), list[Sample]()
    for index in range(len(dataset)):
        sample = dataset.get(index, unused)
        # What is padded to the size of others would look like them.
        if together and (len(together) == TOGETHER or _shapes(sample) != _shapes(together[0])):
            found.append(module.features(module.collate_eval(together)))
            together = []
        together.append(sample)
    found.append(module.features(module.collate_eval(together)))
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _shapes(sample: Sample) -> list[tuple[int, ...]]:
    return [np.shape(part) for part in (sample.x if isinstance(sample.x, tuple) else (sample.x,))]
