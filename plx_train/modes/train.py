"""mode=train: check, evaluate, train, export, prove, report."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from plx_train.api import RunResult
from plx_train.config import Composed
from plx_train.device import check_device
from plx_train.errors import DataError
from plx_train.evaluate import network_engine
from plx_train.loader import Loader, Sampler
from plx_train.modes.conclude import conclude
from plx_train.modes.durations import parse_duration
from plx_train.modes.prepare import (
    Session,
    Splits,
    check_data,
    make_evaluator,
    open_session,
    split,
    start_device,
)
from plx_train.modes.record import recording
from plx_train.weights import Coverage


def run(composed: Composed) -> RunResult:
    """Trains, exports and reports; the folder of the run holds everything."""
    max_seconds = parse_duration(composed.options.trainer.max_time, "trainer.max_time")
    check_device(composed.options.device)
    session = open_session(composed)
    report, checked = check_data(session)
    splits = split(checked, composed.options.dataset, composed.options.seed)
    if not splits.train or not splits.val:
        raise DataError(f"{composed.options.dataset.root} leaves no sample to train or evaluate on")
    device = start_device(session.options)
    session.console.info(f"device: {device.note}")
    module, coverage = build_module(session)
    with recording(session, report, coverage) as record:
        result = _train(session, module, splits, device, record.tracker, max_seconds)
        return conclude(record, module, splits, report, result, device)


def build_module(session: Session) -> tuple[Any, Coverage | None]:
    """The module with its starting weights, on the open device.

    Raises:
        WeightsError: the weights can't be found or don't fit.
    """
    import paddle

    from plx_train.modes.source import build_room
    from plx_train.weights import load_weights

    options = session.options
    source = options.init_from or options.weights.source
    if source == "auto":
        source = options.module.pretrained
    with paddle.utils.unique_name.guard():
        module = build_room(options.module, is_fine_tuning=source is not None)
    if source is None:
        session.console.info("weights: from scratch")
        return module, None
    coverage = load_weights(module.network, source, options.weights.allow_partial, module.optional_weights)
    session.console.info(f"weights: {coverage}")
    return module, coverage


def _train(session: Session, module: Any, splits: Splits, device: Any, tracker: Any, max_seconds: float | None) -> Any:
    import paddle

    from plx_train.learner import Learner
    from plx_train.optimizer import freeze_parameters
    from plx_train.trainer import train

    options = session.options
    dataset = module.dataset(splits.train, "train", options.dataset.cache_mb)
    sampler = Sampler(len(dataset), options.trainer.batch_size, options.seed)
    loader = Loader(dataset, sampler, module.collate, device.num_workers)
    evaluator = make_evaluator(
        module,
        network_engine(module),
        module.dataset(splits.val, "val", 0),
        module.dataset(splits.holdout, "holdout", 0),
        device.eval_threads,
    )
    freeze_parameters(module.network, options.optimizer.freeze)
    with closing(loader), paddle.utils.unique_name.guard():
        learner = Learner(module, options.optimizer, options.trainer.ema_decay, device.precision, session.output)
        return train(
            module,
            loader,
            evaluator,
            options.trainer,
            options.optimizer,
            learner,
            tracker,
            session.console,
            session.output,
            max_seconds and max_seconds - session.elapsed,
        )
