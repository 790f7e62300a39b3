"""One evaluator for training, ``mode=evaluate`` and parity: the same numbers from network, checkpoint or export."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from plx_train import ranks
from plx_train.contract import Batch, Dataset, Module

Engine = Callable[[Batch], list[np.ndarray]]
"""Runs a batch and gives per sample what `processor.postprocess` takes; called from several threads."""


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
            x = batch["x"]
            tensors = tuple(map(paddle.to_tensor, x)) if isinstance(x, tuple) else paddle.to_tensor(x)
            return module.outputs_to_numpy(module.forward({**batch, "x": tensors}))

    return run


def evaluate(
    module: Module,
    engine: Engine,
    val: Dataset,
    processor: Any,
    num_threads: int = 1,
    official: Any | None = None,
    is_shared: bool = False,
) -> Evaluation:
    """Scores `processor` on `val`, and `official` beside it when given; outputs are not kept.

    With `is_shared` each process of the run computes its part of the samples; all get the whole evaluation.
    """
    started = time.perf_counter()
    own = _own_part(len(val), is_shared)
    found = []
    for index, (sample, output) in zip(own, run_samples(module, engine, val, num_threads, own), strict=True):
        predictions = [each.postprocess(output, sample["shape"]) for each in (processor, official) if each is not None]
        found.append((index, _without_input(sample), predictions))
    metric, official_metric = module.new_metric(), module.new_metric()
    samples = []
    for index, sample, predictions in _of_all(found, is_shared):
        value = metric.update(predictions[0], sample)
        samples.append(SampleScore(index, sample["name"], value, predictions[0]))
        if official is not None:
            official_metric.update(predictions[1], sample)
    metrics = metric.compute()
    if official is not None:
        metrics |= {f"{name}_official": value for name, value in official_metric.compute().items()}
    return Evaluation(metrics, processor, tuple(samples), tuple(metric.curve()), time.perf_counter() - started)


def calibrate(module: Module, engine: Engine, holdout: Dataset, num_threads: int = 1, is_shared: bool = False) -> Any:
    """The module's processor with settings chosen on `holdout`; the module's own where there is nothing to choose."""
    if len(holdout) == 0:
        return module.processor
    own = _own_part(len(holdout), is_shared)
    found = [
        (index, _without_input(sample), output)
        for index, (sample, output) in zip(own, run_samples(module, engine, holdout, num_threads, own), strict=True)
    ]
    every = _of_all(found, is_shared)
    return module.calibrate([output for _, _, output in every], [sample for _, sample, _ in every])


def _own_part(num_samples: int, is_shared: bool) -> range:
    return range(ranks.rank(), num_samples, ranks.num_ranks()) if is_shared else range(num_samples)


def _without_input(sample: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in sample.items() if name != "x"}


def _of_all(found: list[tuple[int, Any, Any]], is_shared: bool) -> list[tuple[int, Any, Any]]:
    """What all processes found, in the order of the samples."""
    if is_shared:
        # Nobody's share is quite as long as another's.
        ranks.meet("evaluation")
    parts = ranks.gather(found) if is_shared else [found]
    return sorted((item for part in parts for item in part), key=lambda item: item[0])


def run_samples(
    module: Module, engine: Engine, dataset: Dataset, num_threads: int, indices: Sequence[int] | None = None
) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """(sample, output) in order, of `indices` or all; several samples are computed at once, few are held."""
    unused = np.random.default_rng(0)
    indices = range(len(dataset)) if indices is None else indices

    def some(start: int) -> list[tuple[dict[str, Any], np.ndarray]]:
        samples = [dataset.get(index, unused) for index in indices[start : start + module.eval_batch_size]]
        return list(zip(samples, engine(module.collate_eval(samples)), strict=True))

    waiting: deque[Future[list[tuple[dict[str, Any], np.ndarray]]]] = deque()
    with ThreadPoolExecutor(num_threads) as pool:
        for start in range(0, len(indices), module.eval_batch_size):
            waiting.append(pool.submit(some, start))
            if len(waiting) > num_threads:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
