"""One evaluator for training, ``mode=evaluate`` and parity: the same numbers from network, checkpoint or export."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train.contract import Batch, Dataset, Module

Engine = Callable[[Batch], list[np.ndarray]]
"""Runs a batch of one sample and gives per sample what `processor.postprocess` takes; called from several threads."""


@dataclass(frozen=True)
class SampleScore:
    """How well one sample was predicted."""

    index: int
    name: str
    value: float
    prediction: Any


@dataclass(frozen=True)
class Evaluation:
    """Metrics on the validation split.

    `metrics` holds the metric's own names for the processor in use, and ``<name>_official`` for the module's
    published settings where the two differ.
    """

    metrics: dict[str, float]
    processor: Any
    samples: tuple[SampleScore, ...]
    curve: tuple[tuple[float, float], ...]
    """(recall, precision) pairs, where the metric has such a curve."""
    seconds: float


def network_engine(module: Module) -> Engine:
    """Runs the module's live network in evaluation mode."""
    import paddle

    def run(batch: Batch) -> list[np.ndarray]:
        with paddle.no_grad():
            tensors = {**batch, "x": paddle.to_tensor(batch["x"])}
            return module.outputs_to_numpy(module.forward(tensors))

    return run


def evaluate(
    module: Module,
    engine: Engine,
    val: Dataset,
    processor: Any,
    num_threads: int = 1,
    official: Any | None = None,
) -> Evaluation:
    """Scores `processor` on `val`, and `official` beside it when given; outputs are not kept."""
    started = time.perf_counter()
    metric, official_metric = module.new_metric(), module.new_metric()
    samples = []
    for index, (sample, output) in enumerate(run_samples(module, engine, val, num_threads)):
        prediction = processor.postprocess(output, sample["shape"])
        value = metric.update(prediction, sample)
        samples.append(SampleScore(index, sample["name"], value, prediction))
        if official is not None:
            official_metric.update(official.postprocess(output, sample["shape"]), sample)
    metrics = metric.compute()
    if official is not None:
        metrics |= {f"{name}_official": value for name, value in official_metric.compute().items()}
    return Evaluation(metrics, processor, tuple(samples), tuple(metric.curve()), time.perf_counter() - started)


def calibrate(module: Module, engine: Engine, holdout: Dataset, num_threads: int = 1) -> Any:
    """The module's processor with settings chosen on `holdout`; the module's own where there is nothing to choose."""
    if len(holdout) == 0:
        return module.processor
    pairs = list(run_samples(module, engine, holdout, num_threads))
    return module.calibrate([output for _, output in pairs], [sample for sample, _ in pairs])


def run_samples(
    module: Module, engine: Engine, dataset: Dataset, num_threads: int
) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """(sample, output) in order; several samples are computed at once, few are held."""
    unused = np.random.default_rng(0)

    def one(index: int) -> tuple[dict[str, Any], np.ndarray]:
        sample = dataset.get(index, unused)
        return sample, engine(module.collate_eval([sample]))[0]

    waiting: deque[Future[tuple[dict[str, Any], np.ndarray]]] = deque()
    with ThreadPoolExecutor(num_threads) as pool:
        for index in range(len(dataset)):
            waiting.append(pool.submit(one, index))
            if len(waiting) > num_threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
