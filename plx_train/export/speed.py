"""How fast the engines that can be had run an exported graph, in turn on the same samples, and how far they agree."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plx_train.contract.processor import Processor
from plx_train.export.graphs.facts import RefusedGraph
from plx_train.export.onnx_cache import CONVERTED_TOLERANCE, largest_difference
from plx_train.export.runtimes import Model, open_model
from plx_train.export.trial import REST_SECONDS
from plx_train.ground.errors import UserError
from plx_train.runs.exported import is_onnx_only

ROUNDS = 7

Inputs = tuple[np.ndarray, ...]
Work = Callable[[Inputs], list[Any]]


@dataclass(frozen=True)
class Way:
    """How engines are called.

    Attributes:
        threads: of one call.
        callers: calls at once.
    """

    threads: int
    callers: int

    def __str__(self) -> str:
        return f"{self.threads} threads" if self.threads > 1 else f"1 thread, {self.callers} at once"


@dataclass(frozen=True)
class EngineSpeed:
    """One engine, called one way.

    Attributes:
        milliseconds: for one sample, in each round; of calls side by side, the time of all through their number.
        difference: largest of any output value, from what the reference gives.
        tolerance: what `difference` may be.
    """

    engine: str
    way: Way
    milliseconds: tuple[float, ...]
    difference: float
    tolerance: float

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def spread(self) -> float:
        """Spread of the middle half of the rounds, as a share of the median."""
        low, high = np.percentile(self.milliseconds, [25, 75])
        return float((high - low) / self.median)

    @property
    def agrees(self) -> bool:
        return self.difference <= self.tolerance


def ways_of(cores: int) -> list[Way]:
    """A thread for each of as many calls as there are cores, as lines of a page are read, and all cores for one."""
    return [Way(1, cores), Way(cores, 1)] if cores > 1 else [Way(1, 1)]


def opened_engines(folder: Path, threads: int, sample: Inputs) -> dict[str, Model]:
    """The engines that can run `folder`'s graph on a CPU here, by name; what others are compared with comes first.

    Raises:
        RefusedGraph: none may run it.
    """
    found = {}
    for name in ("onnx", "openvino") if is_onnx_only(folder) else ("native", "paddle", "onnx", "openvino"):
        try:
            found[name], _ = open_model(folder, "cpu", threads, name, sample)
        except RefusedGraph:
            raise
        except UserError:
            continue
    return found


def measure(
    works: Mapping[str, Work],
    processor: Processor,
    inputs: Sequence[Inputs],
    way: Way,
    tolerance: float = CONVERTED_TOLERANCE,
    rounds: int = ROUNDS,
) -> list[EngineSpeed]:
    """Each of `works` on all `inputs` in every round, in another order each round.

    Args:
        works: what runs an engine on a sample, by its name; the first is the reference for what it should give.
        processor: says how far apart outputs are.
    """
    names = list(works)
    wanted = [works[names[0]](given) for given in inputs]
    differences = {name: max(largest_difference(processor, one, works[name](given))
                             for given, one in zip(inputs, wanted, strict=True)) for name in names}  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in names}
    with ThreadPoolExecutor(way.callers) as pool:
        for number in range(rounds + 1):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                time.sleep(REST_SECONDS)
                times[name].append(_milliseconds(works[name], inputs, way, pool))
    # The first round is there for threads to get their predictors.
    return [EngineSpeed(name, way, tuple(times[name][1:]), differences[name], tolerance) for name in names]


def quickest(speeds: Sequence[EngineSpeed]) -> dict[int, str]:
    """The quickest engine that agrees with the reference, by threads of one call."""
    found: dict[int, EngineSpeed] = {}
    for speed in speeds:
        best = found.get(speed.way.threads)
        if speed.agrees and (best is None or speed.median < best.median):
            found[speed.way.threads] = speed
    return {threads: speed.engine for threads, speed in found.items()}


def _milliseconds(work: Work, inputs: Sequence[Inputs], way: Way, pool: ThreadPoolExecutor) -> float:
    given = [one for one in inputs for _ in range(way.callers)]
    started = time.perf_counter()
    if way.callers > 1:
        list(pool.map(work, given))
    else:
        for one in given:
            work(one)
    return (time.perf_counter() - started) * 1000 / len(given)
