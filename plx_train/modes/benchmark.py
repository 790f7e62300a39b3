"""mode=benchmark: where the time goes, as figures of one run on this machine."""

from __future__ import annotations

import itertools
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.config.compose import Composed
from plx_train.contract.module import Module
from plx_train.contract.sample import Batch
from plx_train.data.batches import size_of
from plx_train.data.loader import Loader, Sampler
from plx_train.export.static_model import StaticModel, folder_engine
from plx_train.export.write import write_export
from plx_train.machine.device import OpenDevice, check_device
from plx_train.metrics.evaluate import network_engine, run_samples
from plx_train.onednn.choice import natively
from plx_train.runs.folder import BENCHMARK_FILE, EXPORT
from plx_train.runs.result import RunResult
from plx_train.tracking import start_tracking
from plx_train.train.optimizer import learning_rate
from plx_train.workflow import measure as benchmark_engines
from plx_train.workflow.dataset import Splits
from plx_train.workflow.session import Session
from plx_train.workflow.source import names_weights
from plx_train.workflow.training import build_module
from plx_train.workflow.workbench import Workbench, open_workbench

WARM_UP = 2
STEPS = 3
ROUNDS = 8
SAMPLES = 6


def run(composed: Composed) -> RunResult:
    """Measures on the run's own network, batch and crop size; nothing of it is kept but the figures.

    With ``run=``, or weights that are used as they are, what runs an exported model is measured: `benchmark_engines`.
    """
    if composed.options.run or (names_weights(composed) and composed.options.weights.source):
        return benchmark_engines.run(composed)
    check_device(composed.options.device)
    with open_workbench(composed) as bench:
        return _measured(bench)


def _measured(bench: Workbench) -> RunResult:
    session, splits, device = bench.session, bench.splits, bench.device
    module, _ = build_module(session, bench.data)
    figures = _training(session, module, splits, device)
    figures |= _evaluation(bench, module)
    figures["peak_memory_mib"] = peak_memory_mib()
    figures |= device_memory(device)
    (session.output / BENCHMARK_FILE).write_text(json.dumps(figures, indent=1), "utf-8")
    rows = [(name.replace("_", " "), f"{value:.4g}") for name, value in figures.items()]
    session.console.table(f"{module.name} on {device.name}, batch {session.options.trainer.batch_size}", ["", ""], rows)
    session.console.info(f"figures: {session.output / BENCHMARK_FILE}")
    return RunResult("benchmark", session.output, figures)


class _Again(Sampler):
    """The first few batches again and again: the loop computes what the bare step does, whatever its batches' sizes."""

    def batches(self, epoch: int, cursor: int = 0) -> Iterator[list[tuple[int, list[int]]]]:
        return itertools.cycle(list(itertools.islice(super().batches(epoch, cursor), STEPS)))

    def indices(self, epoch: int, cursor: int = 0) -> Iterator[np.ndarray]:
        return itertools.cycle(list(itertools.islice(super().indices(epoch, cursor), STEPS)))


def _training(session: Session, module: Module[Any], splits: Splits, device: Any) -> dict[str, float]:
    """Bare step, the same by Paddle's kernels alone, full loop and loader in turn, `ROUNDS` times; medians."""
    import paddle

    from plx_train.train.learner import Learner

    options = session.options
    with paddle.utils.unique_name.guard():
        learner = Learner(module, options.optimizer, options.trainer.ema_decay, device.precision, session.output)
    module.train_mode()
    rate = learning_rate(options.optimizer, 0.5)
    tracker = start_tracking(
        options.tracking, params={}, tags={"mode": "benchmark"}, output=session.output, datasets=[], config_yaml=""
    )
    # Decoded images are not kept: of those few batches all would be.
    again = _loader(session, module, splits, device, _Again, 0)
    batches = again.epoch(0)
    fixed = list(itertools.islice(batches, STEPS))
    bare, loop, logging, native = [], [], [], []
    for turn in range(WARM_UP + ROUNDS):
        times = [_seconds(partial(learner.update, [batch], rate, 0)) for batch in fixed]
        before = tracker.seconds_logging
        whole = _seconds(partial(_loop, batches, learner, tracker, rate))
        if turn < WARM_UP:
            continue
        bare.append(sum(times))
        loop.append(whole)
        logging.append(tracker.seconds_logging - before)
        with natively():
            native.append(_seconds(partial(learner.update, fixed[:1], rate, 0)) / times[0])
    tracker.finish("FINISHED")
    again.close()
    full = statistics.median(loop)
    alone = _loader_alone(_loader(session, module, splits, device, Sampler, options.dataset.cache_mb))
    images = sum(map(size_of, fixed))
    return {
        "bare_step_images_per_second": images / statistics.median(bare),
        "full_loop_images_per_second": images / full,
        "native_step_takes_times": statistics.median(native),
        "loop_overhead_percent": 100
        * (statistics.median(whole / part for whole, part in zip(loop, bare, strict=True)) - 1),
        "tracking_share_percent": 100 * statistics.median(logging) / full,
        "loader_alone_images_per_second": options.trainer.batch_size / alone,
        "data_share_percent": 100 * min(alone / (full / STEPS), 1.0),
        "spread_of_step_percent": 100 * (max(bare) / min(bare) - 1),
    }


def _loader(
    session: Session, module: Module[Any], splits: Splits, device: OpenDevice, kind: type[Sampler], cache_mb: int
) -> Loader:
    options = session.options
    dataset = module.dataset(splits.train, "train", cache_mb)
    sampler = kind(len(dataset), options.trainer.batch_size, options.seed, groups=dataset.groups())
    return Loader(dataset, sampler, module.collate, device.num_workers)


def _loader_alone(loader: Loader) -> float:
    """Seconds a batch takes when nothing else is done."""
    batches = itertools.chain.from_iterable(map(loader.epoch, itertools.count()))
    next(batches)
    seconds = statistics.mean(_seconds(partial(next, batches)) for _ in range(ROUNDS * STEPS))
    loader.close()
    return seconds


def _loop(batches: Iterator[Batch], learner: Any, tracker: Any, rate: float) -> None:
    """What the trainer does between evaluations."""
    for step in range(STEPS):
        done = learner.update([next(batches)], rate, step)
        values = {f"train/{name}": value for name, value in done.losses.items()}
        tracker.log_metrics(values | {"train/gradient_norm": done.gradient_norm}, step)


def _evaluation(bench: Workbench, module: Module[Any]) -> dict[str, float]:
    """Evaluation with the network, and the exported folder's inference, one sample at a time."""
    session = bench.session
    # Of series a split has few, but many windows.
    dataset = module.dataset(bench.splits.val[:SAMPLES], "val", 0)
    chosen = range(min(len(dataset), SAMPLES))
    module.eval_mode()
    engine = network_engine(module)
    seconds = _seconds(lambda: list(run_samples(module, engine, dataset, 2, chosen)))
    figures = {"evaluation_images_per_second": len(chosen) / seconds}
    with tempfile.TemporaryDirectory(dir=session.output) as folder:
        target = Path(folder) / EXPORT
        write_export(module, module.processor, target, bench.data.room.model_name(session.options.module), {})
        batches = [module.collate_eval([dataset.get(index, np.random.default_rng(0))]) for index in chosen]
        for name, onednn in (("native", False), ("onednn", True)):
            exported = folder_engine(StaticModel(target, onednn=onednn, threads=1), module.processor)
            exported(batches[0])
            seconds = _seconds(partial(list, map(exported, batches)))
            figures[f"export_{name}_images_per_second"] = len(chosen) / seconds
    return figures


def device_memory(device: OpenDevice) -> dict[str, float]:
    """The most memory that tensors took on the device; nothing for a CPU."""
    if device.type not in ("gpu", "dcu"):
        return {}
    import paddle

    return {"peak_device_memory_mib": paddle.device.cuda.max_memory_allocated(device.name) / 2**20}


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak_memory_mib() -> float:
    """The most memory this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
