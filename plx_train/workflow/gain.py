"""What a pool brought: the run's figures beside those of labels alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plx_train.config.few_options import OFF
from plx_train.config.options import RunOptions
from plx_train.contract.dataset import Dataset
from plx_train.contract.module import Module
from plx_train.few.stream import odd_use
from plx_train.metrics.direction import LATENCY, SIZE, monitored, sign
from plx_train.report import Picture, PoolSection
from plx_train.runs.facts import read_facts
from plx_train.runs.folder import BASIS, EXPORT, SPOOL_NAME
from plx_train.tracking import read_metrics
from plx_train.train.best import STUDENT
from plx_train.workflow.basis import is_later_round, learns_online, schedule_of
from plx_train.workflow.cost import cost_figures
from plx_train.workflow.dataset import RunData
from plx_train.workflow.other_teacher import OtherTeacher
from plx_train.workflow.pool_labels import classes_of, pool_record
from plx_train.workflow.record import Record
from plx_train.workflow.session import Session

LABELS_ALONE = "labels alone"
WORDS = {
    "images": "images",
    "twins": "left out, for labelled ones show the same",
    "tested": "left out, for test images show the same",
    "unreadable": "can't be read",
    "foreign": "show none of the classes, it seems",
    "utilisation": "trusted",
    "confidence": "mean confidence",
    "drawn": "times it was gone through",
    "ever_drawn": "of it drawn",
    "loss_ratio": "its loss against that of the labels",
    "student": "the run's weights, at the last evaluation",
    "average": "their average, which teaches, at the same",
    SIZE: "MB of this model",
    f"teacher_{SIZE}": "MB of the teacher",
    LATENCY: "ms a sample of this model",
    f"teacher_{LATENCY}": "ms a sample of the teacher",
    "right": "labels right, by those left out",
    "right_of_trusted": "right, by weight",
}
"""Facts of a pool that a report shows."""
LOGGED = ("utilisation", "confidence", "drawn", "ever_drawn", "loss_ratio")
"""The same of what is logged step by step."""
IN_UNITS = ("drawn", "loss_ratio", SIZE, LATENCY, f"teacher_{SIZE}", f"teacher_{LATENCY}")
METRICS = ("student", "average")
Stages = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Gain:
    """What a pool brought.

    Attributes:
        stages: what the run came to with labels alone, and with each use of the pool after that: words and the
            monitored metric; each keeps the best of those before it.
        pool: facts of the pool, by name.
        sentences: what people should be told.
    """

    stages: Stages
    pool: dict[str, Any] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()

    def section(self, pictures: Sequence[Picture]) -> PoolSection | None:
        """What a report says of it; None where there was no pool."""
        if not self.stages:
            return None
        facts = {WORDS[name]: _shown(name, value) for name, value in self.pool.items() if name in WORDS}
        classes = tuple((name, labelled, told) for name, labelled, told in self.pool.get("classes", ()))
        return PoolSection(self.stages, facts, classes, tuple(pictures))

    def figures(self, monitor: str) -> dict[str, float]:
        """What is recorded of it."""
        numbers = {f"pool/{name}": value for name, value in self.pool.items() if isinstance(value, int | float)}
        return {f"labels_alone/{monitor}": self.stages[0][1], **numbers} if self.stages else numbers


NO_POOL = Gain(())


def gain_of(record: Record, data: RunData, module: Module[Any], value: float, val: Dataset) -> Gain:
    """What the pool of a run that is over brought; `NO_POOL` where it had none.

    Args:
        value: of the monitored metric, of the weights that are kept.
    """
    session, other = record.session, record.teacher
    if schedule_of(session.options) == OFF:
        return NO_POOL
    monitor, more = module.monitor, sign(monitored(module))
    stages = (*_stages_of(session.output / BASIS, monitor), (_name(session.options), value))
    told = pool_record(session.output) or {}
    pool = _logged(session, monitor) | {name: told[name] for name in (*WORDS, "classes") if name in told}
    if record.stream is not None and record.stream.teacher is not None:
        pool["classes"] = classes_of(data, record.classes, record.stream.tally.classes)
    first = stages[0][1]
    if other is not None:
        stages, pool = _with_teacher(stages, pool, session, module, other, val)
    is_gain = more * (value - first) > 0
    images = f" of {pool['images']} images" if "images" in pool else ""
    said = (
        f"the pool{images} brought {monitor} from {first:.4f}, with labels alone, to {value:.4f}"
        if is_gain
        else f"no gain: nothing that was learned from the pool{images} is better than labels alone ({monitor} "
        f"{first:.4f}), with whose model this run ends"
    )
    warning = odd_use(pool["utilisation"]) if "utilisation" in pool else None
    return Gain(stages, pool, (said, warning) if warning else (said,))


def _logged(session: Session, monitor: str) -> dict[str, float]:
    """The last of what was logged of the pool, and what weights and their average came to at the last evaluation."""
    logged = read_metrics(session.output / SPOOL_NAME)
    last = {name: logged[f"pool/{name}"][-1][1] for name in LOGGED if f"pool/{name}" in logged}
    of_student, of_average = logged.get(f"val/{STUDENT}{monitor}"), dict(logged.get(f"val/{monitor}", ()))
    if of_student and of_student[-1][0] in of_average:
        step, value = of_student[-1]
        last |= {"student": value, "average": of_average[step]}
    return last


def _with_teacher(
    stages: Stages, pool: dict[str, Any], session: Session, module: Module[Any], other: OtherTeacher, val: Dataset
) -> tuple[Stages, dict[str, Any]]:
    """The same with what the teacher comes to itself, and what both cost whoever runs them."""
    own = cost_figures((LATENCY, SIZE), session.output / EXPORT, val)
    theirs = other.cost(val)
    costs = {f"teacher_{name}": number for name, number in theirs.items()} | own
    value = other.measured(module, val)
    return (stages if value is None else (*stages, (f"the teacher, {other.name}", value))), pool | costs


def _stages_of(folder: Path, monitor: str) -> list[tuple[str, float]]:
    """What the run in `folder`, on which another builds, came to step by step."""
    before = _stages_of(folder / BASIS, monitor) if (folder / BASIS).is_dir() else []
    value = float(read_facts(folder)["metrics"][f"val/{monitor}"])
    return [*before, (f"the pool, round {len(before)}" if before else LABELS_ALONE, value)]


def _name(options: RunOptions) -> str:
    return (
        "the pool, step by step"
        if learns_online(options)
        else (f"the pool, round {options.few.rounds}" if is_later_round(options) else "the pool")
    )


def _shown(name: str, value: float) -> str:
    if name in METRICS:
        return f"{value:.4f}"
    if name in IN_UNITS:
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else f"{value:.1%}"
