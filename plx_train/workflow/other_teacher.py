"""A finished model that teaches: found, opened, and heard in the words of the run that learns from it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from plx_train.config.options import RunOptions
from plx_train.contract.dataset import Dataset
from plx_train.contract.module import Module
from plx_train.contract.pseudo_label import PseudoLabel
from plx_train.contract.room import AnyRoom
from plx_train.contract.truth import Outline
from plx_train.few.teacher import Teacher
from plx_train.ground.errors import ConfigError
from plx_train.metrics.direction import LATENCY, SIZE
from plx_train.workflow.cost import cost_figures
from plx_train.workflow.dataset import RunData
from plx_train.workflow.pool import TOGETHER
from plx_train.workflow.pool_labels import PoolSamples
from plx_train.workflow.teacher_folder import exported_teacher

if TYPE_CHECKING:
    from plx_train.export.predictor import Predictor


@dataclass(frozen=True)
class OtherTeacher(Teacher):
    """A finished model of the same kind.

    Attributes:
        name: as the user gave it.
        own: names of the classes of the run that learns, by number.
    """

    name: str
    room: AnyRoom
    predictor: Predictor
    own: tuple[str, ...]

    def predict(self, views: list[np.ndarray]) -> list[Any]:
        """What it finds in images uint8 (H, W, 3) BGR."""
        found: list[Any] = self._doubting.predict(views)
        return found

    @cached_property
    def _doubting(self) -> Predictor:
        told = self.room.doubting(self.predictor.processor)
        return self.predictor.with_settings(**{one.name: getattr(told, one.name) for one in fields(told)})

    def labels(self, pool: PoolSamples) -> list[PseudoLabel]:
        """What each sample of a pool shows."""
        pictures = (sample.part(sample.read()) for sample in pool.samples)
        return [self.pseudo_label(one) for few in batched(pictures) for one in self.predict(few)]

    def pseudo_label(self, prediction: Any) -> PseudoLabel:
        """What a prediction says, by the classes of the run that learns; of others nothing is heard."""
        processor = self.predictor.processor
        label, known = self.room.pseudo_label(processor, prediction), self.room.known_classes(processor)
        return label if tuple(known) == self.own else _translated(label, known, self.own)

    def measured(self, module: Module[Any], val: Dataset) -> float | None:
        """The monitored metric of the teacher itself; None where its classes are others."""
        if tuple(self.room.known_classes(self.predictor.processor)) != self.own:
            return None
        metric, unused = module.new_metric(), np.random.default_rng(0)
        for index in range(len(val)):
            metric.update(self.predictor.predict(val.original(index)), replace(val.get(index, unused), x=None))
        return metric.compute()[module.monitor]

    def cost(self, val: Dataset) -> dict[str, float]:
        """Milliseconds of a sample, and 10^6 bytes of its files."""
        return cost_figures((LATENCY, SIZE), self.predictor.folder, val)


def _translated(label: PseudoLabel, known: Any, own: tuple[str, ...]) -> PseudoLabel:
    places = {number: own.index(name) for number, name in enumerate(known) if name in own}
    classes = tuple(places[number] for number in label.classes if number in places)
    if label.scores is not None:
        scores = np.zeros(len(own))
        for number, place in places.items():
            scores[place] = label.scores[number]
        if isinstance(label.truth, str):
            best = int(scores.argmax())
            return PseudoLabel(own[best], float(scores[best]), (best,), scores / max(scores.sum(), 1e-9))
        names = tuple(name for name in label.truth if isinstance(name, str) and name in own)
        return replace(label, truth=names, classes=classes, scores=scores)
    outlines = tuple(one for one in label.truth if isinstance(one, Outline) and one.label in own)
    return replace(label, truth=outlines, classes=classes)


def other_teacher(options: RunOptions, data: RunData) -> OtherTeacher:
    """The model that ``teacher=`` names.

    Raises:
        UserError: there is none.
        ConfigError: it is of another module, or knows none of the classes.
    """
    from plx_train.export.predictor import Predictor

    name, predictor = str(options.teacher), Predictor(exported_teacher(options), engine="auto")
    own, known = (tuple(data.room.known_classes(one)) for one in (data.processor, predictor.processor))
    if own and not {*own} & {*known}:
        raise ConfigError(f"teacher={name} knows none of the classes {', '.join(own[:5])}: it can't teach them")
    return OtherTeacher(name, data.room, predictor, own)


def batched(pictures: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """A few of them at a time."""
    rest = iter(pictures)
    while few := list(itertools.islice(rest, TOGETHER)):
        yield few
