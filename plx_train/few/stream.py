"""What comes of the pool beside each labelled batch, with labels that were written before or that a teacher gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.sample import Batch, Sample
from plx_train.data.batches import size_of
from plx_train.data.loader import Loader
from plx_train.distributed import ranks
from plx_train.few.gallery import Gallery
from plx_train.few.teacher import OwnAverage, Teacher
from plx_train.few.trust import TRUSTED, Trust

if TYPE_CHECKING:
    from plx_train.contract.module import Module


@dataclass(frozen=True)
class Ramp:
    """How much the pool counts.

    Attributes:
        weight: of its loss against that of the labels.
        share: of the run in which that rises from 0.
    """

    weight: float
    share: float

    def at(self, progress: float) -> float:
        """The weight where a share `progress` of the run is over."""
        return self.weight * (min(progress / self.share, 1.0) if self.share else 1.0)


LEAST_USED, MOST_USED = 0.01, 0.99
"""Shares of a pool that are trusted, between which a teacher tells something."""
MOST_WAITED = 1000
"""Samples of a pool after which it is told that its teacher doubts all, or nothing."""


def odd_use(share: float) -> str | None:
    """A warning of a teacher who doubts all of a pool, or nothing, by the share that is trusted."""
    if share < LEAST_USED:
        return f"{share:.1%} of the pool is trusted: its teacher knows too little of it to teach anything"
    if share > MOST_USED:
        return f"{share:.1%} of the pool is trusted: few.trust tells nothing apart, its mistakes are learned too"
    return None


@dataclass
class Tally:
    """What was drawn of the pool so far, by all processes."""

    drawn: int = 0
    used: float = 0.0
    """Sum of the weights."""
    trusted: int = 0
    """Samples of a weight above `TRUSTED`."""
    confidence: float = 0.0
    """Sum."""
    classes: dict[str, int] = field(default_factory=dict)
    """Trusted samples that show a class, by its number."""

    def add(self, labels: list[PseudoLabel], weights: np.ndarray) -> None:
        """Takes in a batch."""
        self.drawn += len(labels)
        self.used += float(weights.sum())
        self.trusted += int((weights > TRUSTED).sum())
        self.confidence += sum(label.confidence for label in labels)
        for label, weight in zip(labels, weights.tolist(), strict=True):
            for number in label.classes if weight > TRUSTED else ():
                self.classes[str(number)] = self.classes.get(str(number), 0) + 1


class PoolStream:
    """The pool's batches, and what is made of them.

    Args:
        loader: of batches ready to be learned, or, for a teacher, of views as `raw_views` puts them together.
        ramp: how much they count.
        teacher: labels them; None: they are labelled.
        num_pool: images of the pool, of which the loader may have a part; 0: it has all.
    """

    def __init__(self, loader: Loader, ramp: Ramp, teacher: Teaching | None = None, num_pool: int = 0) -> None:
        self.loader, self.ramp, self.teacher = loader, ramp, teacher
        self.num_pool = num_pool or len(loader.dataset)
        self.tally, self.gallery = Tally(), Gallery()
        self._is_judged = False

    @property
    def has_student(self) -> bool:
        """Whether the run's average teaches the weights that it is of."""
        return self.teacher is not None and isinstance(self.teacher.teacher, OwnAverage)

    def place_of(self, epoch: int, number: int) -> int:
        """How many batches of the pool came before a batch, given by its epoch and its number there."""
        return epoch * self.loader.sampler.batches_per_epoch + number

    def ready(self, batches: list[Batch], average: Any, progress: float) -> list[Batch]:
        """A step's batches, of which the second half is the pool's, with what is to be learned of these.

        Args:
            average: of the weights so far, which a teacher that is the run itself takes over; None: there is none.
            progress: share of the run that is over.
        """
        half, factor = len(batches) // 2, np.float32(self.ramp.at(progress))
        pool = batches[half:]
        if self.teacher is not None:
            self.teacher.follow(average)
            pool = [self._labelled(self.teacher, batch) for batch in pool]
        else:
            self.tally.drawn += int(ranks.counts([sum(map(size_of, pool))]).sum())
        return batches[:half] + [batch | {"weight": batch["weight"] * factor} for batch in pool if batch]

    def _labelled(self, teacher: Teaching, views: Batch) -> Batch:
        # Of a batch that can't be read there is nothing to label; the others of the run still hear of that.
        labels = teacher.labels(views["weak"]) if views else []
        together, weights, own = teacher.weigh(labels)
        self.tally.add(together, weights)
        if not views:
            return {}
        self.gallery.add(views["names"], views["weak"], labels, weights[own])
        return teacher.batch(views, labels, weights[own])

    def figures(self) -> dict[str, float]:
        """What is logged of it; of labels that were written before all else is known."""
        tally = self.tally
        # An epoch of the pool takes each sample once.
        times = tally.drawn / len(self.loader.dataset)
        drawn = {"drawn": times, "ever_drawn": min(times, 1.0) * len(self.loader.dataset) / self.num_pool}
        if self.teacher is None or not tally.drawn:
            return drawn
        shares = {"utilisation": tally.trusted, "weight": tally.used, "confidence": tally.confidence}
        return drawn | {name: number / tally.drawn for name, number in shares.items()}

    def warning(self) -> str | None:
        """What is odd about how much is trusted, once, when enough of the pool was seen to tell."""
        has_seen = self.tally.drawn >= min(len(self.loader.dataset), MOST_WAITED)
        if self.teacher is None or not has_seen or self._is_judged:
            return None
        self._is_judged = True
        return odd_use(self.tally.trusted / self.tally.drawn)

    def state(self) -> dict[str, Any]:
        """All that a checkpoint holds of it, JSON-able."""
        return {"tally": asdict(self.tally), "trust": self.teacher.trust.state() if self.teacher else {}}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes back what `state` gave."""
        self.tally = Tally(**state["tally"])
        if self.teacher:
            self.teacher.trust.restore(state["trust"])


@dataclass
class Teaching:
    """Makes batches of views by what a teacher says of them.

    Attributes:
        teacher: gives predictions of views uint8 (H, W, 3) BGR.
        pseudo_label: what a prediction says in the place of a label.
        soft: learns the scores of all classes, not the likeliest one.
    """

    module: Module[Any]
    teacher: Teacher
    pseudo_label: Callable[[Any], PseudoLabel]
    trust: Trust
    soft: bool = False

    def follow(self, average: Any) -> None:
        """Has a teacher that is the run itself take over what it has learned."""
        self.teacher.follow(average)

    def labels(self, views: list[np.ndarray]) -> list[PseudoLabel]:
        """What the teacher says of views."""
        return [self.pseudo_label(one) for one in self.teacher.predict(views)]

    def weigh(self, labels: list[PseudoLabel]) -> tuple[list[PseudoLabel], np.ndarray, slice]:
        """The labels of all processes of a run, how far each is trusted, float32 (N,), and which are this one's."""
        parts = ranks.gather(labels)
        together = [label for part in parts for label in part]
        every = self.trust.weigh(together) if together else np.zeros(0, np.float32)
        start = sum(map(len, parts[: ranks.rank()]))
        return together, every, slice(start, start + len(labels))

    def batch(self, views: Batch, labels: list[PseudoLabel], weights: np.ndarray) -> Batch:
        """The strong views with what was said of the weak ones; nothing where there was nothing to say of any.

        Views of which nothing was said count as learned with no weight.
        """
        told = [place for place, label in enumerate(labels) if label.can_be_learned]
        share = len(told) / len(labels)
        samples = [
            Sample(
                views["strong"][place],
                None,
                self._target(labels[place], views["strong"][place]),
                views["names"][place],
                share * float(weights[place]),
            )
            for place in told
        ]
        return weighted(self.module, samples) if samples else {}

    def _target(self, label: PseudoLabel, view: np.ndarray) -> Any:
        truth = label.scores if self.soft and label.scores is not None else label.truth
        return self.module.target(truth, (view.shape[0], view.shape[1]))


def weighted(module: Module[Any], samples: list[Sample]) -> Batch:
    """A training batch of the pool: each sample with its weight."""
    return module.collate(samples) | {"weight": np.asarray([sample.weight for sample in samples], np.float32)}


def raw_views(samples: list[Sample]) -> Batch:
    """Views as `TwoViews` makes them, for a teacher to look at: ``weak``, ``strong`` and ``names``, lists."""
    return {
        "weak": [sample.x[0] for sample in samples],
        "strong": [sample.x[1] for sample in samples],
        "names": [sample.name for sample in samples],
    }
