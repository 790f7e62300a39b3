"""A training run in one process, which may be one of several: check, weights, loop, conclusion."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

from plx_train.config.compose import Composed
from plx_train.contract.dataset import Dataset
from plx_train.contract.module import Members, Module
from plx_train.data.loader import Loader, Sampler
from plx_train.distributed import ranks
from plx_train.few.pool import REST
from plx_train.ground.durations import parse_duration
from plx_train.ground.errors import ConfigError, DataError
from plx_train.machine.determinism import determinism
from plx_train.machine.device import OpenDevice
from plx_train.metrics.evaluate import network_engine
from plx_train.runs.folder import CHECKPOINTS, CONFIG_FILE, DATASET_FILE
from plx_train.runs.result import RunResult
from plx_train.train.batch_norm import batch_norms
from plx_train.train.checkpoints import Keeper, Retention, is_whole, step_checkpoints
from plx_train.train.state import LoopState
from plx_train.weights import Coverage
from plx_train.workflow.conclude import conclude
from plx_train.workflow.dataset import RunData, Splits, open_data, starting_weights
from plx_train.workflow.device import start_device
from plx_train.workflow.lessons import NONE, Lessons, open_lessons, parts_of_step
from plx_train.workflow.measured_before import first_evaluation
from plx_train.workflow.pool_listing import listed_pool
from plx_train.workflow.record import Record, recording
from plx_train.workflow.resume import Continuation, check_same_data
from plx_train.workflow.session import Session, make_evaluator

MOST_REPEATS = 20
"""Times that labelled samples are gone through at most beside a pool, in an epoch."""

if TYPE_CHECKING:
    from plx_train.train.learner import Learner
    from plx_train.train.loop import TrainResult
    from plx_train.train.parts import Training


def durations(composed: Composed) -> tuple[float | None, float | None]:
    """Seconds that the run may take, and between checkpoints."""
    trainer = composed.options.trainer
    return parse_duration(trainer.max_time, "trainer.max_time"), parse_duration(
        trainer.save_interval, "trainer.save_interval"
    )


def run_here(session: Session, continuation: Continuation | None, members: Members) -> RunResult:
    """The run in this process, which may be one of several; its folder is locked."""
    options = session.options
    data = open_data(session)
    if continuation:
        check_same_data(continuation, data.report.fingerprint)
    splits = data.split(options)
    if not splits.train or not splits.val:
        raise DataError(f"{options.dataset.root} leaves no sample to train or evaluate on")
    session.ended("data")
    device = start_device(options)
    session.console.info(f"device: {device.note}")
    module, coverage = build_module(session, data, loads_weights=not _is_begun(session))
    lessons = open_lessons(session, data, splits, module)
    session.ended("device and weights")
    with recording(session, data.report, coverage, determinism(options, device), continuation) as record:
        _record_labels(record, splits)
        record.teacher = lessons.other
        record.classes = Counter(number for one in splits.train for number in data.room.classes_in(one))
        result = train_module(record, module, splits, device, members, lessons=lessons)
        session.ended("training and evaluations")
        if ranks.rank():
            return RunResult("train", session.output)
        return conclude(record, data, module, module.dataset(splits.val, "val", 0), result, device)


def _is_begun(session: Session) -> bool:
    """Whether a checkpoint has the weights to go on with."""
    return bool(session.options.resume and step_checkpoints(session.output / CHECKPOINTS))


def _record_labels(record: Record, splits: Splits) -> None:
    """How many labelled samples are learned from, those that calibrate post-processing among them."""
    if ranks.rank() == 0 and "labelled" not in record.facts:
        number = len(splits.train) + len(splits.holdout)
        record.write(labelled=number)
        record.tracker.log_metrics({"data/labelled": float(number)}, 0)


def weights_to_load(session: Session) -> str | None:
    """What the run's weights are going to be read from; None from scratch, or where a checkpoint has them."""
    return None if _is_begun(session) else starting_weights(session.options)


def build_module(session: Session, data: RunData, loads_weights: bool = True) -> tuple[Module[Any], Coverage | None]:
    """The module on the open device, with its starting weights unless a checkpoint is to give them.

    Raises:
        WeightsError: the weights can't be found or don't fit.
    """
    import paddle

    from plx_train.weights import load_weights

    options = session.options
    source = starting_weights(options)
    with paddle.utils.unique_name.guard():
        module = data.build(options, is_fine_tuning=source is not None)
    if not loads_weights:
        return module, None
    if source is None:
        session.console.info("weights: from scratch")
        return module, None
    coverage = load_weights(
        module.network, source, options.weights.allow_partial, module.optional_weights, adapt=module.adapt_weights
    )
    session.console.info(f"weights: {coverage}")
    return module, coverage


def train_module(
    record: Record,
    module: Module[Any],
    splits: Splits,
    device: OpenDevice,
    members: Members = (),
    start: LoopState | None = None,
    lessons: Lessons = NONE,
) -> TrainResult:
    """The loop, in the network of `module`, from `start` on; a continued run goes on from its newest checkpoint."""
    import paddle

    from plx_train.train.loop import train
    from plx_train.train.parts import Training

    session, options = record.session, record.session.options
    max_seconds, _ = durations(session.composed)
    loader = _loader(module, splits, session, device, has_pool=lessons.stream is not None)
    val, holdout = module.dataset(splits.val, "val", 0), module.dataset(splits.holdout, "holdout", 0)
    _measure_baselines(record, module, (loader.dataset, holdout, val))
    _begin(record, module, splits)
    with (
        closing(loader),
        lessons.opened(module, device) as pool,
        paddle.utils.unique_name.guard(),
        batch_norms(module, device, options.device.sync_bn) as statistics,
    ):
        record.stream = pool
        record.say("batch_norm", statistics)
        training = Training(
            module=module,
            loader=loader,
            holdout=holdout,
            evaluate=make_evaluator(module, network_engine(module), val, holdout, device.eval_threads, record.stop),
            learner=_learner(module, session, device),
            keeper=_keeper(record),
            tracker=record.tracker,
            console=session.console,
            stop=record.stop,
            trial=record.trial,
            options=options.trainer,
            optimizer_options=options.optimizer,
            members=members,
            first=first_evaluation(options, module, record.facts.get("fingerprint"), device),
            pool=pool,
            contenders=lessons.contenders,
        )
        state = _continued(training, record) if options.resume else start or LoopState()
        return train(training, state, max_seconds and max_seconds - session.elapsed)


def _learner(module: Module[Any], session: Session, device: OpenDevice) -> Learner:
    from plx_train.train.learner import Learner

    optimizer, trainer, seed = session.options.optimizer, session.options.trainer, session.options.seed
    return Learner(module, optimizer, trainer.ema_decay, device.precision, session.output, seed)


def _measure_baselines(record: Record, module: Module[Any], datasets: tuple[Dataset, Dataset, Dataset]) -> None:
    if ranks.rank() == 0:
        record.baselines = record.facts.get("baselines") or module.baselines(*datasets)
    if record.baselines and "baselines" not in record.facts:
        record.write(baselines=record.baselines)
        record.tracker.log_metrics({f"baseline/{name}": value for name, value in record.baselines.items()}, 0)


def _begin(record: Record, module: Module[Any], splits: Splits) -> None:
    """Makes the network what the first step finds."""
    session = record.session
    if not _is_begun(session):
        record.say("first_head", module.begin(splits.train))
    module.expect(len(splits.train))
    _freeze(module, session.options.optimizer.freeze)


def _freeze(module: Module[Any], patterns: list[str]) -> None:
    from plx_train.train.optimizer import freeze_parameters

    frozen = set(freeze_parameters(module.network, patterns))
    module.check_frozen([name for name, _ in module.network.named_parameters() if name not in frozen])


def _loader(module: Module[Any], splits: Splits, session: Session, device: OpenDevice, *, has_pool: bool) -> Loader:
    options, parts = session.options, ranks.num_ranks()
    dataset = module.dataset(splits.train, "train", options.dataset.cache_mb)
    batch_size = parts_of_step(options, splits).labelled if has_pool else options.trainer.batch_size
    check_shares(min(batch_size, len(dataset)), parts)
    order = (True, parts, ranks.rank(), dataset.groups(), _repeats(session, splits, batch_size))
    sampler = Sampler(len(dataset), batch_size, options.seed, *order)
    return Loader(dataset, sampler, module.collate, device.num_workers, options.dataset.unreadable == "skip")


def _repeats(session: Session, splits: Splits, batch_size: int) -> int:
    """Times that an epoch goes through the labelled samples: as long as with all labels, or beside a pool."""
    options, num_labelled = session.options, max(len(splits.train) + len(splits.holdout), 1)
    num_pool = 0 if options.dataset.pool in (None, REST) else len(listed_pool(session).images)
    with_all = splits.num_all * batch_size / options.trainer.batch_size
    beside = min(num_pool * batch_size // parts_of_step(options, splits).pool, MOST_REPEATS * num_labelled)
    return max(round(max(with_all, beside) / num_labelled), 1)


def check_shares(batch_size: int, parts: int) -> None:
    """
    Raises:
        ConfigError: a batch has fewer samples than there are processes to share it.
    """
    if batch_size < parts:
        raise ConfigError(
            f"batches of {batch_size} are too few for {parts} processes, which share each batch: raise "
            "trainer.batch_size, or lower device.processes"
        )


def _keeper(record: Record) -> Keeper:
    session = record.session
    trainer = session.options.trainer
    _, interval = durations(session.composed)
    retention = Retention(trainer.save_every_steps, interval, trainer.keep_last, trainer.keep_every_steps)
    folder = session.output / CHECKPOINTS
    if ranks.rank() == 0:
        folder.mkdir(exist_ok=True)
    texts = {
        CONFIG_FILE: session.composed.yaml,
        DATASET_FILE: f"{record.facts['fingerprint']}\n",
    }
    return Keeper(folder, retention, texts, record.tracker.sync)


def _continued(training: Training, record: Record) -> LoopState:
    """The state of the newest checkpoint, all else restored from it; the beginning where there is none."""
    keeper, console = training.keeper, training.console
    saved = keeper.newest()
    if saved is None:
        if record.facts.get("continued"):
            console.info("no checkpoint had been written: the run begins at its first step")
        return LoopState()
    for sentence in saved.damaged:
        console.warn(f"{sentence}; an older checkpoint is used")
    training.learner.restore(saved.tensors, saved.state["learner"])
    if training.pool:
        training.pool.restore(saved.state["pool"])
    training.module.train_mode()
    state = LoopState.from_json(saved.state["loop"])
    console.info(f"goes on from step {state.step} ({saved.folder})")
    if not is_whole(keeper.best):
        console.warn(f"{keeper.best} is damaged: the best of the evaluations to come takes its place")
        state.best_value, state.evaluated_step = None, -1
    return state
