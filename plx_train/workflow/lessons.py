"""What a run learns beside its labels: a pool, who says what it shows, and the weights that it must beat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plx_train.config.few_options import OFF
from plx_train.config.options import RunOptions
from plx_train.contract.module import Module
from plx_train.contract.processor import Processor
from plx_train.data.loader import Loader, Sampler
from plx_train.distributed import ranks
from plx_train.few.step import StepParts, step_parts
from plx_train.few.stream import PoolStream, Ramp, Teaching, raw_views, weighted
from plx_train.few.teacher import OwnAverage
from plx_train.few.trust import make_trust
from plx_train.machine.device import OpenDevice
from plx_train.runs.checkpoint import load_checkpoint
from plx_train.runs.folder import BASIS, POOL, POOL_FILE, best_checkpoint
from plx_train.vision.samples import ImageDataset
from plx_train.vision.strong import StrongViews, TwoViews
from plx_train.workflow.basis import is_later_round, learns_online, schedule_of
from plx_train.workflow.dataset import RunData, Splits, trained_processor
from plx_train.workflow.gain import LABELS_ALONE
from plx_train.workflow.other_teacher import OtherTeacher, other_teacher
from plx_train.workflow.pool import Says, by_neighbours, by_network, label_pool, pool_samples
from plx_train.workflow.pool_labels import LEAST_WEIGHT, pool_record, read_pool
from plx_train.workflow.session import Session
from plx_train.workflow.source import Source, load_source

if TYPE_CHECKING:
    from plx_train.train.parts import Contender

ROUND_BEFORE = "the round before"
LEAST_LEARNED = 5
"""Labels a class from which on a network that learned of them alone is asked: one of fewer sees less than before."""
NOTHING_TOLD = (
    "the teacher finds nothing in the pool that could be learned, for it knows too few labels: label more, or "
    "name one that knows more by teacher="
)


@dataclass(frozen=True)
class Lessons:
    """What a run learns beside its labels.

    Attributes:
        stream: makes the pool's batches for the module that is trained; None: there is no pool.
        contenders: weights that must be beaten.
        other: a finished model that teaches.
    """

    stream: Callable[[Module[Any], OpenDevice], PoolStream] | None = None
    contenders: tuple[Contender, ...] = ()
    other: OtherTeacher | None = None

    @contextmanager
    def opened(self, module: Module[Any], device: OpenDevice) -> Iterator[PoolStream | None]:
        """The pool's batches for the module that is trained, whose loader works inside."""
        if self.stream is None:
            yield None
            return
        stream = self.stream(module, device)
        with closing(stream.loader):
            yield stream


NONE = Lessons()


def open_lessons(
    session: Session, data: RunData, splits: Splits, module: Module[Any], folder: Path | None = None
) -> Lessons:
    """The run's lessons; its pool is labelled first, where that was not done yet.

    Args:
        module: with the weights that training begins with, where nothing is labelled yet.
        folder: of the run whose labels of the pool and basis hold; None: this run's.
    """
    options = session.options
    if schedule_of(options) == OFF:
        return NONE
    from plx_train.train.parts import Contender

    folder = folder or session.output
    best = best_checkpoint(folder / BASIS)
    contenders = (Contender(ROUND_BEFORE if is_later_round(options) else LABELS_ALONE, best),)
    other = other_teacher(options, data) if options.teacher else None
    if learns_online(options):
        return Lessons(partial(_online, session, data, splits, other, best), contenders, other)
    if ranks.rank() == 0 and not (folder / POOL / POOL_FILE).is_file():
        says = other.labels if other else _own_opinion(session, data, splits, module, best)
        label_pool(session, data, splits, says, other.name if other else contenders[0].name)
    ranks.meet("pool")
    samples = [one for one in read_pool(folder, options, data) if one.weight >= LEAST_WEIGHT]
    if not samples:
        session.console.warn(NOTHING_TOLD)
        return Lessons(None, contenders, other)
    num_pool = (pool_record(folder) or {}).get("images", 0)
    return Lessons(partial(_written, session, splits, samples, num_pool), contenders, other)


def _own_opinion(session: Session, data: RunData, splits: Splits, module: Module[Any], best: Path) -> Says:
    """What is said of the pool by what the run has learned so far, whose weights lie in `best`."""
    labelled = [*splits.train, *splits.holdout]
    classes = [tuple(data.room.classes_in(sample)) for sample in labelled]
    has_one_class = all(len(each) == 1 for each in classes)
    has_learned = is_later_round(session.options) or len(classes) >= LEAST_LEARNED * len(set(classes))
    if has_one_class and module.is_fine_tuning and not has_learned:
        return partial(by_neighbours, data, labelled, ((module, _largest(session, data, module)),))
    teacher = load_source(session.options, data, Source(best, None, None))
    if has_one_class:
        looks = ((teacher, teacher.processor), (module, _largest(session, data, module)))
        return partial(by_neighbours, data, labelled, looks)
    processor = trained_processor(data.room, best)
    return lambda pool: by_network(data.room, teacher, processor, pool.samples)


def _largest(session: Session, data: RunData, module: Module[Any]) -> Processor:
    """What shows the network with its first weights the images as large as it was used to see them."""
    size = session.options.few.size
    return data.room.looks(module.processor, size)[-1] if size else module.processor


def parts_of_step(options: RunOptions, splits: Splits) -> StepParts:
    """What a step is made of beside a pool."""
    return step_parts(options.trainer.batch_size, options.few.ratio, len(splits.train))


def _written(
    session: Session, splits: Splits, samples: list[Any], num_pool: int, module: Module[Any], device: OpenDevice
) -> PoolStream:
    """Batches of what was labelled before, of a pool of so many images."""
    few = session.options.few
    dataset = module.dataset(samples, "train", session.options.dataset.cache_mb)
    assert isinstance(dataset, ImageDataset) and dataset.change is not None
    dataset.change = StrongViews(dataset.change, module.strength)  # type: ignore[attr-defined]
    loader = _loader(session, splits, dataset, device, partial(weighted, module))
    return PoolStream(loader, Ramp(few.weight, 0.0), num_pool=num_pool)


def _online(
    session: Session,
    data: RunData,
    splits: Splits,
    other: OtherTeacher | None,
    best: Path,
    module: Module[Any],
    device: OpenDevice,
) -> PoolStream:
    """Batches that a teacher labels at their step; who is taught by the run itself begins with what it has learned."""
    options, few = session.options, session.options.few
    pool = pool_samples(session, data, splits)
    dataset = module.dataset(pool.samples, "train", options.dataset.cache_mb)
    assert isinstance(dataset, ImageDataset) and dataset.change is not None
    dataset.change = TwoViews(dataset.change, module.strength)  # type: ignore[attr-defined]
    loader = _loader(session, splits, dataset, device, raw_views)
    trust = make_trust(few.trust, few.threshold)
    if other is not None:
        return PoolStream(loader, Ramp(few.weight, 0.0), Teaching(module, other, other.pseudo_label, trust, True))
    module.network.set_state_dict(load_checkpoint(best)[0]["network"])
    processor = trained_processor(data.room, best)
    teacher = OwnAverage(data.build(options, module.is_fine_tuning), module, data.room.doubting(processor))
    pseudo_label = partial(data.room.pseudo_label, processor)
    return PoolStream(loader, Ramp(few.weight, few.ramp), Teaching(module, teacher, pseudo_label, trust))


def _loader(
    session: Session, splits: Splits, dataset: ImageDataset[Any], device: OpenDevice, collate: Callable[..., Any]
) -> Loader:
    options, size = session.options, parts_of_step(session.options, splits).pool
    # Another order than that of the labelled samples, which have the run's own seed.
    order = (True, ranks.num_ranks(), ranks.rank(), dataset.groups())
    sampler = Sampler(len(dataset), size, options.seed + 1, *order)
    return Loader(dataset, sampler, collate, device.num_workers, skips_unreadable=True)
