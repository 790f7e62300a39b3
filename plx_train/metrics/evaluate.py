"""One evaluator for training, ``mode=evaluate`` and parity: the same numbers from network, checkpoint or export."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from plx_train.contract.dataset import Dataset
from plx_train.contract.evaluation import Evaluation, SampleScore
from plx_train.contract.module import Module
from plx_train.contract.processor import Processor
from plx_train.contract.sample import Batch, Sample
from plx_train.distributed import ranks

Engine = Callable[[Batch], list[np.ndarray]]
"""Runs a batch and gives per sample what `processor.postprocess` takes; called from several threads."""


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
    processor: Processor,
    num_threads: int = 1,
    official: Processor | None = None,
    is_shared: bool = False,
) -> Evaluation:
    """Scores `processor` on `val`, and `official` beside it when given; outputs are not kept.

    With `is_shared` each process of the run computes its part of the samples; all get the whole evaluation.
    """
    started = time.perf_counter()
    own = _own_part(len(val), is_shared)
    # Where calibration chose what is published, both say the same of every sample.
    other = None if official is None or official == processor else official

    def predictions_of(sample: Sample, output: np.ndarray) -> tuple[Any, Any]:
        if other is None:
            return processor.postprocess(output, sample.context), None
        return processor.postprocess_with(other, output, sample.context)

    done = run_samples(module, engine, val, num_threads, own, predictions_of)
    found = [(index, *pair) for index, pair in zip(own, done, strict=True)]
    metric, official_metric = module.new_metric(), module.new_metric() if other is not None else None
    samples = []
    for index, sample, predictions in _of_all(found, is_shared):
        value = metric.update(predictions[0], sample)
        samples.append(SampleScore(index, sample.name, value, predictions[0]))
        if official_metric is not None:
            official_metric.update(predictions[1], sample)
    metrics = metric.compute()
    if official is not None:
        official_metric = official_metric or metric
        metrics |= {f"{name}_official": value for name, value in official_metric.compute().items()}
    return Evaluation(metrics, processor, tuple(samples), tuple(metric.curve()), time.perf_counter() - started)


def calibrate(
    module: Module, engine: Engine, holdout: Dataset, num_threads: int = 1, is_shared: bool = False
) -> Processor:
    """The module's processor with settings chosen on `holdout`; the module's own where there is nothing to choose."""
    if len(holdout) == 0:
        return module.processor
    own = _own_part(len(holdout), is_shared)
    done = run_samples(module, engine, holdout, num_threads, own)
    found = [(index, *pair) for index, pair in zip(own, done, strict=True)]
    every = _of_all(found, is_shared)
    return module.calibrate([output for _, _, output in every], [sample for _, sample, _ in every])


def _own_part(num_samples: int, is_shared: bool) -> range:
    return range(ranks.rank(), num_samples, ranks.num_ranks()) if is_shared else range(num_samples)


def _of_all(found: list[tuple[int, Any, Any]], is_shared: bool) -> list[tuple[int, Any, Any]]:
    """What all processes found, in the order of the samples."""
    if is_shared:
        # Nobody's share is quite as long as another's.
        ranks.meet("evaluation")
    parts = ranks.gather(found) if is_shared else [found]
    return sorted((item for part in parts for item in part), key=lambda item: item[0])


def run_samples(
    module: Module,
    engine: Engine,
    dataset: Dataset,
    num_threads: int,
    indices: Sequence[int] | None = None,
    finish: Callable[[Sample, np.ndarray], Any] = lambda sample, output: output,
) -> Iterator[tuple[Sample, Any]]:
    """(sample, output) in order, of `indices` or all; several samples are computed at once, few are held.

    Args:
        finish: makes of sample and output what is given instead of the output, beside the samples to come.

    Returns:
        the samples without the network's input.
    """
    unused = np.random.default_rng(0)
    indices = range(len(dataset)) if indices is None else indices

    def some(start: int) -> list[tuple[Sample, Future[Any]]]:
        samples = [dataset.get(index, unused) for index in indices[start : start + module.eval_batch_size]]
        outputs = engine(module.collate_eval(samples))
        samples = [replace(sample, x=None) for sample in samples]
        return [
            (sample, finishing.submit(finish, sample, output)) for sample, output in zip(samples, outputs, strict=True)
        ]

    waiting: deque[Future[list[tuple[Sample, Future[Any]]]]] = deque()
    # Threads of their own: a device that computes one sample after the other need not wait for its post-processing.
    with ThreadPoolExecutor(num_threads) as finishing, ThreadPoolExecutor(num_threads) as computing:
        for start in range(0, len(indices), module.eval_batch_size):
            waiting.append(computing.submit(some, start))
            if len(waiting) > num_threads + 1:
                yield from _results(waiting.popleft())
        while waiting:
            yield from _results(waiting.popleft())


def _results(computed: Future[list[tuple[Sample, Future[Any]]]]) -> Iterator[tuple[Sample, Any]]:
    return ((sample, finished.result()) for sample, finished in computed.result())
